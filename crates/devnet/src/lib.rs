//! A TRON node for development and tests: the HTTP endpoints of java-tron that real clients use, over a chain of its own.
//!
//! It is unforgiving where a real node is (expiry, reference blocks, duplicates, fees, a pool that forgets) and lies on
//! request (`POST /devnet/faults`). Unlike a private java-tron with one witness, its solid block stays behind its head.
//! Its coins are worth nothing and its faucet has no lock.

mod abi;
mod api;
mod block;
mod chain;
mod clock;
mod contracts;
mod control;
mod faults;
mod journal;
mod node;
mod proto;
mod server;
mod state;
mod text;
mod token;

pub use clock::Clock;
pub use faults::{Kind, Rule};
pub use journal::JournalError;
pub use node::{Answer, ControlError, Devnet, Manner, Settings};
pub use server::{Running, StartError};

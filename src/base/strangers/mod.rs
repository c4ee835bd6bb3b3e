//! Requests to addresses that users gave: they reach the public internet and nothing inside.
//!
//! An address is looked at as it is written and as its name resolves, when it is saved and whenever something is sent, and
//! the connection goes to the address that was looked at. What the operator configured himself needs none of this.

mod address;
mod client;
mod target;

pub use address::is_public;
pub use client::{Failure, Lookup, Reply, Strangers, check, system_lookup};
pub use target::{Rule, Target};

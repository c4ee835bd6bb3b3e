//! roborent: a marketplace where people and AI agents post paid micro-tasks for each other.
//!
//! The rooms, in reading order. Each may use those above it, never those below (`tests/tidy.rs` holds the table).

pub mod base;

pub mod ledger;
pub mod users;
pub mod wallet;
pub mod moderation;

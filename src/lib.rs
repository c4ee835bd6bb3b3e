//! roborent: a marketplace where people and AI agents post paid micro-tasks for each other.
//!
//! The rooms stand here in reading order. Each may use those above it, never those below; `tests/tidy.rs` holds the
//! exact table.

pub mod base;
pub mod ledger;
pub mod users;

pub mod events;
pub mod wallet;
pub mod webhooks;

pub mod gateway;

pub mod referrals;
pub mod tasks;

pub mod moderation;
pub mod ratings;

pub mod jobs;
pub mod mailer;

pub mod doors;

pub mod migrations;
pub mod start;

pub mod cli;
pub mod commands;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

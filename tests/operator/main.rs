//! What an operator does with keys and with the chain: the commands that he types, and what the gateway does by itself.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod care;
mod checked;
mod keys;
mod manual;
mod place;
mod running;

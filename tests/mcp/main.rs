//! The MCP door: what clients of every revision send, what nobody should send, and that it says the same as REST.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod bad_input;
mod client;
mod documents;
mod eras;
mod lint;
mod onboarding;
mod parity;
mod published;
mod secrets;
mod streams;

//! Webhooks: what arrives, signed how, repeated when; receivers that misbehave; addresses that must not be reached.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod delivery;
mod evil;
mod receiver;
mod strangers;

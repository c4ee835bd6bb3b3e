//! Answers of nodes, true and otherwise, without a socket.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod answers;
mod nonsense;
mod pool;
mod support;

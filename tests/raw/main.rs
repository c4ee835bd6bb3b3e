//! What no well-behaved client sends, over real sockets: half a request, two lengths, a body without an end.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod connections;
mod floods;
mod server;
mod smuggling;
mod streams;

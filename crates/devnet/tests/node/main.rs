//! The devnet asked by the client that will ask real nodes.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod chaos;
mod encoder;
mod http;
mod lies;
mod payments;
mod persistence;
mod rules;
mod shapes;
mod support;

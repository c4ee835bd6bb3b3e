//! The real program, killed, stopped and cut off under load: what it acknowledged is there, and what it could not say
//! any more is found out by repeating the call with its key.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]
#![expect(clippy::print_stdout, reason = "seeds and timings are shown with the test that has them")]

mod chance;
mod client;
mod cuts;
mod journal;
mod kills;
mod load;
mod lossy_line;
mod machine_time;
mod payouts;
mod place;
mod server;
mod stops;
mod sync_order;
mod two_nodes;
mod verdict;
mod webhooks;

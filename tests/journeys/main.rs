//! Stories: what users do, from the first request to the last, through the public doors, on both engines.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod addresses;
mod audited_lives;
mod bad_input;
mod corpus;
mod event_log;
mod forms;
mod keys;
mod limits;
mod live;
mod market;
mod money;
mod pressure;
mod profiles;
mod published_examples;
mod recovery;
mod repeats;
mod sandbox;
mod search;
mod searches;
mod second_factor;
mod sign_in;
mod site;
mod strangers;

//! What happened to whom: one durable, ordered log per user, written in the transaction of the change it tells.

mod emit;
mod list_events;
mod number;
pub(crate) mod store;

use crate::base::context::Scope;
use crate::base::operation::{Access, Method, Operation, query};
use crate::base::tool::tool;

pub use emit::{Event, EventKind, emit};
pub use number::number;

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    vec![
        query("list_events", Method::Get, "/api/v1/agent/events", Access::User(Scope::Read), list_events::list_events)
            .about("What happened to you, in order, after the event that you saw last.")
            .tool(tool("List your events", "Read your own event log in order, after the seq that you saw last: proofs, verdicts, payments, reminders. Use it to learn of changes when you have no webhook; for the present state of work ask list_my_tasks or list_published_tasks. Keep next_cursor for the next call.")),
    ]
}

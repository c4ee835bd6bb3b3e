//! What happened to whom: one durable, ordered log per user, written in the transaction of the change it tells.

mod emit;
mod follow;
mod list_events;
mod number;
pub(crate) mod store;
pub mod stream;

use crate::base::operation::{self, Method, Operation, query};
use crate::base::tool::tool;

pub use emit::{Event, EventKind, emit};
pub use follow::{Moved, follow};
pub use list_events::{EventView, last_seq};
pub use number::{Numbered, Placed, number};
pub use stream::{Next, Stream, stream};

crate::refusals! {
    /// What this room refuses.
    pub enum EventRefusal {
        TooManyStreams { most: usize } = 429 "too_many_streams": "You hold {most} streams of events open already." => "Close one; one stream brings everything.";
    }
}

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    vec![
        query("list_events", Method::Get, "/api/v1/agent/events", stream::ACCESS, list_events::list_events)
            .about("What happened to you, in order, after the event that you saw last; waits for something when you ask it to.")
            .tool(tool("List your events", "Read your own event log in order, after the seq that you saw last: proofs, verdicts, payments, reminders. Use it to learn of changes when you have no webhook; for the present state of work ask list_my_tasks or list_published_tasks. Keep next_cursor for the next call.")),
        operation::stream("stream_events", "/api/v1/agent/events/stream", stream::ACCESS, stream::stream_events)
            .about("The same as server-sent events, each as it happens; go on with Last-Event-ID after a break."),
    ]
}

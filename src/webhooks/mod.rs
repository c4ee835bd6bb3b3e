//! Events sent to users' addresses: signed, repeated until they arrive or are given up, and written down.
//!
//! A delivery is put into the queue in the transaction that numbers its event. A lane is the queue of one endpoint: one
//! node at a time works on it, so an endpoint that answers badly keeps nobody waiting but itself.

mod attempt;
mod deliver;
mod delivery_log;
mod enqueue;
mod health;
mod lane;
mod notice;
mod record;
mod redeliver;
pub(crate) mod store;

use serde_json::json;

use crate::base::context::Scope;
use crate::base::operation::{Access, Method, Operation, command, query};

pub use deliver::Deliverer;
pub use enqueue::enqueue;
pub use record::forget_old_attempts;

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    vec![
        query("get_webhook", Method::Get, "/api/v1/agent/webhook", Access::User(Scope::Read), health::get_webhook)
            .about("How your webhook is doing."),
        query("list_webhook_deliveries", Method::Get, "/api/v1/agent/webhook/deliveries", Access::User(Scope::Read), delivery_log::list)
            .about("What was sent to your webhook, newest first."),
        query(
            "get_webhook_delivery",
            Method::Get,
            "/api/v1/agent/webhook/deliveries/{event_id}",
            Access::User(Scope::Read),
            delivery_log::get,
        )
        .about("One delivery with every attempt: when, how long, which status, how the answer began."),
        command("redeliver_webhook", Method::Post, "/api/v1/agent/webhook/deliveries/{event_id}/redeliver", Access::Keys, redeliver::one)
            .about("Send one event once more, with the same webhook-id."),
        command("redeliver_webhooks", Method::Post, "/api/v1/agent/webhook/redeliver", Access::Keys, redeliver::range)
            .example(json!({ "from_seq": 1, "to_seq": 100 }))
            .about("Send a range of your events once more, those that did not arrive, or all of them."),
        command("test_webhook", Method::Post, "/api/v1/agent/webhook/test", Access::Keys, redeliver::test)
            .about("Make an event that says nothing, to see it arrive."),
    ]
}

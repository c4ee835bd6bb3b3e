//! Sending once more, one event or a range, and an event to try it with.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::error::Refusal;
use crate::base::{Context, Result, UserId};
use crate::events::{self, Event, EventKind, Placed};
use crate::users;
use crate::users::UserRefusal;
use crate::webhooks::delivery_log::{Delivery, WhichDelivery, view};
use crate::webhooks::store::{self, State};

const TOGETHER_MAX: i64 = 1_000;

/// Which events.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The first one.
    #[garde(range(min = 1))]
    #[schemars(range(min = 1))]
    from_seq: i64,
    /// The last one; at most 1,000 events are taken at once.
    #[garde(range(min = 1))]
    #[schemars(range(min = 1))]
    to_seq: i64,
    /// `true` takes those also that were delivered before.
    #[garde(skip)]
    delivered_too: Option<bool>,
}

/// What was put into the queue.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "QueuedDeliveries")]
pub struct Queued {
    /// How many events.
    queued: usize,
    /// Where to go on, when there are more than were taken.
    next_from_seq: Option<i64>,
}

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestWebhook {}

/// A test event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tested {
    /// Always `webhook_test`.
    event: &'static str,
    /// Whether it will be sent; without a webhook it stands in the log only.
    will_be_sent: bool,
}

pub(super) fn one(cx: &mut Context<'_, '_>, input: &WhichDelivery) -> Result<Delivery> {
    let user = cx.user_id()?;
    let row = store::delivery(cx, input.event_id, user)?.ok_or(Refusal::NotFound)?;
    if !is_on(cx, user)? {
        return Err(UserRefusal::NoWebhook.into());
    }
    if row.state != State::Waiting {
        store::again(cx, user, &[row.seq])?;
        store::raise_lane(cx, user)?;
    }
    let row = store::delivery(cx, input.event_id, user)?.ok_or(Refusal::NotFound)?;
    view(cx, user, row)
}

pub(super) fn range(cx: &mut Context<'_, '_>, input: &Range) -> Result<Queued> {
    let user = cx.user_id()?;
    if !is_on(cx, user)? {
        return Ok(Queued { queued: 0, next_from_seq: None });
    }
    let mut events = store::events_between(cx, user, (input.from_seq, input.to_seq), TOGETHER_MAX + 1)?;
    let next_from_seq =
        if i64::try_from(events.len()).unwrap_or(i64::MAX) > TOGETHER_MAX { events.pop().map(|(seq, ..)| seq) } else { None };
    let (mut again, mut first) = (Vec::new(), Vec::new());
    for (seq, id, state) in events {
        match state {
            None => first.push(Placed { user, seq, id }),
            Some(State::GivenUp) => again.push(seq),
            Some(State::Delivered) if input.delivered_too == Some(true) => again.push(seq),
            Some(State::Delivered | State::Waiting) => {}
        }
    }
    if !again.is_empty() || !first.is_empty() {
        store::again(cx, user, &again)?;
        store::insert_deliveries(cx, &first.iter().collect::<Vec<_>>())?;
        store::raise_lane(cx, user)?;
    }
    Ok(Queued { queued: again.len() + first.len(), next_from_seq })
}

pub(super) fn test(cx: &mut Context<'_, '_>, _: &TestWebhook) -> Result<Tested> {
    let user = cx.user_id()?;
    let will_be_sent = is_on(cx, user)?;
    let kind = EventKind::WebhookTest;
    events::emit(cx, &[Event::new(user, kind, json!({ "message": "This is a test." }))])?;
    Ok(Tested { event: kind.name(), will_be_sent })
}

fn is_on(cx: &mut Context<'_, '_>, user: UserId) -> Result<bool> {
    Ok(users::webhook::endpoint(cx, user)?.is_some_and(|(_, endpoint)| endpoint.is_on))
}

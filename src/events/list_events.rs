//! Reading the log.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::base::error::internal;
use crate::base::{Context, Result, Span, Ts, UserId};
use crate::events::store;

/// From where on.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListEvents {
    /// The `seq` of the last event that you know; 0 or left out = from the beginning.
    #[garde(inner(range(min = 0)))]
    #[schemars(range(min = 0))]
    after: Option<i64>,
    /// How many, 1 to 200; 50 when left out.
    #[garde(inner(range(min = 1, max = 200)))]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// When there is nothing yet: how long to wait for something, 0 to 10 seconds; 0 when left out.
    #[garde(inner(range(min = 0, max = 10)))]
    #[schemars(range(min = 0, max = 10))]
    wait_seconds: Option<u32>,
}

/// One event.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub struct EventView {
    /// 1, 2, 3 … without gaps.
    pub seq: i64,
    /// The same wherever this event is read.
    pub event_id: Uuid,
    /// What happened.
    pub event: String,
    /// When.
    pub created_at: Ts,
    /// The details.
    #[schemars(extend("x-untrusted" = true))]
    pub data: Value,
}

/// A part of the log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventList {
    /// In order.
    items: Vec<EventView>,
    /// Send it as `after` to go on, now or later.
    next_cursor: i64,
}

pub(super) fn list_events(cx: &mut Context<'_, '_>, input: &ListEvents) -> Result<EventList> {
    let user = cx.user_id()?;
    let after = input.after.unwrap_or(0);
    let items = read(cx, user, after, input.limit.unwrap_or(50))?;
    if items.is_empty() {
        cx.patience = input.wait_seconds.filter(|seconds| *seconds > 0).map(|seconds| Span::seconds(seconds.into()));
    }
    Ok(EventList { next_cursor: items.last().map_or(after, |event| event.seq), items })
}

/// The events of `user` after the one with the number `after`.
pub(super) fn read(cx: &mut Context<'_, '_>, user: UserId, after: i64, at_most: u32) -> Result<Vec<EventView>> {
    let view = |row: store::EventRow| {
        let data = serde_json::from_str(&row.data).map_err(internal)?;
        Ok(EventView { seq: row.seq, event_id: row.id, event: row.kind, created_at: row.at, data })
    };
    store::events_after(cx, user, after, i64::from(at_most))?.into_iter().map(view).collect()
}

/// The number of the newest event of `user`; 0 before the first.
pub fn last_seq(cx: &mut Context<'_, '_>, user: UserId) -> Result<i64> {
    Ok(store::last_seqs(cx, &[user])?.first().and_then(|(_, last)| *last).unwrap_or(0))
}

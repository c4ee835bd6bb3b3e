//! Reading the log.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::base::error::internal;
use crate::base::{Context, Result, Ts};
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
}

/// One event.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub struct EventView {
    /// 1, 2, 3 … without gaps.
    seq: i64,
    /// The same wherever this event is read.
    event_id: Uuid,
    /// What happened.
    event: String,
    /// When.
    created_at: Ts,
    /// The details.
    #[schemars(extend("x-untrusted" = true))]
    data: Value,
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
    let rows = store::events_after(cx, user, after, i64::from(input.limit.unwrap_or(50)))?;
    let next_cursor = rows.last().map_or(after, |row| row.seq);
    let view = |row: store::EventRow| {
        let data = serde_json::from_str(&row.data).map_err(internal)?;
        Ok(EventView { seq: row.seq, event_id: row.id, event: row.kind, created_at: row.at, data })
    };
    Ok(EventList { items: rows.into_iter().map(view).collect::<Result<_>>()?, next_cursor })
}

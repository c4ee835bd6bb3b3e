//! The delivery log: what was sent, when, and what was answered.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::error::Refusal;
use crate::base::page::{self, Page};
use crate::base::{Context, Result, Ts, UserId};
use crate::webhooks::store::{self, AttemptRow, DeliveryRow, State};

const LIST: &str = "webhook_deliveries";

/// Which part of the log.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDeliveries {
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 200; 50 when left out.
    #[garde(inner(range(min = 1, max = 200)))]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// Which delivery.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhichDelivery {
    /// The id of its event.
    #[garde(skip)]
    pub(super) event_id: Uuid,
}

/// An event on its way to a webhook.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Delivery {
    /// The event; also its `webhook-id`.
    event_id: Uuid,
    /// Its number in your log.
    seq: i64,
    /// What happened.
    event: String,
    /// When.
    created_at: Ts,
    /// What became of it.
    status: State,
    /// Attempts made.
    attempts: i64,
    /// When the next one is due; null when none is.
    next_attempt_at: Option<Ts>,
    /// The newest attempt.
    last_attempt: Option<Attempt>,
}

/// One attempt.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeliveryAttempt")]
pub struct Attempt {
    /// 1, 2, 3 …
    n: i64,
    /// When.
    at: Ts,
    /// How long it took, in milliseconds.
    duration_ms: i64,
    /// The HTTP status; null when there was no answer.
    response_status: Option<i64>,
    /// How the answer began, or why there was none.
    response_head: String,
}

/// A delivery with all its attempts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    delivery: Delivery,
    /// The attempts of the last 30 days, newest first.
    attempt_log: Vec<Attempt>,
}

impl From<AttemptRow> for Attempt {
    fn from(row: AttemptRow) -> Self {
        let AttemptRow { n, at, duration_ms, status, note } = row;
        Self { n, at, duration_ms, response_status: status, response_head: note }
    }
}

pub(super) fn list(cx: &mut Context<'_, '_>, input: &ListDeliveries) -> Result<Page<Delivery>> {
    let user = cx.user_id()?;
    let before = page::begin(LIST, input.cursor.as_ref(), i64::MAX)?;
    let limit = input.limit.unwrap_or(50);
    let rows = store::deliveries(cx, user, before, i64::from(limit) + 1)?;
    let items = rows.into_iter().map(|row| view(cx, user, row)).collect::<Result<Vec<_>>>()?;
    Ok(Page::of(items, limit as usize, |delivery: &Delivery| page::cursor(LIST, &delivery.seq.to_string())))
}

pub(super) fn get(cx: &mut Context<'_, '_>, input: &WhichDelivery) -> Result<DeliveryDetail> {
    let user = cx.user_id()?;
    let row = store::delivery(cx, input.event_id, user)?.ok_or(Refusal::NotFound)?;
    let seq = row.seq;
    let delivery = view(cx, user, row)?;
    let attempt_log = store::attempts_of(cx, user, seq)?.into_iter().map(Attempt::from).collect();
    Ok(DeliveryDetail { delivery, attempt_log })
}

pub(super) fn view(cx: &mut Context<'_, '_>, user: UserId, row: DeliveryRow) -> Result<Delivery> {
    let DeliveryRow { seq, event_id, kind, at, state, attempts, next_at } = row;
    let last_attempt = store::attempt_of(cx, user, seq, attempts)?.map(Attempt::from);
    Ok(Delivery { event_id, seq, event: kind, created_at: at, status: state, attempts, next_attempt_at: next_at, last_attempt })
}

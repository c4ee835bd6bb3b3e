//! One attempt: the body, its signatures (Standard Webhooks), and what came of it.

use serde_json::{Map, Value, json};

use crate::base::Ts;
use crate::base::clock::machine_now;
use crate::base::error::{Result, internal};
use crate::base::secrets::WebhookSecret;
use crate::base::strangers::{Reply, Strangers};
use crate::webhooks::store::DueRow;

/// What came of an attempt.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) seq: i64,
    /// Made before this one, all together and since the event was last put into the queue.
    pub(super) attempts: i64,
    pub(super) tries: i64,
    /// In the time of the product.
    pub(super) at: Ts,
    pub(super) milliseconds: i64,
    pub(super) status: Option<u16>,
    pub(super) retry_after_seconds: Option<u64>,
    /// How the answer began, or why there is none.
    pub(super) note: String,
}

impl Done {
    /// Any 2xx.
    pub(super) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The endpoint says that it is gone for good.
    pub(super) fn is_gone(&self) -> bool {
        self.status == Some(410)
    }

    /// How long a busy endpoint asks to be left alone.
    pub(super) fn asked_seconds(&self) -> Option<u64> {
        self.retry_after_seconds.filter(|_| matches!(self.status, Some(429 | 502 | 503 | 504)))
    }
}

/// The body of an event: its name, its data as published, and what every event has.
pub(super) fn body(event: &DueRow) -> Result<Vec<u8>> {
    let mut body = Map::new();
    body.insert("event".into(), event.kind.as_str().into());
    match serde_json::from_str(&event.data).map_err(internal)? {
        Value::Object(data) => body.extend(data),
        _ => return Err(internal("the data of an event is no object")),
    }
    for (name, value) in [("event_id", json!(event.event_id)), ("seq", event.seq.into()), ("created_at", json!(event.at))] {
        body.entry(name).or_insert(value);
    }
    serde_json::to_vec(&body).map_err(internal)
}

/// The three headers. The time is that of the machine: receivers compare it with their own.
pub(super) fn headers(event: &DueRow, body: &[u8], secrets: &[WebhookSecret]) -> [(&'static str, String); 3] {
    let (id, timestamp) = (event.event_id.to_string(), machine_now().as_seconds().to_string());
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let signatures: Vec<String> = secrets.iter().map(|secret| format!("v1,{}", secret.sign(&signed))).collect();
    [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signatures.join(" "))]
}

/// Sends an event once, at `at` in the time of the product.
#[expect(clippy::disallowed_methods, reason = "the duration of an attempt is measured for its log")]
pub(super) async fn attempt(strangers: &Strangers, url: &str, event: &DueRow, secrets: &[WebhookSecret], at: Ts) -> Done {
    let started = std::time::Instant::now();
    let answer = match body(event) {
        Ok(body) => {
            let headers = headers(event, &body, secrets);
            strangers.post(url, &headers, body).await.map_err(|failure| failure.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    let milliseconds = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    let (status, retry_after_seconds, note) = match answer {
        Ok(Reply { status, retry_after_seconds, head }) => (Some(status), retry_after_seconds, head),
        Err(why) => (None, None, why),
    };
    Done { seq: event.seq, attempts: event.attempts, tries: event.tries, at, milliseconds, status, retry_after_seconds, note }
}

//! How one's webhook is doing.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::{Context, Result, Ts};
use crate::users;
use crate::webhooks::store;

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetWebhook {}

crate::words! {
    /// Whether events are sent.
    pub enum WebhookStatus {
        /// There is no URL.
        None = "none",
        /// Events are sent.
        On = "on",
        /// It only failed, for days; set `webhook_url` again to switch it on.
        SwitchedOff = "switched_off",
    }
}

/// A webhook.
#[expect(clippy::struct_field_names, reason = "the profile calls it so, too")]
#[derive(Debug, Serialize, JsonSchema)]
pub struct Webhook {
    /// Whether events are sent.
    status: WebhookStatus,
    /// Where to.
    webhook_url: Option<String>,
    /// Until then the secret before the newest one signs, too.
    former_secret_until: Option<Ts>,
    /// When it was switched off.
    switched_off_at: Option<Ts>,
    /// Attempts that failed since the last one that did not.
    failures: i64,
    /// When the first of them failed.
    failing_since: Option<Ts>,
    /// After several failures attempts are made less often; the next one not before then.
    paused_until: Option<Ts>,
    /// When the next attempt is due; null when nothing waits.
    next_attempt_at: Option<Ts>,
}

pub(super) fn get_webhook(cx: &mut Context<'_, '_>, _: &GetWebhook) -> Result<Webhook> {
    let user = cx.user_id()?;
    let (url, endpoint) = users::webhook::endpoint(cx, user)?.map_or((None, None), |(url, endpoint)| (url, Some(endpoint)));
    let lane = store::lane(cx, user)?;
    let status = match &endpoint {
        Some(endpoint) if endpoint.is_on => WebhookStatus::On,
        Some(endpoint) if endpoint.switched_off_at.is_some() => WebhookStatus::SwitchedOff,
        Some(_) | None => WebhookStatus::None,
    };
    let waits = store::first_waiting(cx, user)?;
    let paused_until = lane.as_ref().and_then(|lane| lane.paused_until).filter(|until| cx.now < *until);
    Ok(Webhook {
        status,
        webhook_url: url,
        former_secret_until: endpoint.as_ref().and_then(|endpoint| endpoint.former_secret_until).filter(|until| cx.now < *until),
        switched_off_at: endpoint.and_then(|endpoint| endpoint.switched_off_at),
        failures: lane.as_ref().map_or(0, |lane| lane.failures),
        failing_since: lane.and_then(|lane| lane.failing_since),
        paused_until,
        next_attempt_at: waits.map(|at| paused_until.map_or(at, |until| at.max(until))),
    })
}

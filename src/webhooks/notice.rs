//! What an owner is told when his endpoint is switched off: an event in his log, and a notice for whoever sends mail.

use serde_json::json;

use crate::base::{Context, Result, UserId};
use crate::events::{self, Event, EventKind};
use crate::users;
use crate::webhooks::lane::Lane;
use crate::webhooks::store;

/// Switches an endpoint off, gives up what waits for it, and tells its owner. Nothing when it is off already.
pub(super) fn switch_off(cx: &mut Context<'_, '_>, user: UserId, lane: &Lane, why: &str) -> Result<()> {
    let url = users::webhook::endpoint(cx, user)?.and_then(|(url, _)| url);
    if !users::webhook::switch_off(cx, user)? {
        return Ok(());
    }
    let given_up = store::give_up_all(cx, user)?;
    let data = json!({ "webhook_url": url, "reason": why, "failing_since": lane.failing_since, "given_up": given_up });
    store::insert_notice(cx, user, EventKind::WebhookSwitchedOff.name(), &data.to_string())?;
    events::emit(cx, &[Event::new(user, EventKind::WebhookSwitchedOff, data)])
}

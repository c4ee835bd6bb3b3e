//! Puts an event into the queue of its owner's endpoint, in the transaction that numbers it.

use std::collections::BTreeMap;

use crate::base::{Context, Result, UserId};
use crate::events::{Numbered, Placed};
use crate::users::webhook::{Endpoint, endpoints_locked, save_since};
use crate::webhooks::store;

/// A delivery for each event of somebody whose endpoint is on. Answers whether there is one.
pub fn enqueue(cx: &mut Context<'_, '_>, numbered: &Numbered) -> Result<bool> {
    let endpoints: BTreeMap<UserId, Endpoint> = endpoints_locked(cx, &numbered.users())?.into_iter().filter(|(_, e)| e.is_on).collect();
    let wanted: Vec<&Placed> = numbered.events.iter().filter(|event| endpoints.contains_key(&event.user)).collect();
    if wanted.is_empty() {
        return Ok(false);
    }
    store::insert_deliveries(cx, &wanted)?;
    for (user, endpoint) in &endpoints {
        if let (None, Some(first)) = (endpoint.since_seq, wanted.iter().find(|event| event.user == *user)) {
            save_since(cx, *user, first.seq - 1)?;
        }
        store::raise_lane(cx, *user)?;
    }
    Ok(true)
}

//! The numbering job: gives new events their places, without gaps, in the log of each user.

use crate::base::{Context, Result};
use crate::events::store::{self, NUMBERED_TOGETHER};

/// Job: numbers the oldest new events. Answers whether there may be more.
pub fn number(cx: &mut Context<'_, '_>) -> Result<bool> {
    store::lock_numbering(cx)?;
    let fresh = store::fresh(cx)?;
    // User by user, as the log is kept: what stands side by side there is written side by side.
    let mut sorted: Vec<_> = fresh.iter().collect();
    sorted.sort_by_key(|event| event.user_id);
    let of_users = || sorted.chunk_by(|a, b| a.user_id == b.user_id);
    let users: Vec<_> = of_users().map(|events| events[0].user_id).collect();
    let mut rows = Vec::with_capacity(fresh.len());
    for (events, (user, last)) in of_users().zip(store::last_seqs(cx, &users)?) {
        for (seq, event) in (last.unwrap_or(0) + 1..).zip(events) {
            rows.push((user, seq, event.id, event.kind.as_str(), event.data.as_str(), event.at));
        }
    }
    store::place(cx, &rows)?;
    store::forget_fresh(cx, &fresh)?;
    Ok(fresh.len() == NUMBERED_TOGETHER)
}

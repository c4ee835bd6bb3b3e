//! The numbering job: gives new events their places, without gaps, in the log of each user.

use std::collections::HashMap;

use crate::base::{Context, Result, UserId};
use crate::events::store::{self, NUMBERED_TOGETHER};

/// Job: numbers the oldest new events. Answers whether there may be more.
pub fn number(cx: &mut Context<'_, '_>) -> Result<bool> {
    store::lock_numbering(cx)?;
    let fresh = store::fresh(cx)?;
    let mut last: HashMap<UserId, i64> = HashMap::new();
    let mut rows = Vec::with_capacity(fresh.len());
    for event in &fresh {
        let seq = match last.get(&event.user_id) {
            Some(seq) => seq + 1,
            None => store::last_seq(cx, event.user_id)? + 1,
        };
        last.insert(event.user_id, seq);
        rows.push((event.user_id, seq, event.id, event.kind.as_str(), event.data.as_str(), event.at));
    }
    store::place(cx, &rows)?;
    for event in &fresh {
        store::forget_fresh(cx, event.batch, event.n)?;
    }
    Ok(fresh.len() == NUMBERED_TOGETHER)
}

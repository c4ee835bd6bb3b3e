//! The numbering job: gives new events their places, without gaps, in the log of each user.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::base::{Context, Result, UserId};
use crate::events::follow::Said;
use crate::events::store::{self, NUMBERED_TOGETHER};

/// What one turn of numbering has placed.
#[derive(Debug)]
pub struct Numbered {
    /// The events, those of a user in order.
    pub events: Vec<Placed>,
    /// Whether there may be more.
    pub more: bool,
}

/// An event that has its number.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// Whose.
    pub user: UserId,
    /// Its number.
    pub seq: i64,
    /// The event.
    pub id: Uuid,
}

impl Numbered {
    /// Those to whom something happened.
    pub fn users(&self) -> Vec<UserId> {
        let mut users: Vec<UserId> = self.events.iter().map(|event| event.user).collect();
        users.sort_unstable();
        users.dedup();
        users
    }
}

/// Job: numbers the oldest new events.
pub fn number(cx: &mut Context<'_, '_>) -> Result<Numbered> {
    let turn = store::lock_numbering(cx)? + 1;
    let fresh = store::fresh(cx)?;
    let mut last: BTreeMap<UserId, i64> = BTreeMap::new();
    let mut events = Vec::with_capacity(fresh.len());
    let mut rows = Vec::with_capacity(fresh.len());
    for event in &fresh {
        let seq = match last.get(&event.user_id) {
            Some(seq) => seq + 1,
            None => store::last_seq(cx, event.user_id)? + 1,
        };
        last.insert(event.user_id, seq);
        events.push(Placed { user: event.user_id, seq, id: event.id });
        rows.push((event.user_id, seq, event.id, event.kind.as_str(), event.data.as_str(), event.at));
    }
    store::place(cx, &rows)?;
    for event in &fresh {
        store::forget_fresh(cx, event.batch, event.n)?;
    }
    if !fresh.is_empty() {
        store::announce(cx, turn, &Said { turn, users: last.into_keys().collect() }.to_words())?;
    }
    Ok(Numbered { events, more: fresh.len() == NUMBERED_TOGETHER })
}

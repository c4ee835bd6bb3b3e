//! The numbering job: gives new events their places, without gaps, in the log of each user.

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
    // User by user, as the log is kept: what stands side by side there is written side by side.
    let mut sorted: Vec<_> = fresh.iter().collect();
    sorted.sort_by_key(|event| event.user_id);
    let of_users = || sorted.chunk_by(|a, b| a.user_id == b.user_id);
    let users: Vec<_> = of_users().map(|events| events[0].user_id).collect();
    let mut events = Vec::with_capacity(fresh.len());
    let mut rows = Vec::with_capacity(fresh.len());
    for (of_user, (user, last)) in of_users().zip(store::last_seqs(cx, &users)?) {
        for (seq, event) in (last.unwrap_or(0) + 1..).zip(of_user) {
            events.push(Placed { user, seq, id: event.id });
            rows.push((user, seq, event.id, event.kind.as_str(), event.data.as_str(), event.at));
        }
    }
    store::place(cx, &rows)?;
    store::forget_fresh(cx, &fresh)?;
    if !fresh.is_empty() {
        store::end_turn(cx, turn)?;
        store::say(cx, &Said::Numbered { turn, users }.to_words())?;
    }
    Ok(Numbered { events, more: fresh.len() == NUMBERED_TOGETHER })
}

//! The orders of a search, and where a page ends in them.

use uuid::Uuid;

use crate::base::error::Refusal;
use crate::base::{Result, Ts, Usdt, page};
use crate::tasks::search::store::Key;

crate::words! {
    /// In which order.
    pub enum Sort {
        /// The newest first.
        Newest = "newest",
        /// The largest reward first.
        Reward = "reward",
        /// Those that end soon first.
        Expiring = "expiring",
    }
}

/// A place in an order: what it is sorted by, and the id of the task. Later places are smaller ones when the order
/// descends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub(super) i64, pub(super) Uuid);

impl Sort {
    const fn descends(self) -> bool {
        match self {
            Self::Newest | Self::Reward => true,
            Self::Expiring => false,
        }
    }

    /// Where a task stands.
    pub(super) fn place(self, key: &Key) -> Place {
        let by = match self {
            Self::Newest => key.published_at.as_milliseconds(),
            Self::Reward => key.reward.micro(),
            Self::Expiring => key.expires_at.as_milliseconds(),
        };
        Place(by, key.id.0)
    }

    /// The places before the first and at the last task that may be found.
    pub(super) fn ends(self, rewards: (Usdt, Usdt), now: Ts) -> (Place, Place) {
        match self {
            Self::Newest => (Place(i64::MAX, Uuid::max()), Place(i64::MIN, Uuid::nil())),
            Self::Reward => (Place(rewards.1.micro(), Uuid::max()), Place(rewards.0.micro(), Uuid::nil())),
            Self::Expiring => (Place(now.as_milliseconds(), Uuid::max()), Place(i64::MAX, Uuid::max())),
        }
    }

    /// The later one of two places.
    pub(super) fn later(self, a: Place, b: Place) -> Place {
        if self.is_after(a, b) { a } else { b }
    }

    /// Whether `a` comes after `b`.
    pub(super) fn is_after(self, a: Place, b: Place) -> bool {
        if self.descends() { a < b } else { a > b }
    }

    /// Puts tasks into this order.
    pub(super) fn arrange(self, keys: &mut [Key]) {
        keys.sort_unstable_by_key(|key| self.place(key));
        if self.descends() {
            keys.reverse();
        }
    }

    fn list(self) -> String {
        format!("search-{}", self.name())
    }

    pub(super) fn cursor(self, place: Place) -> String {
        page::cursor(&self.list(), &format!("{}:{}", place.0, place.1.simple()))
    }

    /// Reads a cursor of this order. Fails with `invalid_cursor`.
    pub(super) fn read_cursor(self, cursor: &str) -> Result<Place> {
        let text = page::position(&self.list(), cursor)?;
        let place = text.split_once(':').and_then(|(by, id)| Some(Place(by.parse().ok()?, id.parse().ok()?)));
        Ok(place.ok_or(Refusal::StaleCursor)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_one_order() {
        let place = Place(-5, Uuid::from_u128(7));
        for sort in [Sort::Newest, Sort::Reward, Sort::Expiring] {
            let cursor = sort.cursor(place);
            assert_eq!(sort.read_cursor(&cursor).expect("its own"), place);
            for other in [Sort::Newest, Sort::Reward, Sort::Expiring] {
                assert_eq!(other.read_cursor(&cursor).is_ok(), other == sort);
            }
        }
        for garbage in ["", "x", "c2VhcmNoLW5ld2VzdDo", "%00"] {
            assert!(Sort::Newest.read_cursor(garbage).is_err(), "{garbage}");
        }
    }
}

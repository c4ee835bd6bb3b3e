//! The rules of the market, written a second time: who gets what for a slot, and how long everybody has.

use crate::calendar::months_later;

pub(crate) const MINUTE: i128 = 60_000;
pub(crate) const HOUR: i128 = 60 * MINUTE;
pub(crate) const DAY: i128 = 24 * HOUR;

/// How long a rejection can be disputed.
pub(crate) const DISPUTE: i128 = 72 * HOUR;
/// How long an operator has for a dispute.
pub(crate) const DECISION: i128 = 14 * DAY;
/// What is left of a review at least when it goes on.
pub(crate) const REVIEW_LEFT_LEAST: i128 = HOUR;
/// What a worker has at least for changes.
pub(crate) const CHANGES_LEAST: i128 = DAY;
/// A limit of so many per hour stands in the way for an hour at most, and then there are ten minutes more.
pub(crate) const EXTENSION_MOST: i128 = HOUR + 10 * MINUTE;

/// The hours of review for a reward in micro-USDT.
pub(crate) const fn review_hours(reward: i128) -> i128 {
    match reward {
        ..1_000_000 => 24,
        1_000_000..5_000_000 => 48,
        5_000_000..20_000_000 => 72,
        20_000_000..100_000_000 => 120,
        _ => 168,
    }
}

/// What a paid slot is worth to whom.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    /// What the slot cost.
    pub(crate) reward: i128,
    /// What of it is for the worker, before the fee.
    pub(crate) paid: i128,
    /// The platform's part of that, in 1/10000.
    pub(crate) fee_bp: i128,
    /// A referrer's part of the fee, in 1/10000.
    pub(crate) commission_bp: i128,
}

impl Slot {
    /// To the platform, the commissions included.
    pub(crate) const fn fee(&self) -> i128 {
        part(self.paid, self.fee_bp)
    }

    /// To the worker.
    pub(crate) const fn net(&self) -> i128 {
        self.paid.saturating_sub(self.fee())
    }

    /// Back to the creator.
    pub(crate) const fn back(&self) -> i128 {
        self.reward.saturating_sub(self.paid)
    }

    /// To the referrer of somebody who registered at `since`, for a slot that was settled at `at`.
    pub(crate) fn commission(&self, since: i64, months: u32, at: i64) -> i128 {
        if at < months_later(since, months) { part(self.fee(), self.commission_bp) } else { 0 }
    }
}

/// Rounded down. Saturating, because damaged figures must be reported and not crash the auditor.
const fn part(amount: i128, bp: i128) -> i128 {
    amount.saturating_mul(bp).div_euclid(10_000)
}

/// Whether an acceptance in this state holds a slot. A rejection does while it can be disputed.
pub(crate) fn is_live(status: &str, waits: bool) -> bool {
    matches!(status, "accepted" | "submitted" | "changes_requested" | "disputed") || status == "rejected" && waits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_windows_of_review_grow_with_the_reward() {
        let windows = [(50_000, 24), (999_999, 24), (1_000_000, 48), (4_999_999, 48), (5_000_000, 72), (19_999_999, 72)];
        for (reward, hours) in windows.into_iter().chain([(20_000_000, 120), (99_999_999, 120), (100_000_000, 168)]) {
            assert_eq!(review_hours(reward), hours, "{reward}");
        }
    }

    #[test]
    fn the_shares_of_a_slot_are_the_slot() {
        let slot = Slot { reward: 2_000_001, paid: 660_000, fee_bp: 1_000, commission_bp: 2_000 };
        assert_eq!((slot.net(), slot.fee(), slot.back()), (594_000, 66_000, 1_340_001));
        assert_eq!((slot.commission(0, 12, 1), slot.commission(0, 12, 365 * 86_400_000)), (13_200, 0));
    }
}

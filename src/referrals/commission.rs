//! Commissions: a referrer's share of the platform's fee, for the first months of whom he brought.

use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::referrals::store;

/// A referrer's share of one fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commission {
    /// Who gets it.
    pub referrer: UserId,
    /// For whom.
    pub referred: UserId,
    /// How much, in micro-USDT out of the fee.
    pub amount: Usdt,
}

/// Until when somebody who registered at `since` earns his referrer something; that moment does not count any more.
pub fn earns_until(since: Ts, months: u32) -> Ts {
    since.plus_months(months)
}

/// Adds to what the referrers have earned; the books have paid it already.
pub fn count(cx: &mut Context<'_, '_>, commissions: &[Commission]) -> Result<()> {
    commissions.iter().try_for_each(|commission| store::add_commission(cx, commission))
}

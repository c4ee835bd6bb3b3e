//! What referrers have earned.

use crate::base::{Context, Result, Usdt, UserId};
use crate::referrals::commission::Commission;

::store::statements! {
    ADD_COMMISSION: (UserId, UserId, Usdt) => () =
        "insert into commissions (referrer_id, referred_id, earned) values ($1, $2, $3) \
         on conflict (referrer_id, referred_id) do update set earned = commissions.earned + excluded.earned";
    EARNED: (UserId, UserId, UserId) => (UserId, Usdt) =
        "select referred_id, earned from commissions where referrer_id = $1 and referred_id >= $2 and referred_id <= $3";
    TOTAL_EARNED: (UserId,) => (Usdt,) = "select cast(coalesce(sum(earned), 0) as bigint) from commissions where referrer_id = $1";
}

pub(super) fn add_commission(cx: &mut Context<'_, '_>, commission: &Commission) -> Result<()> {
    Ok(cx.tx.write(&ADD_COMMISSION, (commission.referrer, commission.referred, commission.amount))?)
}

/// What each of some users, from the first id to the last, has earned `referrer`.
pub(super) fn earned(cx: &mut Context<'_, '_>, referrer: UserId, (first, last): (UserId, UserId)) -> Result<Vec<(UserId, Usdt)>> {
    Ok(cx.tx.all(&EARNED, (referrer, first, last))?)
}

pub(super) fn total_earned(cx: &mut Context<'_, '_>, referrer: UserId) -> Result<Usdt> {
    Ok(cx.tx.one(&TOTAL_EARNED, (referrer,))?.0)
}

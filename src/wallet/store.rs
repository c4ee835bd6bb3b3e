//! What users spent lately.

use uuid::Uuid;

use crate::base::{Context, Result, Ts, Usdt, UserId};

::store::statements! {
    CAP_AND_SPENT: (UserId, Ts) => (Option<Usdt>, Usdt) =
        "select u.max_hourly_spend, \
                case when u.max_hourly_spend is null then 0 \
                     else (select cast(coalesce(sum(s.amount), 0) as bigint) from spends s where s.user_id = u.id and s.at > $2) end \
         from users u where u.id = $1";
    INSERT_SPEND: (UserId, Ts, Uuid, Usdt) => () = "insert into spends (user_id, at, id, amount) values ($1, $2, $3, $4)";
    FORGET_SPENDS: (Ts, i64) => () =
        "delete from spends where (user_id, at, id) in (select user_id, at, id from spends where at <= $1 order by at limit $2)";
}

/// The cap of a user, and what he spent after `since`; without a cap nobody adds that up.
pub(super) fn cap_and_spent(cx: &mut Context<'_, '_>, user: UserId, since: Ts) -> Result<(Option<Usdt>, Usdt)> {
    Ok(cx.tx.one(&CAP_AND_SPENT, (user, since))?)
}

pub(super) fn insert_spend(cx: &mut Context<'_, '_>, user: UserId, amount: Usdt) -> Result<()> {
    let (now, id) = (cx.now, cx.new_id());
    Ok(cx.tx.write(&INSERT_SPEND, (user, now, id, amount))?)
}

/// Forgets what no hour counts any more; answers how many.
pub(super) fn forget_spends(cx: &mut Context<'_, '_>, until: Ts, at_most: i64) -> Result<u64> {
    Ok(cx.tx.change(&FORGET_SPENDS, (until, at_most))?)
}

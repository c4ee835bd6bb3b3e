//! Makes orders of withdrawals that may go out.

use crate::base::{Context, Result};
use crate::gateway::lease::{self, Token};
use crate::gateway::order::{self, Asset, Order, OrderKind, OrderState};
use crate::gateway::store;
use crate::wallet::custody::Custody;
use crate::wallet::payouts;
use crate::wallet::withdrawal::WithdrawalId;

/// Orders made in one transaction.
const TOGETHER: i64 = 64;

/// Orders the payouts of withdrawals that were let out. Answers whether there may be more.
pub fn plan_payouts(cx: &mut Context<'_, '_>, token: Token) -> Result<bool> {
    lease::require(cx, token)?;
    let hot = Custody::current(cx)?.hot;
    let waiting = store::withdrawals_without_order(cx, TOGETHER)?;
    let more = i64::try_from(waiting.len()).is_ok_and(|found| found == TOGETHER);
    for id in waiting {
        let Some(withdrawal) = payouts::locked(cx, WithdrawalId(id.0))?.filter(payouts::may_be_signed) else { continue };
        let fresh = Order::new(id, OrderKind::Payout, (hot, withdrawal.address), Asset::Usdt, withdrawal.net().micro(), cx.now);
        match store::order_locked(cx, id)? {
            None => order::open(cx, &fresh)?,
            // It was held up before anything was signed, and let out again.
            Some(mut known) if known.state == OrderState::Dropped && known.attempts == 0 => {
                order::move_on(cx, &mut known, OrderState::Approved, "")?;
            }
            Some(_) => {}
        }
    }
    Ok(more)
}

//! Makes orders: of withdrawals that may go out, and of deposits that are worth bringing in.

use crate::base::{Address, Context, Result};
use crate::gateway::lease::{self, Token};
use crate::gateway::order::{self, Asset, Order, OrderId, OrderKind, OrderState};
use crate::gateway::outcome::SUN;
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

/// A deposit address that is worth a sweep.
#[derive(Clone, Copy, Debug)]
pub struct Sweepable {
    /// Where.
    pub address: Address,
    /// The index of its key.
    pub index: i64,
    /// What lies there, in micro-USDT.
    pub units: i64,
}

/// What a sweep needs next.
#[derive(Clone, Copy, Debug)]
pub enum SweepStep {
    /// TRX for its fee, in sun.
    TopUp(i64),
    /// It can be signed.
    Sweep,
}

/// Deposit addresses that are worth a sweep and have no order yet, the fullest first. While the hot wallet is low, smaller
/// ones count too, down to three times what a sweep costs.
pub fn sweepable(cx: &mut Context<'_, '_>) -> Result<Vec<Sweepable>> {
    let chain = &cx.config.chain;
    let hot = store::cursor(cx)?.map_or(0, |cursor| cursor.hot);
    let worth_it = chain.trx_price.times(3 * i64::from(chain.fee_limit_max_trx)).unwrap_or(chain.sweep_min);
    let least = if hot < chain.hot_low_water.micro() { worth_it.min(chain.sweep_min) } else { chain.sweep_min };
    store::sweepable(cx, least.micro())
}

/// Orders the next step of a sweep. Nothing when one is under way.
pub fn plan_sweep(cx: &mut Context<'_, '_>, token: Token, at: Sweepable, step: SweepStep) -> Result<()> {
    lease::require(cx, token)?;
    let custody = Custody::current(cx)?;
    let units = store::units_at(cx, at.address)?;
    if store::has_open_order(cx, at.address)? || units == 0 {
        return Ok(());
    }
    let id = OrderId(cx.new_id());
    let full = store::cursor(cx)?.is_some_and(|cursor| cursor.hot > cx.config.chain.hot_high_water.micro());
    let target = custody.cold.filter(|_| full).unwrap_or(custody.hot);
    let fresh = match step {
        SweepStep::TopUp(sun) => Order::new(id, OrderKind::TopUp, (custody.hot, at.address), Asset::Trx, sun.max(SUN), cx.now),
        SweepStep::Sweep => Order::new(id, OrderKind::Sweep, (at.address, target), Asset::Usdt, units, cx.now),
    };
    order::open(cx, &fresh)
}

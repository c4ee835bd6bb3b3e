//! Which deposits are brought in: the fullest addresses first, and what could not be brought in rests for a while.

pub(crate) mod store;

use crate::base::{Address, Context, Result, Span};
use crate::gateway::lease::{self, Token};
use crate::gateway::order::{self, Asset, Order, OrderId, OrderKind};
use crate::gateway::outcome::SUN;
use crate::wallet::custody::Custody;

/// The first rest; each further one is twice as long, up to the last.
const FIRST_REST: Span = Span::minutes(10);
const DOUBLED_AT_MOST: i64 = 7;

/// A deposit address that is worth a sweep.
#[derive(Clone, Copy, Debug)]
pub struct Sweepable {
    /// Where.
    pub address: Address,
    /// The index of its key.
    pub index: i64,
    /// What lies there, in micro-USDT.
    pub units: i64,
    /// Where it is brought.
    pub target: Address,
}

/// What a sweep needs next.
#[derive(Clone, Copy, Debug)]
pub enum SweepStep {
    /// TRX for its fee, in sun.
    TopUp(i64),
    /// It can be signed.
    Sweep,
}

/// Deposit addresses that are worth a sweep, have no order yet and do not rest, the fullest first. While the hot wallet is low, smaller
/// ones count too, down to three times what a sweep costs.
pub fn sweepable(cx: &mut Context<'_, '_>) -> Result<Vec<Sweepable>> {
    let chain = &cx.config.chain;
    let hot = super::store::cursor(cx)?.map_or(0, |cursor| cursor.hot);
    let worth_it = chain.trx_price.times(3 * i64::from(chain.fee_limit_max_trx)).unwrap_or(chain.sweep_min);
    let least = if hot < chain.hot_low_water.micro() { worth_it.min(chain.sweep_min) } else { chain.sweep_min };
    let target = target(cx)?;
    store::sweepable(cx, least.micro(), target)
}

/// The hot wallet, or the cold one while there is enough in the hot one.
fn target(cx: &mut Context<'_, '_>) -> Result<Address> {
    let custody = Custody::current(cx)?;
    let is_full = super::store::cursor(cx)?.is_some_and(|cursor| cursor.hot > cx.config.chain.hot_high_water.micro());
    Ok(custody.cold.filter(|_| is_full).unwrap_or(custody.hot))
}

/// Orders the next step of a sweep. Nothing when one is under way, or the fee was estimated for another target.
pub fn plan_sweep(cx: &mut Context<'_, '_>, token: Token, at: Sweepable, step: SweepStep) -> Result<()> {
    lease::require(cx, token)?;
    let (hot, target) = (Custody::current(cx)?.hot, target(cx)?);
    let units = store::units_at(cx, at.address)?;
    if store::has_open_order(cx, at.address)? || units == 0 || target != at.target {
        return Ok(());
    }
    let id = OrderId(cx.new_id());
    let fresh = match step {
        SweepStep::TopUp(sun) => Order::new(id, OrderKind::TopUp, (hot, at.address), Asset::Trx, sun.max(SUN), cx.now),
        SweepStep::Sweep => Order::new(id, OrderKind::Sweep, (at.address, target), Asset::Usdt, units, cx.now),
    };
    order::open(cx, &fresh)
}

/// A deposit address cannot be swept: the others come first, until it has rested.
pub fn rest(cx: &mut Context<'_, '_>, token: Token, address: Address) -> Result<()> {
    lease::require(cx, token)?;
    put_to_rest(cx, address)
}

/// A sweep or its top-up was given up.
pub(super) fn given_up(cx: &mut Context<'_, '_>, order: &Order) -> Result<()> {
    match order.kind {
        OrderKind::Sweep => put_to_rest(cx, order.owner),
        OrderKind::TopUp => put_to_rest(cx, order.recipient),
        OrderKind::Payout | OrderKind::FloatOut | OrderKind::Faucet => Ok(()),
    }
}

/// It is swept: whatever was in the way is gone.
pub(super) fn swept(cx: &mut Context<'_, '_>, order: &Order) -> Result<()> {
    store::end_rest(cx, order.owner)
}

fn put_to_rest(cx: &mut Context<'_, '_>, address: Address) -> Result<()> {
    let failures = store::failures_at(cx, address)? + 1;
    let until = cx.now.plus(rest_after(failures));
    store::save_rest(cx, address, failures, until)
}

fn rest_after(failures: i64) -> Span {
    Span::milliseconds(FIRST_REST.as_milliseconds() << (failures - 1).clamp(0, DOUBLED_AT_MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_to_most_of_a_day() {
        let minutes = [(1, 10), (2, 20), (3, 40), (8, 1_280), (9, 1_280), (1_000, 1_280)];
        for (failures, expected) in minutes {
            assert_eq!(rest_after(failures), Span::minutes(expected), "{failures}");
        }
    }
}

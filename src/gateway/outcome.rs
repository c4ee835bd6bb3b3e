//! What a solid block says of one of our transactions decides its order: done, again, or given back.

use tron::node::{BlockTransaction, Outcome};

use crate::base::error::internal;
use crate::base::{Address, Context, Result, Usdt};
use crate::events::Event;
use crate::gateway::order::{self, Asset, Attempt, AttemptState, Order, OrderId, OrderKind, OrderState};
use crate::gateway::{float, store, sweeps};
use crate::wallet::payouts;
use crate::wallet::withdrawal::WithdrawalId;

/// Sun in a TRX.
pub(super) const SUN: i64 = 1_000_000;

/// Decides by the receipt and the log: `moved` are the token transfers in it. What the contract returned does not matter:
/// the token of mainnet returns false when it succeeds.
pub(super) fn decide(
    cx: &mut Context<'_, '_>,
    mut attempt: Attempt,
    transaction: &BlockTransaction,
    moved: &[(Address, Address, Option<Usdt>)],
    block: i64,
    told: &mut Vec<Event>,
) -> Result<()> {
    let mut order = store::order_locked(cx, attempt.order_id)?.ok_or_else(|| internal("an attempt without its order"))?;
    (attempt.block, attempt.fee_paid) = (Some(block), transaction.fee_sun);
    match &transaction.outcome {
        Outcome::Success if does_what_it_should(&order, moved) => {
            attempt.state = AttemptState::Confirmed;
            store::save_attempt(cx, &attempt)?;
            confirm(cx, order, attempt.txid, told)
        }
        Outcome::Success => {
            attempt.state = AttemptState::Confirmed;
            store::save_attempt(cx, &attempt)?;
            order::move_on(cx, &mut order, OrderState::NeedsOperator, "the transaction succeeded and moved something else than it should")
        }
        Outcome::Failed(why) => {
            attempt.state = AttemptState::Failed;
            store::save_attempt(cx, &attempt)?;
            fail(cx, order, why, told)
        }
    }
}

fn does_what_it_should(order: &Order, moved: &[(Address, Address, Option<Usdt>)]) -> bool {
    let expected = (order.owner, order.recipient, Some(Usdt::from_micro(order.amount)));
    order.asset == Asset::Trx || moved == [expected]
}

/// Done: the books follow the chain.
pub(super) fn confirm(cx: &mut Context<'_, '_>, mut order: Order, txid: [u8; 32], told: &mut Vec<Event>) -> Result<()> {
    order::move_on(cx, &mut order, OrderState::Confirmed, "")?;
    match order.kind {
        OrderKind::Payout => {
            let withdrawal = payouts::locked(cx, WithdrawalId(order.id.0))?.ok_or_else(|| internal("a payout without its withdrawal"))?;
            payouts::completed(cx, withdrawal, txid, told)
        }
        OrderKind::FloatOut => float::book_out(cx, order.id, Usdt::from_micro(order.amount)),
        OrderKind::Sweep => sweeps::swept(cx, &order),
        OrderKind::TopUp | OrderKind::Faucet => Ok(()),
    }
}

/// It is in a solid block and failed: the fee is gone, nothing moved. Once more, then it is given up. A sweep is given up at
/// once: its address may have nothing left for the fee, which planning it again sees to.
fn fail(cx: &mut Context<'_, '_>, mut order: Order, why: &str, told: &mut Vec<Event>) -> Result<()> {
    order.failures += 1;
    let most = i64::from(cx.config.chain.fee_limit_max_trx).saturating_mul(SUN);
    let is_planned_again = matches!(order.kind, OrderKind::Sweep | OrderKind::TopUp);
    if order.failures < 2 && !is_planned_again {
        order.fee_limit = if why == "OUT_OF_ENERGY" { order.fee_limit.saturating_mul(2).min(most) } else { 0 };
        return order::move_on(cx, &mut order, OrderState::Approved, &format!("the last attempt failed on the chain: {why}"));
    }
    give_up(cx, order, &format!("the transfer failed on the chain: {why}"), told)
}

/// For good: a withdrawal gets its money back.
pub(super) fn give_up(cx: &mut Context<'_, '_>, mut order: Order, why: &str, told: &mut Vec<Event>) -> Result<()> {
    if order.kind != OrderKind::Payout {
        sweeps::given_up(cx, &order)?;
        return order::move_on(cx, &mut order, OrderState::Dropped, why);
    }
    order::move_on(cx, &mut order, OrderState::Refunded, why)?;
    let OrderId(id) = order.id;
    let withdrawal = payouts::locked(cx, WithdrawalId(id))?.ok_or_else(|| internal("a payout without its withdrawal"))?;
    payouts::refunded(cx, withdrawal, why, told)
}

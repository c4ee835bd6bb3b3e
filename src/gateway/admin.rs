//! What operators decide: freezes, orders that need one of them, capital.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::Refusal;
use crate::base::{Address, Context, Result, Usdt};
use crate::gateway::freeze::{self, Freeze, FreezeReason};
use crate::gateway::order::{self, Asset, AttemptState, Order, OrderId, OrderKind, OrderState};
use crate::gateway::orders::{OrderView, view};
use crate::gateway::{GatewayRefusal, attempt, outcome, outgoing, store};
use crate::ledger::{self, AccountId};
use crate::users::admin_action::{self, Action};
use crate::users::second_factor;
use crate::wallet::custody::Custody;
use crate::{events, wallet};

/// Why.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezePayouts {
    /// Kept in the audit log.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

/// What to lift, and why.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnfreezePayouts {
    /// Which of the reasons in force.
    #[garde(skip)]
    freeze: FreezeReason,
    /// Kept in the audit log.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

/// What stands in the way now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Freezes {
    /// Empty: payouts go on.
    freezes: Vec<Freeze>,
}

pub(super) fn freeze_payouts(cx: &mut Context<'_, '_>, input: &FreezePayouts) -> Result<Freezes> {
    second_factor::before_a_change(cx)?;
    freeze::freeze(cx, FreezeReason::Operator, &input.reason)?;
    record(cx, "freeze_payouts", uuid::Uuid::nil(), &input.reason, ("", "operator"))?;
    Ok(Freezes { freezes: freeze::in_force(cx)? })
}

pub(super) fn unfreeze_payouts(cx: &mut Context<'_, '_>, input: &UnfreezePayouts) -> Result<Freezes> {
    second_factor::before_a_change(cx)?;
    if !freeze::lift(cx, input.freeze)? {
        return Err(GatewayRefusal::NotFrozen.into());
    }
    record(cx, "unfreeze_payouts", uuid::Uuid::nil(), &input.reason, (input.freeze.name(), ""))?;
    Ok(Freezes { freezes: freeze::in_force(cx)? })
}

/// Which order, and why.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideOrder {
    /// From the list.
    #[garde(skip)]
    order_id: OrderId,
    /// Kept in the audit log; the user of a refunded withdrawal sees it.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

/// Another attempt: only when none lives.
pub(super) fn retry_order(cx: &mut Context<'_, '_>, input: &DecideOrder) -> Result<OrderView> {
    second_factor::before_a_change(cx)?;
    let mut order = for_decision(cx, input.order_id)?;
    nothing_happened(cx, &order)?;
    record(cx, "retry_order", order.id.0, &input.reason, (order.state.name(), "approved"))?;
    (order.failures, order.fee_limit) = (0, 0);
    order::move_on(cx, &mut order, OrderState::Approved, "an admin wants another attempt")?;
    view(cx, &order)
}

/// The money goes back, also of an order that waits: only when every attempt failed on the chain or is proven dead. What is
/// no payout ends without one.
pub(super) fn refund_order(cx: &mut Context<'_, '_>, input: &DecideOrder) -> Result<OrderView> {
    second_factor::before_a_change(cx)?;
    let before = undecided(cx, input.order_id)?;
    let state = before.state;
    nothing_happened(cx, &before)?;
    attempt::end(cx, before, &input.reason)?;
    let order = store::order_locked(cx, input.order_id)?.ok_or(Refusal::NotFound)?;
    record(cx, "refund_order", order.id.0, &input.reason, (state.name(), order.state.name()))?;
    view(cx, &order)
}

/// Which order, and the transaction that carried it out.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmOrder {
    /// From the list.
    #[garde(skip)]
    order_id: OrderId,
    /// A transaction that the gateway has seen on the solid chain, 64 hex digits.
    #[garde(length(bytes, min = 64, max = 64))]
    #[schemars(length(min = 64, max = 64))]
    txid: String,
    /// Kept in the audit log.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

/// What the chain shows was this order: its sender, its recipient and its amount have to be seen there, by us.
pub(super) fn confirm_order(cx: &mut Context<'_, '_>, input: &ConfirmOrder) -> Result<OrderView> {
    second_factor::before_a_change(cx)?;
    let order = undecided(cx, input.order_id)?;
    let txid = tron::hex::decode_array::<32>(&input.txid).ok_or(GatewayRefusal::NotSeen)?;
    no_attempt_lives(cx, order.id)?;
    // What its own transaction did otherwise than it should, an admin may accept as it is.
    let attempt = store::attempt(cx, txid)?;
    let own = attempt.as_ref().is_some_and(|attempt| attempt.order_id == order.id && attempt.state == AttemptState::Confirmed);
    let fits = outgoing::store::of(cx, txid)?.into_iter().any(|seen| {
        seen.owner == order.owner && seen.recipient == Some(order.recipient) && seen.amount == order.amount && seen.outcome == "SUCCESS"
    });
    if !own && (attempt.is_some() || !fits || !outgoing::store::adopt(cx, txid)?) {
        return Err(GatewayRefusal::NotSeen.into());
    }
    record(cx, "confirm_order", order.id.0, &input.reason, (order.state.name(), "confirmed"))?;
    let mut told = Vec::new();
    outcome::confirm(cx, order, txid, &mut told)?;
    events::emit(cx, &told)?;
    let order = store::order_locked(cx, input.order_id)?.ok_or(Refusal::NotFound)?;
    view(cx, &order)
}

/// How much of the operator's money, and where to.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FloatOut {
    /// In USDT; not more than the operator's capital.
    #[garde(skip)]
    amount: Usdt,
    /// An address of the operator.
    #[garde(skip)]
    address: Address,
    /// Kept in the audit log.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

/// Orders a transfer of the operator's own money; it is booked when it is final.
pub(super) fn float_out(cx: &mut Context<'_, '_>, input: &FloatOut) -> Result<OrderView> {
    second_factor::before_a_change(cx)?;
    let custody = Custody::current(cx)?;
    // Two admins at once see each other's order.
    store::cursor_locked(cx)?.ok_or(GatewayRefusal::NotBegun)?;
    if custody.is_no_destination(input.address) {
        return Err(wallet::WalletRefusal::NoDestination.into());
    }
    let capital = ledger::balance::of_platform(cx, AccountId::OPERATOR_CAPITAL)?;
    let ordered = Usdt::from_micro(store::float_under_way(cx)?);
    if input.amount <= Usdt::ZERO || capital.checked_sub(ordered).is_none_or(|left| input.amount > left) {
        return Err(GatewayRefusal::NotYourMoney { most: capital.checked_sub(ordered).unwrap_or_default() }.into());
    }
    let id = OrderId(cx.new_id());
    let order = Order::new(id, OrderKind::FloatOut, (custody.hot, input.address), Asset::Usdt, input.amount.micro(), cx.now);
    order::open(cx, &order)?;
    record(cx, "float_out", id.0, &input.reason, ("", "approved"))?;
    view(cx, &order)
}

fn for_decision(cx: &mut Context<'_, '_>, id: OrderId) -> Result<Order> {
    let order = store::order_locked(cx, id)?.ok_or(Refusal::NotFound)?;
    if order.state == OrderState::NeedsOperator { Ok(order) } else { Err(GatewayRefusal::NeedsNobody.into()) }
}

/// It waits: to be signed, or for an admin.
fn undecided(cx: &mut Context<'_, '_>, id: OrderId) -> Result<Order> {
    let order = store::order_locked(cx, id)?.ok_or(Refusal::NotFound)?;
    let waits = matches!(order.state, OrderState::Approved | OrderState::NeedsOperator);
    if waits { Ok(order) } else { Err(GatewayRefusal::NeedsNobody.into()) }
}

fn no_attempt_lives(cx: &mut Context<'_, '_>, id: OrderId) -> Result<()> {
    if store::live_attempt_of(cx, id)?.is_some() { Err(GatewayRefusal::AttemptLives.into()) } else { Ok(()) }
}

/// Every attempt failed on the chain or is proven dead, and nothing left without an order that could be this one: a restored
/// database does not know of payments that were made after it.
fn nothing_happened(cx: &mut Context<'_, '_>, order: &Order) -> Result<()> {
    no_attempt_lives(cx, order.id)?;
    let happened = store::attempts_of(cx, order.id)?.iter().any(|attempt| attempt.state == AttemptState::Confirmed);
    let may_be_it = outgoing::store::left_unknown(cx, order)?;
    if happened || may_be_it { Err(GatewayRefusal::HappenedAlready.into()) } else { Ok(()) }
}

fn record(cx: &mut Context<'_, '_>, name: &'static str, subject: uuid::Uuid, reason: &str, change: (&str, &str)) -> Result<()> {
    admin_action::record(cx, Action { name, subject, reason, before: change.0, after: change.1 })
}

//! Orders as admins see them, with every transaction that was made for them.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::page::{self, Page};
use crate::base::{Address, Context, Result, Ts, Usdt};
use crate::gateway::order::{Asset, AttemptState, Order, OrderId, OrderKind, OrderState};
use crate::gateway::store;

const LIST: &str = "admin_orders";

/// Which orders.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListOrders {
    /// Those that need an operator when left out.
    #[garde(skip)]
    state: Option<OrderState>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 50; 20 when left out.
    #[garde(inner(range(min = 1, max = 50)))]
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
}

/// Something that has to happen on the chain.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Order")]
pub struct OrderView {
    /// Of a payout: the id of its withdrawal.
    order_id: OrderId,
    /// What it is for.
    kind: OrderKind,
    /// What moves.
    asset: Asset,
    /// From where.
    owner: Address,
    /// Where to.
    recipient: Address,
    /// In USDT or TRX.
    amount: Usdt,
    /// How far it is.
    state: OrderState,
    /// What is in its way.
    problem: String,
    /// Its transactions so far.
    attempts: Vec<AttemptView>,
    /// When it was made.
    created_at: Ts,
}

/// One transaction of an order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AttemptView {
    /// On the chain.
    txid: String,
    /// What became of it.
    state: AttemptState,
    /// How often it was sent.
    sends: i64,
    /// What nodes said last.
    last_reply: String,
    /// No block later than this takes it in, in chain time.
    expires_at: Ts,
    /// What it burnt, in TRX.
    fee_trx: Usdt,
    /// The solid block it ended in.
    block: Option<i64>,
}

/// Those that wait, the oldest first; those that ended, the newest first.
pub(super) fn list_orders(cx: &mut Context<'_, '_>, input: &ListOrders) -> Result<Page<OrderView>> {
    let (state, limit) = (input.state.unwrap_or(OrderState::NeedsOperator), input.limit.unwrap_or(20));
    let start = if state.is_over() { Uuid::max() } else { Uuid::nil() };
    let (from, at_most) = (OrderId(page::begin(LIST, input.cursor.as_ref(), start)?), i64::from(limit) + 1);
    let found =
        if state.is_over() { store::orders_before(cx, state, from, at_most)? } else { store::orders_after(cx, state, from, at_most)? };
    let mut items = Vec::with_capacity(found.len());
    for order in found {
        items.push(view(cx, &order)?);
    }
    Ok(Page::of(items, limit as usize, |order: &OrderView| page::cursor(LIST, &order.order_id.to_string())))
}

pub(super) fn view(cx: &mut Context<'_, '_>, order: &Order) -> Result<OrderView> {
    let attempts = store::attempts_of(cx, order.id)?.into_iter().map(|attempt| AttemptView {
        txid: tron::hex::encode(&attempt.txid),
        state: attempt.state,
        sends: attempt.sends,
        last_reply: attempt.last_reply,
        expires_at: attempt.expires_at,
        fee_trx: Usdt::from_micro(attempt.fee_paid),
        block: attempt.block,
    });
    Ok(OrderView {
        order_id: order.id,
        kind: order.kind,
        asset: order.asset,
        owner: order.owner,
        recipient: order.recipient,
        amount: Usdt::from_micro(order.amount),
        state: order.state,
        problem: order.problem.clone(),
        attempts: attempts.collect(),
        created_at: order.created_at,
    })
}

//! The life of one signed transaction: stored before it is sent, sent again and again, and proven dead before another one
//! is made. Nothing that a caller says is believed here: each operation looks for itself.

use tron::{BlockId, Contract, RefBlock, SignedTransaction};

use crate::base::error::internal;
use crate::base::{Context, Result, Span, Ts, Usdt};
use crate::events;
use crate::gateway::freeze::{self, FreezeReason};
use crate::gateway::lease::{self, Token};
use crate::gateway::order::{self, ATTEMPTS_MAX, Asset, Attempt, AttemptState, Order, OrderId, OrderKind, OrderState};
use crate::gateway::{outcome, outgoing, store};
use crate::wallet::custody::Custody;
use crate::wallet::payouts;
use crate::wallet::withdrawal::WithdrawalId;

/// Chain time stands between solid blocks; nodes take nothing that ends before their next one.
const SOLID_LAG: Span = Span::minutes(1);

/// When an order that cannot be signed is looked at again.
const LATER: Span = Span::seconds(10);

/// How the reply of nodes begins when all of them refused.
pub const REFUSED: &str = "refused: ";

/// Why a payout is not needed any more.
const TAKEN_BACK: &str = "the withdrawal was taken back or is held up";

/// What became of a signed transaction that was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It is stored and may be sent.
    Stored,
    /// The same transaction exists: sign again with another timestamp.
    TxidTaken,
    /// Not now: something is in the way.
    NotNow(&'static str),
}

/// Until when a transaction on top of the block of `at` lives. Our own stored block decides, so that a node that lies about
/// its head cannot stretch it.
pub fn expiration(at: Ts, seconds: u32) -> Ts {
    at.plus(SOLID_LAG).plus(Span::seconds(i64::from(seconds)))
}

/// Stores a signed transaction for an order, before anybody is sent it.
pub fn record_signed(cx: &mut Context<'_, '_>, token: Token, id: OrderId, ref_number: i64, signed: &SignedTransaction) -> Result<Offered> {
    lease::require(cx, token)?;
    let Some(mut order) = store::order_locked(cx, id)? else { return Ok(Offered::NotNow("there is no such order")) };
    if order.state != OrderState::Approved || cx.now < order.next_at || store::live_attempt_of(cx, id)?.is_some() {
        return Ok(Offered::NotNow("the order does not wait for a signature"));
    }
    if !freeze::in_force(cx)?.is_empty() && order.kind != OrderKind::Faucet {
        return Ok(Offered::NotNow("payouts are stopped"));
    }
    check_bytes(cx, &order, ref_number, signed)?;
    let txid = *signed.txid().as_bytes();
    if store::attempt(cx, txid)?.is_some() {
        return Ok(Offered::TxidTaken);
    }
    let withdrawal = match order.kind {
        OrderKind::Payout => payouts::locked(cx, WithdrawalId(id.0))?,
        _ => None,
    };
    if order.kind == OrderKind::Payout && !withdrawal.as_ref().is_some_and(payouts::may_be_signed) {
        order::move_on(cx, &mut order, OrderState::Dropped, TAKEN_BACK)?;
        return Ok(Offered::NotNow("the withdrawal does not go out"));
    }
    if let Some(why) = short(cx, &order)? {
        return Ok(Offered::NotNow(why));
    }
    order.attempts += 1;
    order.fee_limit = signed.transaction().fee_limit_sun;
    let attempt = Attempt {
        txid,
        order_id: id,
        n: order.attempts,
        signed: signed.bytes().to_vec(),
        ref_number,
        expires_at: Ts::from_milliseconds(signed.transaction().expiration_ms),
        fee_limit: order.fee_limit,
        state: AttemptState::Live,
        sends: 0,
        sent_at: None,
        last_reply: String::new(),
        fee_paid: 0,
        block: None,
    };
    store::insert_attempt(cx, &attempt)?;
    order::move_on(cx, &mut order, OrderState::Signed, "")?;
    if let Some(withdrawal) = withdrawal {
        let mut told = Vec::new();
        payouts::signed(cx, withdrawal, txid, &mut told)?;
        events::emit(cx, &told)?;
    }
    Ok(Offered::Stored)
}

/// The bytes do what the order says, are signed by its owner, and stand on a block that we have read.
fn check_bytes(cx: &mut Context<'_, '_>, order: &Order, ref_number: i64, signed: &SignedTransaction) -> Result<()> {
    let custody = Custody::current(cx)?;
    let read = SignedTransaction::read(signed.bytes()).map_err(internal)?;
    let transaction = read.transaction();
    let (owner, to) = (order.owner.0, order.recipient.0);
    let expected = match order.asset {
        Asset::Usdt => Contract::TokenTransfer { owner, token: custody.contract.0, to, units: order.amount },
        Asset::Trx => Contract::TrxTransfer { owner, to, sun: order.amount },
    };
    let (hash, at) = store::block(cx, ref_number)?.ok_or_else(|| internal("signed on a block that was not read"))?;
    let expires = expiration(at, cx.config.chain.payout_expiration_seconds).as_milliseconds();
    let holds = read.txid() == signed.txid()
        && read.signer() == owner
        && transaction.contract == expected
        && transaction.reference == RefBlock::of(&BlockId::from_bytes(hash))
        && transaction.expiration_ms == expires;
    if holds { Ok(()) } else { Err(internal(format!("the transaction offered for order {} is not what was ordered", order.id))) }
}

/// Why the wallet cannot pay it now. It waits; it does not fail.
pub fn short(cx: &mut Context<'_, '_>, order: &Order) -> Result<Option<&'static str>> {
    let custody = Custody::current(cx)?;
    if order.kind == OrderKind::Payout && Usdt::from_micro(order.amount) > cx.config.withdrawals.payout_max {
        return Ok(Some("it is more than one payout may send"));
    }
    if order.asset != Asset::Usdt || order.owner != custody.hot {
        return Ok(None);
    }
    let hot = store::cursor(cx)?.map_or(0, |cursor| cursor.hot);
    let under_way = store::under_way_from(cx, custody.hot)?;
    let left = hot.checked_sub(under_way).and_then(|left| left.checked_sub(order.amount));
    Ok(left.is_none_or(|left| left < 0).then_some("the hot wallet is low"))
}

/// What nodes replied. No reply decides anything: an order only moves from signed to in flight.
pub fn record_send(cx: &mut Context<'_, '_>, token: Token, txid: [u8; 32], replies: &str) -> Result<()> {
    lease::require(cx, token)?;
    let Some(mut attempt) = store::attempt(cx, txid)?.filter(|attempt| attempt.state == AttemptState::Live) else { return Ok(()) };
    attempt.sends += 1;
    attempt.sent_at = Some(cx.now);
    replies.clone_into(&mut attempt.last_reply);
    store::save_attempt(cx, &attempt)?;
    let order = store::order_locked(cx, attempt.order_id)?.filter(|order| order.state == OrderState::Signed);
    match order {
        Some(mut order) => order::move_on(cx, &mut order, OrderState::InFlight, ""),
        None => Ok(()),
    }
}

/// Nobody can include it any more: a solid block is as late as its expiration, every block since the one it builds on was
/// read, and it is in none of them; `absent` says that the nodes confirm it. Answers whether it is dead now.
pub fn record_death(cx: &mut Context<'_, '_>, token: Token, txid: [u8; 32], absent: bool) -> Result<bool> {
    lease::require(cx, token)?;
    let Some(attempt) = store::attempt(cx, txid)?.filter(|attempt| attempt.state == AttemptState::Live) else { return Ok(false) };
    let cursor = store::cursor_locked(cx)?.ok_or_else(|| internal("the chain has no beginning yet"))?;
    let gapless = store::were_read(cx, attempt.ref_number, cursor.number)?;
    if cursor.at < attempt.expires_at || !gapless || outgoing::store::was_seen(cx, txid)? {
        return Ok(false);
    }
    let mut order = store::order_locked(cx, attempt.order_id)?.ok_or_else(|| internal("an attempt without its order"))?;
    let waits_for_admin = order.state == OrderState::NeedsOperator;
    if !absent && waits_for_admin {
        return Ok(false);
    }
    if !absent {
        freeze::freeze(cx, FreezeReason::Disagreement, "a node has a transaction of ours that the blocks we read do not hold")?;
        order::move_on(cx, &mut order, OrderState::NeedsOperator, "nodes disagree about its transaction")?;
        return Ok(false);
    }
    store::bury_attempt(cx, txid, &cursor)?;
    let is_sweep = matches!(order.kind, OrderKind::Sweep | OrderKind::TopUp);
    if is_sweep && !waits_for_admin && attempt.last_reply.starts_with(REFUSED) {
        // The same once more would be refused once more: it is planned again, with TRX for its fee where they are missing.
        outcome::give_up(cx, order, "every node refused its transaction", &mut Vec::new())?;
        return Ok(true);
    }
    let state = if waits_for_admin || order.attempts >= ATTEMPTS_MAX { OrderState::NeedsOperator } else { OrderState::Approved };
    order::move_on(cx, &mut order, state, "the last attempt expired without getting into a block")?;
    Ok(true)
}

/// It is not signed for now: it waits and says why, also to the user of a withdrawal.
pub fn postpone(cx: &mut Context<'_, '_>, token: Token, id: OrderId, why: &str) -> Result<()> {
    lease::require(cx, token)?;
    let Some(mut order) = store::order_locked(cx, id)?.filter(|order| order.state == OrderState::Approved) else { return Ok(()) };
    order.next_at = cx.now.plus(LATER);
    why.clone_into(&mut order.problem);
    store::save_order(cx, &order)?;
    match payouts::locked(cx, WithdrawalId(id.0))?.filter(|_| order.kind == OrderKind::Payout) {
        Some(withdrawal) => payouts::delayed(cx, withdrawal, why),
        None => Ok(()),
    }
}

/// What it wants can never succeed, and nothing was signed that still lives: it ends here.
pub fn refuse(cx: &mut Context<'_, '_>, token: Token, id: OrderId, why: &str) -> Result<()> {
    lease::require(cx, token)?;
    let Some(order) = store::order_locked(cx, id)?.filter(|order| order.state == OrderState::Approved) else { return Ok(()) };
    // A restored database may give back what was paid.
    if outgoing::store::left_unknown(cx, &order)? {
        return postpone(cx, token, id, "it may be what left without an order");
    }
    end(cx, order, why)
}

/// Ends an order of which nothing lives or happened; a withdrawal that still wants to go out gets its money back.
pub(super) fn end(cx: &mut Context<'_, '_>, mut order: Order, why: &str) -> Result<()> {
    if order.kind == OrderKind::Payout && !payouts::locked(cx, WithdrawalId(order.id.0))?.as_ref().is_some_and(payouts::may_be_signed) {
        return order::move_on(cx, &mut order, OrderState::Dropped, TAKEN_BACK);
    }
    let mut told = Vec::new();
    outcome::give_up(cx, order, why, &mut told)?;
    events::emit(cx, &told)
}

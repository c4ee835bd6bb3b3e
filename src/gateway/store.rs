//! What was read of the chain, and what has to happen there.

use uuid::Uuid;

use crate::base::{Address, Context, Result, Ts, Usdt, UserId};
use crate::gateway::freeze::{Freeze, FreezeReason};
use crate::gateway::order::{Asset, Attempt, Order, OrderId, OrderState};

::store::row! {
    /// How far the solid chain was read, and what our wallets hold there.
    #[derive(Clone, Copy, Debug)]
    pub struct Cursor {
        /// The number of the last block.
        pub number: i64,
        /// Its id.
        pub hash: [u8; 32],
        /// Its time.
        pub at: Ts,
        /// In the hot wallet, in micro-USDT.
        pub hot: i64,
        /// In the cold wallet.
        pub cold: i64,
        /// In all our addresses.
        pub total: i64,
    }
}

::store::row! {
    /// A deposit address.
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Holder {
        pub(super) address: Address,
        pub(super) user_id: UserId,
    }
}

::store::row! {
    /// Signed transactions of one asset that may still get into a block.
    #[derive(Clone, Copy, Debug)]
    pub struct Burning {
        /// What they move.
        pub asset: Asset,
        /// How many.
        pub transactions: i64,
        /// What they may burn together, in sun; 0 where TRX move.
        pub fee_limits: i64,
        /// What they move together.
        pub amounts: i64,
    }
}

::store::row! {
    /// Who acts, and until when.
    pub(super) struct Lease {
        pub(super) holder: Uuid,
        pub(super) token: i64,
        pub(super) until: Ts,
    }
}

macro_rules! order_columns {
    () => {
        "id, kind, asset, owner, recipient, amount, state, attempts, failures, fee_limit, problem, created_at, next_at"
    };
}

macro_rules! attempt_columns {
    () => {
        "txid, order_id, n, signed, ref_number, expires_at, fee_limit, state, sends, sent_at, last_reply, fee_paid, block"
    };
}

type NewOrder = (OrderId, String, String, Address, Address, i64, OrderState, i64, Ts, Ts);
type NewAttempt = ([u8; 32], OrderId, i64, Vec<u8>, i64, Ts, i64, Ts);
type AttemptValues = ([u8; 32], String, i64, Option<Ts>, String, i64, Option<i64>);

::store::statements! {
    CURSOR: () => Cursor = "select number, hash, at, hot, cold, total from chain_cursor where id = 1";
    CURSOR_LOCKED: () => Cursor = "select number, hash, at, hot, cold, total from chain_cursor where id = 1 {lock}";
    READ_AT: () => (Ts,) = "select read_at from chain_cursor where id = 1";
    INSERT_CURSOR: (i64, [u8; 32], Ts, Ts, i64, i64, i64) => () =
        "insert into chain_cursor (id, number, hash, at, read_at, hot, cold, total) values (1, $1, $2, $3, $4, $5, $6, $7)";
    SAVE_CURSOR: (i64, [u8; 32], Ts, Ts, i64, i64, i64) => () =
        "update chain_cursor set number = $1, hash = $2, at = $3, read_at = $4, hot = $5, cold = $6, total = $7 where id = 1";
    INSERT_BLOCK: (i64, [u8; 32], [u8; 32], Ts) => () = "insert into chain_blocks (number, hash, parent, at) values ($1, $2, $3, $4)";
    BLOCK: (i64,) => ([u8; 32], Ts) = "select hash, at from chain_blocks where number = $1";
    BLOCKS_BETWEEN: (i64, i64) => (i64,) = "select count(*) from chain_blocks where number >= $1 and number <= $2";
    OLDEST_BLOCK: () => (i64,) = "select number from chain_blocks where number >= 0 order by number limit 1";
    FORGET_BLOCKS: (i64,) => () = "delete from chain_blocks where number < $1";
    HOLDERS: (Address,) => Holder = "select address, user_id from deposit_addresses where address in ({rows})";
    HOLDERS_FROM: (i64, i64) => Holder = "select address, user_id from deposit_addresses where idx >= $1 order by idx limit $2";
    ADDRESSES_FROM: (i64, i64) => (i64, Address) = "select idx, address from deposit_addresses where idx >= $1 order by idx limit $2";
    INDEX_OF: (Address,) => (i64,) = "select idx from deposit_addresses where address = $1";
    ADD_TO_HOLDER: (Address, i64) => () = "update deposit_addresses set units = units + $2 where address = $1";
    WITHOUT_ORDER: (i64,) => (OrderId,) =
        "select w.id from withdrawals w left join orders o on o.id = w.id \
         where w.status = 'queued' and w.cleared_at is not null and (o.id is null or (o.state = 'dropped' and o.attempts = 0)) \
         order by w.id limit $1";
    INSERT_ORDER: NewOrder => () =
        "insert into orders (id, kind, asset, owner, recipient, amount, state, attempts, failures, fee_limit, problem, created_at, next_at) \
         values ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, '', $9, $10)";
    SAVE_ORDER: (OrderId, OrderState, i64, i64, i64, String, Ts) => () =
        "update orders set state = $2, attempts = $3, failures = $4, fee_limit = $5, problem = $6, next_at = $7 where id = $1";
    APPEND_STEP: (OrderId, OrderState, Ts, String) => () =
        "insert into order_steps (order_id, n, state, at, detail) \
         select $1, coalesce(max(n), 0) + 1, $2, $3, $4 from order_steps where order_id = $1";
    ORDER_LOCKED: (OrderId,) => Order = concat!("select ", order_columns!(), " from orders where id = $1 {lock}");
    ORDERS_AFTER: (OrderState, OrderId, i64) => Order =
        concat!("select ", order_columns!(), " from orders where state = $1 and id > $2 order by id limit $3");
    ORDERS_BEFORE: (OrderState, OrderId, i64) => Order =
        concat!("select ", order_columns!(), " from orders where state = $1 and id < $2 order by id desc limit $3");
    TO_SIGN: (Ts, OrderId, i64) => Order = concat!(
        "select ", order_columns!(), " from orders where state = 'approved' and next_at <= $1 and id > $2 order by id limit $3"
    );
    COUNT_ORDERS: () => (OrderState, i64) =
        "select state, count(*) from orders where state = 'approved' or state = 'signed' or state = 'in_flight' or state = 'needs_operator' \
         group by state order by state";
    INSERT_ATTEMPT: NewAttempt => () =
        "insert into attempts (txid, order_id, n, signed, ref_number, expires_at, fee_limit, state, sends, last_reply, fee_paid, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, 'live', 0, '', 0, $8)";
    SAVE_ATTEMPT: AttemptValues => () =
        "update attempts set state = $2, sends = $3, sent_at = $4, last_reply = $5, fee_paid = $6, block = $7 where txid = $1";
    BURY_ATTEMPT: ([u8; 32], i64, [u8; 32], Ts) => () =
        "update attempts set state = 'dead', proof_number = $2, proof_hash = $3, proof_at = $4 where txid = $1";
    ATTEMPT: ([u8; 32],) => Attempt = concat!("select ", attempt_columns!(), " from attempts where txid = $1");
    ATTEMPTS_OF: (OrderId,) => Attempt = concat!("select ", attempt_columns!(), " from attempts where order_id = $1 order by n");
    LIVE_ATTEMPT_OF: (OrderId,) => Attempt = concat!("select ", attempt_columns!(), " from attempts where order_id = $1 and state = 'live'");
    ANY_ATTEMPT: (OrderId,) => (i64,) = "select n from attempts where order_id > $1 limit 1";
    LIVE_ATTEMPTS: () => Attempt = concat!("select ", attempt_columns!(), " from attempts where state = 'live' order by order_id");
    UNDER_WAY_FROM: (Address,) => (i64,) =
        "select cast(coalesce(sum(o.amount), 0) as bigint) from attempts a join orders o on o.id = a.order_id \
         where a.state = 'live' and o.owner = $1 and o.asset = 'usdt'";
    BURNING_FROM: (Address,) => Burning =
        "select o.asset, count(*) as transactions, cast(sum(a.fee_limit) as bigint) as fee_limits, cast(sum(o.amount) as bigint) as amounts \
         from attempts a join orders o on o.id = a.order_id where a.state = 'live' and o.owner = $1 group by o.asset";
    FLOAT_UNDER_WAY: () => (i64,) =
        "select cast(coalesce(sum(amount), 0) as bigint) from orders where kind = 'float_out' \
         and (state = 'approved' or state = 'signed' or state = 'in_flight' or state = 'needs_operator')";
    LEASE: () => Lease = "select holder, token, until from gateway_lease where id = 1";
    LEASE_LOCKED: () => Lease = "select holder, token, until from gateway_lease where id = 1 {lock}";
    SAVE_LEASE: (Uuid, i64, Ts) => () = "update gateway_lease set holder = $1, token = $2, until = $3 where id = 1";
    INSERT_FREEZE: (FreezeReason, String, Ts) => () =
        "insert into freezes (reason, detail, since) values ($1, $2, $3) on conflict (reason) do nothing";
    DELETE_FREEZE: (FreezeReason,) => () = "delete from freezes where reason = $1";
    FREEZES: () => Freeze = "select reason, detail, since from freezes order by since, reason";
    PENDING_DEPOSITS: () => (Usdt,) =
        "select cast(coalesce(sum(amount), 0) as bigint) from deposits where status <> 'credited'";
}

pub(super) fn cursor(cx: &mut Context<'_, '_>) -> Result<Option<Cursor>> {
    Ok(cx.tx.maybe(&CURSOR, ())?)
}

pub(super) fn cursor_locked(cx: &mut Context<'_, '_>) -> Result<Option<Cursor>> {
    Ok(cx.tx.maybe(&CURSOR_LOCKED, ())?)
}

/// When the last block was read.
pub(super) fn read_at(cx: &mut Context<'_, '_>) -> Result<Ts> {
    Ok(cx.tx.one(&READ_AT, ())?.0)
}

pub(super) fn insert_cursor(cx: &mut Context<'_, '_>, new: &Cursor) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&INSERT_CURSOR, (new.number, new.hash, new.at, now, new.hot, new.cold, new.total))?)
}

pub(super) fn save_cursor(cx: &mut Context<'_, '_>, cursor: &Cursor) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&SAVE_CURSOR, (cursor.number, cursor.hash, cursor.at, now, cursor.hot, cursor.cold, cursor.total))?)
}

pub(super) fn insert_block(cx: &mut Context<'_, '_>, number: i64, hash: [u8; 32], parent: [u8; 32], at: Ts) -> Result<()> {
    Ok(cx.tx.write(&INSERT_BLOCK, (number, hash, parent, at))?)
}

/// The id and the time of a block that was read.
pub(super) fn block(cx: &mut Context<'_, '_>, number: i64) -> Result<Option<([u8; 32], Ts)>> {
    Ok(cx.tx.maybe(&BLOCK, (number,))?)
}

pub(super) fn block_hash(cx: &mut Context<'_, '_>, number: i64) -> Result<Option<[u8; 32]>> {
    Ok(block(cx, number)?.map(|(hash, _)| hash))
}

/// Whether every block from `first` to `last` was read. Those that are kept no more were: they are forgotten in order.
pub(super) fn were_read(cx: &mut Context<'_, '_>, first: i64, last: i64) -> Result<bool> {
    let Some((oldest,)) = cx.tx.maybe(&OLDEST_BLOCK, ())? else { return Ok(false) };
    let kept_from = first.max(oldest);
    Ok(kept_from <= last && cx.tx.one(&BLOCKS_BETWEEN, (kept_from, last))?.0 == last - kept_from + 1)
}

pub(super) fn forget_blocks(cx: &mut Context<'_, '_>, before: i64) -> Result<()> {
    cx.tx.change(&FORGET_BLOCKS, (before,))?;
    Ok(())
}

/// The deposit addresses among `addresses`.
pub(super) fn holders(cx: &mut Context<'_, '_>, addresses: &[Address]) -> Result<Vec<Holder>> {
    let keys: Vec<_> = addresses.iter().map(|address| (*address,)).collect();
    Ok(cx.tx.all_of(&HOLDERS, &keys)?)
}

/// The deposit addresses from this index on.
pub(super) fn holders_from(cx: &mut Context<'_, '_>, index: i64, at_most: i64) -> Result<Vec<Holder>> {
    Ok(cx.tx.all(&HOLDERS_FROM, (index, at_most))?)
}

/// The same with their indexes, without whose they are.
pub(super) fn addresses_from(cx: &mut Context<'_, '_>, index: i64, at_most: i64) -> Result<Vec<(i64, Address)>> {
    Ok(cx.tx.all(&ADDRESSES_FROM, (index, at_most))?)
}

pub(super) fn add_to_holder(cx: &mut Context<'_, '_>, address: Address, units: i64) -> Result<()> {
    Ok(cx.tx.write(&ADD_TO_HOLDER, (address, units))?)
}

/// The index that the key of a deposit address is derived with.
pub(super) fn index_of(cx: &mut Context<'_, '_>, address: Address) -> Result<Option<i64>> {
    Ok(cx.tx.maybe(&INDEX_OF, (address,))?.map(|(index,)| index))
}

/// Withdrawals that may go out and have no order that carries them.
pub(super) fn withdrawals_without_order(cx: &mut Context<'_, '_>, at_most: i64) -> Result<Vec<OrderId>> {
    Ok(cx.tx.all(&WITHOUT_ORDER, (at_most,))?.into_iter().map(|(id,)| id).collect())
}

pub(super) fn insert_order(cx: &mut Context<'_, '_>, new: &Order) -> Result<()> {
    let Order { id, kind, asset, owner, recipient, amount, state, fee_limit, created_at, next_at, .. } = new;
    let values = (*id, kind.name(), asset.name(), *owner, *recipient, *amount, *state, *fee_limit, *created_at, *next_at);
    Ok(cx.tx.write(&INSERT_ORDER, values)?)
}

pub(super) fn save_order(cx: &mut Context<'_, '_>, order: &Order) -> Result<()> {
    let Order { id, state, attempts, failures, fee_limit, problem, next_at, .. } = order;
    Ok(cx.tx.write(&SAVE_ORDER, (*id, *state, *attempts, *failures, *fee_limit, problem, *next_at))?)
}

/// Writes down where it is now, and why.
pub(super) fn append_step(cx: &mut Context<'_, '_>, order: &Order) -> Result<()> {
    let now = cx.now;
    cx.tx.change(&APPEND_STEP, (order.id, order.state, now, &order.problem))?;
    Ok(())
}

pub(super) fn order_locked(cx: &mut Context<'_, '_>, id: OrderId) -> Result<Option<Order>> {
    Ok(cx.tx.maybe(&ORDER_LOCKED, (id,))?)
}

/// Orders in a state, the oldest first.
pub(super) fn orders_after(cx: &mut Context<'_, '_>, state: OrderState, after: OrderId, at_most: i64) -> Result<Vec<Order>> {
    Ok(cx.tx.all(&ORDERS_AFTER, (state, after, at_most))?)
}

/// Orders in a state, the newest first.
pub(super) fn orders_before(cx: &mut Context<'_, '_>, state: OrderState, before: OrderId, at_most: i64) -> Result<Vec<Order>> {
    Ok(cx.tx.all(&ORDERS_BEFORE, (state, before, at_most))?)
}

/// Orders that wait for a signature, the oldest first.
pub(super) fn orders_to_sign(cx: &mut Context<'_, '_>, after: OrderId, at_most: i64) -> Result<Vec<Order>> {
    let now = cx.now;
    Ok(cx.tx.all(&TO_SIGN, (now, after, at_most))?)
}

/// How many orders are open, by state.
pub(super) fn count_orders(cx: &mut Context<'_, '_>) -> Result<Vec<(OrderState, i64)>> {
    Ok(cx.tx.all(&COUNT_ORDERS, ())?)
}

pub(super) fn insert_attempt(cx: &mut Context<'_, '_>, new: &Attempt) -> Result<()> {
    let now = cx.now;
    let Attempt { txid, order_id, n, signed, ref_number, expires_at, fee_limit, .. } = new;
    Ok(cx.tx.write(&INSERT_ATTEMPT, (*txid, *order_id, *n, signed, *ref_number, *expires_at, *fee_limit, now))?)
}

pub(super) fn save_attempt(cx: &mut Context<'_, '_>, attempt: &Attempt) -> Result<()> {
    let Attempt { txid, state, sends, sent_at, last_reply, fee_paid, block, .. } = attempt;
    Ok(cx.tx.write(&SAVE_ATTEMPT, (*txid, state.name(), *sends, *sent_at, last_reply, *fee_paid, *block))?)
}

/// Writes the proof that it is dead: what the cursor says now.
pub(super) fn bury_attempt(cx: &mut Context<'_, '_>, txid: [u8; 32], proof: &Cursor) -> Result<()> {
    Ok(cx.tx.write(&BURY_ATTEMPT, (txid, proof.number, proof.hash, proof.at))?)
}

pub(super) fn attempt(cx: &mut Context<'_, '_>, txid: [u8; 32]) -> Result<Option<Attempt>> {
    Ok(cx.tx.maybe(&ATTEMPT, (txid,))?)
}

pub(super) fn attempts_of(cx: &mut Context<'_, '_>, order: OrderId) -> Result<Vec<Attempt>> {
    Ok(cx.tx.all(&ATTEMPTS_OF, (order,))?)
}

pub(super) fn live_attempt_of(cx: &mut Context<'_, '_>, order: OrderId) -> Result<Option<Attempt>> {
    Ok(cx.tx.maybe(&LIVE_ATTEMPT_OF, (order,))?)
}

pub(super) fn has_attempts(cx: &mut Context<'_, '_>) -> Result<bool> {
    Ok(cx.tx.maybe(&ANY_ATTEMPT, (OrderId(Uuid::nil()),))?.is_some())
}

pub(super) fn live_attempts(cx: &mut Context<'_, '_>) -> Result<Vec<Attempt>> {
    Ok(cx.tx.all(&LIVE_ATTEMPTS, ())?)
}

/// What signed transactions of a wallet may still burn and move.
pub(super) fn burning_from(cx: &mut Context<'_, '_>, owner: Address) -> Result<Vec<Burning>> {
    Ok(cx.tx.all(&BURNING_FROM, (owner,))?)
}

/// Micro-USDT that signed transactions may still take out of a wallet.
pub(super) fn under_way_from(cx: &mut Context<'_, '_>, owner: Address) -> Result<i64> {
    Ok(cx.tx.one(&UNDER_WAY_FROM, (owner,))?.0)
}

/// Micro-USDT of the operator that are ordered out.
pub(super) fn float_under_way(cx: &mut Context<'_, '_>) -> Result<i64> {
    Ok(cx.tx.one(&FLOAT_UNDER_WAY, ())?.0)
}

pub(super) fn lease(cx: &mut Context<'_, '_>) -> Result<Lease> {
    Ok(cx.tx.one(&LEASE, ())?)
}

pub(super) fn lease_locked(cx: &mut Context<'_, '_>) -> Result<Lease> {
    Ok(cx.tx.one(&LEASE_LOCKED, ())?)
}

pub(super) fn save_lease(cx: &mut Context<'_, '_>, holder: Uuid, token: i64, until: Ts) -> Result<()> {
    Ok(cx.tx.write(&SAVE_LEASE, (holder, token, until))?)
}

/// Answers whether it is new.
pub(super) fn insert_freeze(cx: &mut Context<'_, '_>, reason: FreezeReason, detail: &str) -> Result<bool> {
    let now = cx.now;
    Ok(cx.tx.change(&INSERT_FREEZE, (reason, detail, now))? > 0)
}

/// Answers whether it was there.
pub(super) fn delete_freeze(cx: &mut Context<'_, '_>, reason: FreezeReason) -> Result<bool> {
    Ok(cx.tx.change(&DELETE_FREEZE, (reason,))? > 0)
}

pub(super) fn freezes(cx: &mut Context<'_, '_>) -> Result<Vec<Freeze>> {
    Ok(cx.tx.all(&FREEZES, ())?)
}

/// What arrived and is in nobody's balance.
pub(super) fn pending_deposits(cx: &mut Context<'_, '_>) -> Result<Usdt> {
    Ok(cx.tx.one(&PENDING_DEPOSITS, ())?.0)
}

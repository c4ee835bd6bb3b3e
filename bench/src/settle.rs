//! A command shaped like the settling of a task, on tables of its own.
//!
//! It does what the hottest command of the marketplace does: reads a row, moves its state under a guard, books three
//! people and the platform, appends to a log, and remembers its answer under an idempotency key.

use garde::Validate;
use roborent::base::context::Scope;
use roborent::base::error::Refusal;
use roborent::base::operation::{Access, Method, Operation, command};
use roborent::base::{Context, Result, Ts, Usdt, UserId};
use roborent::ledger::{self, AccountId, Transaction, TransactionKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// The tables of the benchmark, as one more step after the product's own.
pub const TABLES: &str = "
create table bench_slots (
    id       {uuid} primary key,
    payer    {uuid} not null,
    worker   {uuid} not null,
    referrer {uuid} not null,
    state    {int} not null,
    moved_at {int} not null
) {table};
create table bench_events (
    id       {uuid} primary key,
    user_id  {uuid} not null,
    kind     {text} not null,
    body     {text} not null,
    at       {int} not null
) {table};
";

type Slot = (UserId, UserId, UserId, i64);

store::statements! {
    SLOT: (Uuid,) => Slot = "select payer, worker, referrer, state from bench_slots where id = $1 {lock}";
    ADD_SLOT: (Uuid, UserId, UserId, UserId, Ts) => () =
        "insert into bench_slots (id, payer, worker, referrer, state, moved_at) values ($1, $2, $3, $4, 0, $5)";
    MOVE_SLOT: (Uuid, i64, Ts) => () = "update bench_slots set state = state + 1, moved_at = $3 where id = $1 and state = $2";
    ADD_EVENT: (Uuid, UserId, String, String, Ts) => () = "insert into bench_events (id, user_id, kind, body, at) values ($1, $2, $3, $4, $5)";
    EVENTS: () => (i64,) = "select count(*) from bench_events";
    MOVES: () => (i64,) = "select cast(sum(state) as bigint) from bench_slots";
    FORGET_TABLES: (i64,) => () = "delete from migrations where number = $1";
}

/// Whom a settlement pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The worker, the platform, and from its share the referrer: every command posts to the same account.
    Platform,
    /// The worker and the referrer, each account used by one client only.
    People,
}

/// Which slot is settled, and how.
#[derive(Debug, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// One of the caller's own.
    #[garde(skip)]
    pub slot_id: Uuid,
    /// Whom it pays.
    #[garde(skip)]
    pub shape: Shape,
}

/// What was settled.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Settled {
    /// As asked.
    slot_id: Uuid,
    /// How often it was settled before this call.
    moves: i64,
    /// What the worker got.
    paid: Usdt,
    /// The entry of the log.
    event_id: Uuid,
    /// When.
    at: Ts,
}

/// The command as an operation of the product.
pub fn operation() -> Operation {
    command("bench_settle", Method::Post, "/bench/settle", Access::User(Scope::Spend), settle).needs_idempotency_key()
}

const PAID: Usdt = Usdt::from_micro(850);
const FEE: Usdt = Usdt::from_micro(150);
const SHARE: Usdt = Usdt::from_micro(50);

fn settle(cx: &mut Context<'_, '_>, input: &Settle) -> Result<Settled> {
    let (slot_id, now, caller) = (input.slot_id, cx.now, cx.user_id()?);
    let (payer, worker, referrer, moves) = cx.tx.maybe(&SLOT, (slot_id,))?.ok_or(Refusal::NotFound)?;
    if payer != caller {
        return Err(Refusal::NotFound.into());
    }
    let [payer, worker, referrer] = [payer, worker, referrer].map(AccountId::available);
    // The books know no settlement yet. Kind and accounts do not belong together here; the costs are those of one:
    // three accounts locked and changed, four entries, and in one shape postings to the platform.
    let booking = Transaction::new(TransactionKind::Deposit, cx.new_id()).post(payer, worker, PAID);
    let booking = match input.shape {
        Shape::Platform => booking.post(payer, AccountId::PLATFORM_FEES, FEE).post(AccountId::PLATFORM_FEES, referrer, SHARE),
        Shape::People => booking.post(payer, referrer, SHARE),
    };
    ledger::record(cx, &booking)?;
    cx.tx.write(&MOVE_SLOT, (slot_id, moves, now))?;
    let event_id = cx.new_id();
    let settled = Settled { slot_id, moves, paid: PAID, event_id, at: now };
    let body = json!({ "slot_id": slot_id, "moves": moves, "paid": PAID, "worker": worker.uuid(), "settled_at": now }).to_string();
    cx.tx.write(&ADD_EVENT, (event_id, caller, "slot.settled", body, now))?;
    Ok(settled)
}

/// Adds a slot that `payer` may settle again and again.
pub fn add_slot(cx: &mut Context<'_, '_>, payer: UserId, worker: UserId, referrer: UserId) -> Result<Uuid> {
    let (id, now) = (cx.new_id(), cx.now);
    cx.tx.write(&ADD_SLOT, (id, payer, worker, referrer, now))?;
    Ok(id)
}

/// How many events there are, and how often slots moved: both are the number of commands that happened.
pub fn happened(cx: &mut Context<'_, '_>) -> Result<(i64, i64)> {
    Ok((cx.tx.one(&EVENTS, ())?.0, cx.tx.one(&MOVES, ())?.0))
}

/// Takes the benchmark's own step off the list, so that the auditor knows the schema.
pub fn forget_tables(cx: &mut Context<'_, '_>, number: i64) -> Result<()> {
    Ok(cx.tx.write(&FORGET_TABLES, (number,))?)
}

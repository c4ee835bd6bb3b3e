//! The tables of the books. Rows of `transactions`, `postings`, `entries` and `seals` are never changed again.

use uuid::Uuid;

use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::ledger::account::{AccountId, AccountKind};
use crate::ledger::transaction::Posting;

::store::row! {
    /// An account as it stands, locked until the transaction ends.
    #[derive(Clone, Copy, Debug)]
    pub(super) struct AccountRow {
        pub(super) id: AccountId,
        pub(super) kind: AccountKind,
        pub(super) balance: Usdt,
        pub(super) entries: i64,
    }
}

::store::row! {
    /// One line of a user's history.
    pub(super) struct HistoryRow {
        pub(super) seq: i64,
        pub(super) transaction_id: Uuid,
        pub(super) kind: String,
        pub(super) reference: Uuid,
        pub(super) amount: Usdt,
        pub(super) balance_after: Usdt,
        pub(super) at: Ts,
    }
}

::store::row! {
    /// A transaction that waits for its seal.
    pub(super) struct UnsealedRow {
        pub(super) id: Uuid,
        pub(super) kind: String,
        pub(super) reference: Uuid,
        pub(super) at: Ts,
        pub(super) actor: Uuid,
        pub(super) n: i64,
        pub(super) from: AccountId,
        pub(super) to: AccountId,
        pub(super) amount: Usdt,
    }
}

/// What a line is called in a statement: the share of a referrer is a part of a settlement that is paid out of the fee.
macro_rules! kind {
    () => {
        "case when exists (select 1 from postings p where p.transaction_id = t.id and p.to_account = e.account_id \
                                                     and p.amount = e.amount and p.from_account = $7) \
              then 'commission' else t.kind end"
    };
}

::store::statements! {
    LOCK_ACCOUNTS: (AccountId,) => AccountRow =
        "select id, kind, balance, entries from accounts where id in ({rows}) order by id {lock}";
    OPEN_ACCOUNT: (AccountId, UserId, AccountKind, Uuid, Usdt, i64) => () =
        "insert into accounts (id, owner, kind, reference, balance, entries) values ($1, $2, $3, $4, $5, $6)";
    ADD_TO_BALANCES: (AccountId, Usdt, i64) => () =
        "{sqlite}update accounts set balance = balance + $2, entries = entries + $3 where id = $1\
         {postgres}update accounts set balance = accounts.balance + v.column2, entries = accounts.entries + v.column3 \
         from (values {rows}) as v where accounts.id = v.column1{end}";
    INSERT_TRANSACTION: (Uuid, String, Uuid, Ts, Uuid) => () =
        "insert into transactions (id, kind, reference, at, actor) values ($1, $2, $3, $4, $5)";
    INSERT_POSTINGS: (Uuid, i64, AccountId, AccountId, Usdt) => () =
        "insert into postings (transaction_id, n, from_account, to_account, amount) values {rows}";
    INSERT_ENTRIES: (AccountId, i64, Uuid, Usdt, Usdt) => () =
        "insert into entries (account_id, seq, transaction_id, amount, balance_after) values {rows}";
    INSERT_FRESH_ENTRIES: (Uuid, AccountId, i64, Usdt, Usdt) => () =
        "insert into fresh_entries (transaction_id, account_id, seq, amount, balance_after) values {rows}";
    PLACE_FRESH_ENTRIES: (i64,) => () =
        "insert into entries (account_id, seq, transaction_id, amount, balance_after) \
         select f.account_id, f.seq, f.transaction_id, f.amount, f.balance_after \
         from seals s cross join fresh_entries f where f.transaction_id = s.transaction_id and s.position > $1 order by 1, 2";
    FORGET_FRESH_ENTRIES: (i64,) => () =
        "delete from fresh_entries where transaction_id in (select transaction_id from seals where position > $1)";
    INSERT_UNSEALED: (Uuid,) => () = "insert into unsealed (transaction_id) values ($1)";
    BALANCES_OF_OWNER: (UserId,) => (AccountKind, Usdt) =
        "select kind, cast(sum(balance) as bigint) from accounts where owner = $1 and balance > 0 group by kind";
    FOLDED_BALANCE: (AccountId,) => (Usdt,) =
        "select cast(a.balance + coalesce((select sum(case when p.to_account = a.id then p.amount else -p.amount end) \
                from unsealed u cross join postings p \
                where p.transaction_id = u.transaction_id and (p.to_account = a.id or p.from_account = a.id)), 0) as bigint) from accounts a where a.id = $1";
    HISTORY: (AccountId, i64, String, Ts, Ts, i64, AccountId) => HistoryRow =
        concat!("select e.seq, t.id, ", kind!(), ", t.reference, e.amount, e.balance_after, t.at \
         from entries e join transactions t on t.id = e.transaction_id \
         where e.account_id = $1 and e.seq < $2 and ($3 = '' or ", kind!(), " = $3) and t.at >= $4 and t.at < $5 \
         order by e.seq desc limit $6");
    FRESH_HISTORY: (AccountId, i64, String, Ts, Ts, i64, AccountId) => HistoryRow =
        concat!("select e.seq, t.id, ", kind!(), ", t.reference, e.amount, e.balance_after, t.at \
         from fresh_entries e join transactions t on t.id = e.transaction_id \
         where e.account_id = $1 and e.seq < $2 and ($3 = '' or ", kind!(), " = $3) and t.at >= $4 and t.at < $5 \
         order by e.seq desc limit $6");
    LAST_SEQ: (AccountId,) => (i64,) = "select seq from entries where account_id = $1 order by seq desc limit 1";
    LINE: (AccountId, i64) => (Ts, Usdt) =
        "select t.at, e.balance_after from entries e join transactions t on t.id = e.transaction_id where e.account_id = $1 and e.seq = $2";
    LOCK_HEAD: () => (i64, [u8; 32]) = "select position, hash from chain_head where id = 1 {lock}";
    UNSEALED: () => UnsealedRow =
        "select t.id, t.kind, t.reference, t.at, t.actor, p.n, p.from_account, p.to_account, p.amount \
         from (select transaction_id from unsealed order by transaction_id limit 512) u \
         cross join transactions t cross join postings p \
         where t.id = u.transaction_id and p.transaction_id = t.id order by t.id, p.n";
    INSERT_SEALS: (i64, Uuid, [u8; 32]) => () = "insert into seals (position, transaction_id, hash) values {rows}";
    FORGET_UNSEALED: (i64,) => () =
        "delete from unsealed where transaction_id in (select transaction_id from seals where position > $1)";
    MOVE_HEAD: (i64, [u8; 32]) => () = "update chain_head set position = $1, hash = $2 where id = 1";
}

/// The transactions that one run of the sealing job takes.
pub(super) const SEALED_TOGETHER: i64 = 512;

/// Announces [`lock_accounts`] for one account.
pub(super) fn announce_lock(cx: &mut Context<'_, '_>, id: AccountId) {
    cx.tx.announce(&LOCK_ACCOUNTS, (id,));
}

/// Locks accounts in the order of `ids`, which is that of the ids themselves.
pub(super) fn lock_accounts(cx: &mut Context<'_, '_>, ids: &[AccountId]) -> Result<Vec<AccountRow>> {
    let keys: Vec<_> = ids.iter().map(|id| (*id,)).collect();
    Ok(cx.tx.all_of(&LOCK_ACCOUNTS, &keys)?)
}

pub(super) fn open_account(
    cx: &mut Context<'_, '_>,
    id: AccountId,
    owner: UserId,
    kind: AccountKind,
    balance: Usdt,
    entries: i64,
) -> Result<()> {
    Ok(cx.tx.write(&OPEN_ACCOUNT, (id, owner, kind, id.uuid(), balance, entries))?)
}

/// Adds (amount, number of new entries) to each account.
pub(super) fn add_to_balances(cx: &mut Context<'_, '_>, changes: &[(AccountId, Usdt, i64)]) -> Result<()> {
    Ok(cx.tx.write_rows(&ADD_TO_BALANCES, changes)?)
}

pub(super) fn insert_transaction(cx: &mut Context<'_, '_>, id: Uuid, kind: &str, reference: Uuid, postings: &[Posting]) -> Result<()> {
    let (now, actor) = (cx.now, cx.actor());
    cx.tx.write(&INSERT_TRANSACTION, (id, kind, reference, now, actor))?;
    let rows: Vec<_> = (1..).zip(postings).map(|(n, p)| (id, n, p.from, p.to, p.amount)).collect();
    cx.tx.write_rows(&INSERT_POSTINGS, &rows)?;
    Ok(cx.tx.write(&INSERT_UNSEALED, (id,))?)
}

/// Appends lines (transaction, account, seq, signed amount, balance after) that find their place later.
pub(super) fn insert_fresh_entries(cx: &mut Context<'_, '_>, rows: &[(Uuid, AccountId, i64, Usdt, Usdt)]) -> Result<()> {
    Ok(cx.tx.write_rows(&INSERT_FRESH_ENTRIES, rows)?)
}

/// Adds lines (account, seq, transaction, signed amount, balance after) to statements.
pub(super) fn insert_entries(cx: &mut Context<'_, '_>, rows: &[(AccountId, i64, Uuid, Usdt, Usdt)]) -> Result<()> {
    Ok(cx.tx.write_rows(&INSERT_ENTRIES, rows)?)
}

pub(super) fn announce_balances_of(cx: &mut Context<'_, '_>, owner: UserId) {
    cx.tx.announce(&BALANCES_OF_OWNER, (owner,));
}

pub(super) fn balances_of(cx: &mut Context<'_, '_>, owner: UserId) -> Result<Vec<(AccountKind, Usdt)>> {
    Ok(cx.tx.all(&BALANCES_OF_OWNER, (owner,))?)
}

pub(super) fn folded_balance(cx: &mut Context<'_, '_>, account: AccountId) -> Result<Usdt> {
    Ok(cx.tx.one(&FOLDED_BALANCE, (account,))?.0)
}

/// Newest first, below `before_seq`, of one kind (empty = any), in a stretch of time. Lines on their way to their place
/// are few, and not always the newest ones.
pub(super) fn history(
    cx: &mut Context<'_, '_>,
    account: AccountId,
    before_seq: i64,
    kind: &str,
    time: (Ts, Ts),
    at_most: i64,
) -> Result<Vec<HistoryRow>> {
    let mut rows = cx.tx.all(&FRESH_HISTORY, (account, before_seq, kind, time.0, time.1, at_most, AccountId::PLATFORM_FEES))?;
    rows.extend(cx.tx.all(&HISTORY, (account, before_seq, kind, time.0, time.1, at_most, AccountId::PLATFORM_FEES))?);
    rows.sort_by_key(|row| std::cmp::Reverse(row.seq));
    // A read that is counted by the hour is no snapshot: a line may have found its place between the two statements.
    rows.dedup_by_key(|row| row.seq);
    rows.truncate(usize::try_from(at_most).unwrap_or(usize::MAX));
    Ok(rows)
}

/// The number of the last line of an account that is in its place; 0 when there is none.
pub(super) fn last_seq(cx: &mut Context<'_, '_>, account: AccountId) -> Result<i64> {
    Ok(cx.tx.maybe(&LAST_SEQ, (account,))?.map_or(0, |(seq,)| seq))
}

/// When a line was booked, and the balance after it.
pub(super) fn line(cx: &mut Context<'_, '_>, account: AccountId, seq: i64) -> Result<Option<(Ts, Usdt)>> {
    Ok(cx.tx.maybe(&LINE, (account, seq))?)
}

/// The end of the hash chain, locked: one sealer at a time.
pub(super) fn lock_head(cx: &mut Context<'_, '_>) -> Result<(i64, [u8; 32])> {
    Ok(cx.tx.one(&LOCK_HEAD, ())?)
}

/// The postings of the oldest [`SEALED_TOGETHER`] transactions without a seal. The number stands in the statement, so that
/// both planners know how few they are; the cross joins keep SQLite from starting at the large tables.
pub(super) fn unsealed(cx: &mut Context<'_, '_>) -> Result<Vec<UnsealedRow>> {
    Ok(cx.tx.all(&UNSEALED, ())?)
}

/// Links transactions into the chain, puts their lines into their places, takes them off the queue and moves the head.
pub(super) fn save_seals(cx: &mut Context<'_, '_>, old_position: i64, seals: &[(i64, Uuid, [u8; 32])]) -> Result<()> {
    let Some(&(position, _, hash)) = seals.last() else { return Ok(()) };
    cx.tx.write_rows(&INSERT_SEALS, seals)?;
    let placed = cx.tx.change(&PLACE_FRESH_ENTRIES, (old_position,))?;
    let forgotten = cx.tx.change(&FORGET_FRESH_ENTRIES, (old_position,))?;
    if placed != forgotten {
        return Err(crate::base::error::internal(format!("placed {placed} lines, forgot {forgotten}")));
    }
    let taken = cx.tx.change(&FORGET_UNSEALED, (old_position,))?;
    if taken != seals.len() as u64 {
        return Err(crate::base::error::internal(format!("sealed {} transactions, took {taken} off the queue", seals.len())));
    }
    Ok(cx.tx.write(&MOVE_HEAD, (position, hash))?)
}

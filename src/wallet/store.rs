//! What users may spend, their deposit addresses, deposits and withdrawals.

use uuid::Uuid;

use crate::base::recent::Stored;
use crate::base::{Address, Context, Result, Ts, Usdt, UserId};
use crate::wallet::deposit::{Arrival, DepositStatus};
use crate::wallet::withdrawal::{Withdrawal, WithdrawalId, WithdrawalStatus};

::store::row! {
    /// A deposit as stored.
    pub(super) struct DepositRow {
        pub(super) id: Uuid,
        pub(super) txid: [u8; 32],
        pub(super) block: i64,
        pub(super) sender: Address,
        pub(super) amount: Usdt,
        pub(super) status: DepositStatus,
        pub(super) seen_at: Ts,
        pub(super) credited_at: Option<Ts>,
    }
}

::store::row! {
    /// What a user withdrew before.
    pub(super) struct Past {
        pub(super) flagged: bool,
        pub(super) completed: i64,
        pub(super) completed_there: i64,
        pub(super) lately: i64,
    }
}

macro_rules! deposit_columns {
    () => {
        "id, txid, block, sender, amount, status, seen_at, credited_at"
    };
}

macro_rules! withdrawal_columns {
    () => {
        "id, user_id, address, amount, fee, status, reason, cleared_at, txid, created_at, due_at"
    };
}

type NewDeposit = (Uuid, [u8; 32], i64, i64, Address, Address, UserId, Usdt, Option<String>, DepositStatus, Ts, Option<Ts>);

::store::statements! {
    DEPOSIT_ADDRESS_OF: (UserId,) => (i64, Address) = "select idx, address from deposit_addresses where user_id = $1";
    LOCK_ADDRESS_COUNTER: () => (i64,) = "select next from deposit_address_counter where id = 1 {lock}";
    INSERT_ADDRESS_COUNTER: () => () = "insert into deposit_address_counter (id, next) values (1, 0) on conflict (id) do nothing";
    MOVE_ADDRESS_COUNTER: (i64,) => () = "update deposit_address_counter set next = $1 where id = 1";
    INSERT_DEPOSIT_ADDRESS: (i64, Address, UserId, Ts) => () =
        "insert into deposit_addresses (idx, address, user_id, units, created_at) values ($1, $2, $3, 0, $4)";
    DEPOSIT: (Uuid,) => DepositRow = concat!("select ", deposit_columns!(), " from deposits where id = $1");
    DEPOSITS_WAITING: (UserId, DepositStatus) => DepositRow = concat!(
        "select ", deposit_columns!(), " from deposits where user_id = $1 and status = $2 and status <> 'credited' order by block, id"
    );
    DEPOSITS_OF: (UserId, i64, Uuid, i64) => DepositRow = concat!(
        "select ", deposit_columns!(), " from deposits where user_id = $1 and (block, id) < ($2, $3) order by block desc, id desc limit $4"
    );
    INSERT_DEPOSIT: NewDeposit => () =
        "insert into deposits (id, txid, log_index, block, sender, address, user_id, amount, raw_amount, status, seen_at, credited_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    CREDIT_DEPOSIT: (Uuid, Ts) => () = "update deposits set status = 'credited', credited_at = $2 where id = $1";
    INSERT_WITHDRAWAL: (WithdrawalId, UserId, Address, Usdt, Usdt, WithdrawalStatus, Ts) => () =
        "insert into withdrawals (id, user_id, address, amount, fee, status, reason, created_at) values ($1, $2, $3, $4, $5, $6, '', $7)";
    SAVE_WITHDRAWAL: (WithdrawalId, WithdrawalStatus, String, Option<Ts>, Option<[u8; 32]>, Option<Ts>) => () =
        "update withdrawals set status = $2, reason = $3, cleared_at = $4, txid = $5, due_at = $6 where id = $1";
    APPEND_STEP: (WithdrawalId, WithdrawalStatus, Ts, String) => () =
        "insert into withdrawal_steps (withdrawal_id, n, status, at, reason) \
         select $1, coalesce(max(n), 0) + 1, $2, $3, $4 from withdrawal_steps where withdrawal_id = $1";
    STEPS: (WithdrawalId,) => (WithdrawalStatus, Ts, String) =
        "select status, at, reason from withdrawal_steps where withdrawal_id = $1 order by n";
    WITHDRAWAL: (WithdrawalId,) => Withdrawal = concat!("select ", withdrawal_columns!(), " from withdrawals where id = $1");
    WITHDRAWAL_LOCKED: (WithdrawalId,) => Withdrawal = concat!("select ", withdrawal_columns!(), " from withdrawals where id = $1 {lock}");
    WITHDRAWALS_OF: (UserId, Uuid, i64) => Withdrawal = concat!(
        "select ", withdrawal_columns!(), " from withdrawals where user_id = $1 and id < $2 order by id desc limit $3"
    );
    WITHDRAWALS_IN: (WithdrawalStatus, Uuid, i64) => Withdrawal = concat!(
        "select ", withdrawal_columns!(), " from withdrawals where status = $1 and id > $2 order by id limit $3"
    );
    QUEUED_OF: (UserId,) => Withdrawal = concat!(
        "select ", withdrawal_columns!(), " from withdrawals where user_id = $1 and status = 'queued' order by id {lock}"
    );
    UNCLEARED: (Ts,) => (WithdrawalId,) =
        "select id from withdrawals where (status = 'queued' and cleared_at is null) or (status = 'in_review' and due_at <= $1) order by id limit 256";
    PAST: (UserId, WithdrawalId, Address, Ts) => Past =
        "select exists (select 1 from flagged_users where user_id = $1), \
                (select count(*) from withdrawals where user_id = $1 and status = 'completed'), \
                (select count(*) from withdrawals where user_id = $1 and status = 'completed' and address = $3), \
                (select count(*) from withdrawals where user_id = $1 and id <> $2 and created_at > $4)";
    CLEARED_SINCE: (Ts,) => (Usdt,) =
        "select cast(coalesce(sum(amount - fee), 0) as bigint) from withdrawals where cleared_at is not null and cleared_at > $1 \
                and (status = 'queued' or status = 'sending' or status = 'completed')";
    INSERT_APPROVAL: (WithdrawalId, UserId, Ts) => () =
        "insert into withdrawal_approvals (withdrawal_id, admin_id, at) values ($1, $2, $3)";
    APPROVALS: (WithdrawalId,) => (UserId,) = "select admin_id from withdrawal_approvals where withdrawal_id = $1 order by at, admin_id";
    FORGET_APPROVALS: (WithdrawalId,) => () = "delete from withdrawal_approvals where withdrawal_id = $1";
    FLAG_USER: (UserId, Ts) => () = "insert into flagged_users (user_id, at) values ($1, $2) on conflict (user_id) do nothing";
    UNFLAG_USER: (UserId,) => () = "delete from flagged_users where user_id = $1";
    IS_FLAGGED: (UserId,) => (Ts,) = "select at from flagged_users where user_id = $1";
    LEFT_UNKNOWN: (Address, Usdt) => (i64,) = "select block from outgoing_seen where not known and recipient = $1 and amount = $2 limit 1";

    CAP_AND_SPENT: (UserId, String) => (Option<Usdt>, Option<i64>, Option<Vec<u8>>) =
        "select u.max_hourly_spend, r.hour, r.deeds from users u left join recent r on r.subject = u.id and r.purpose = $2 where u.id = $1";
}

/// Whether something left our wallets without an order that may be this withdrawal: then this database is older than the
/// chain, and giving the money back could pay twice.
pub(super) fn may_be_paid(cx: &mut Context<'_, '_>, withdrawal: &Withdrawal) -> Result<bool> {
    Ok(cx.tx.maybe(&LEFT_UNKNOWN, (withdrawal.address, withdrawal.net()))?.is_some())
}

/// Announces [`cap_and_spent`].
pub(super) fn announce_cap_and_spent(cx: &mut Context<'_, '_>, user: UserId, purpose: &str) {
    cx.tx.announce(&CAP_AND_SPENT, (user, purpose));
}

/// The cap of a user, and the row of what he spent lately.
pub(super) fn cap_and_spent(cx: &mut Context<'_, '_>, user: UserId, purpose: &str) -> Result<(Option<Usdt>, Option<Stored>)> {
    let (cap, hour, deeds) = cx.tx.one(&CAP_AND_SPENT, (user, purpose))?;
    Ok((cap, hour.zip(deeds)))
}

pub(super) fn deposit_address_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<Option<(i64, Address)>> {
    Ok(cx.tx.maybe(&DEPOSIT_ADDRESS_OF, (user,))?)
}

/// The next free index, locked; nothing before the chain is read.
pub(super) fn lock_address_counter(cx: &mut Context<'_, '_>) -> Result<Option<i64>> {
    Ok(cx.tx.maybe(&LOCK_ADDRESS_COUNTER, ())?.map(|(next,)| next))
}

pub(super) fn insert_address_counter(cx: &mut Context<'_, '_>) -> Result<()> {
    cx.tx.change(&INSERT_ADDRESS_COUNTER, ())?;
    Ok(())
}

/// Gives `address` with the index that was locked to a user.
pub(super) fn insert_deposit_address(cx: &mut Context<'_, '_>, index: i64, address: Address, user: UserId) -> Result<()> {
    let now = cx.now;
    cx.tx.write(&INSERT_DEPOSIT_ADDRESS, (index, address, user, now))?;
    Ok(cx.tx.write(&MOVE_ADDRESS_COUNTER, (index + 1,))?)
}

pub(super) fn deposit(cx: &mut Context<'_, '_>, id: Uuid) -> Result<Option<DepositRow>> {
    Ok(cx.tx.maybe(&DEPOSIT, (id,))?)
}

/// Deposits of a user that are not credited, for this reason.
pub(super) fn deposits_waiting(cx: &mut Context<'_, '_>, user: UserId, status: DepositStatus) -> Result<Vec<DepositRow>> {
    Ok(cx.tx.all(&DEPOSITS_WAITING, (user, status))?)
}

/// Newest first, before (block, id).
pub(super) fn deposits_of(cx: &mut Context<'_, '_>, user: UserId, before: (i64, Uuid), at_most: i64) -> Result<Vec<DepositRow>> {
    Ok(cx.tx.all(&DEPOSITS_OF, (user, before.0, before.1, at_most))?)
}

pub(super) fn insert_deposit(cx: &mut Context<'_, '_>, id: Uuid, arrival: &Arrival, amount: Usdt, status: DepositStatus) -> Result<()> {
    let Arrival { txid, log_index, block, sender, address, user, amount: fits, raw_amount } = arrival;
    let raw = fits.is_none().then_some(raw_amount.as_str());
    let (now, credited_at) = (cx.now, (status == DepositStatus::Credited).then_some(cx.now));
    Ok(cx.tx.write(&INSERT_DEPOSIT, (id, *txid, *log_index, *block, *sender, *address, *user, amount, raw, status, now, credited_at))?)
}

pub(super) fn credit_deposit(cx: &mut Context<'_, '_>, id: Uuid) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&CREDIT_DEPOSIT, (id, now))?)
}

pub(super) fn insert_withdrawal(cx: &mut Context<'_, '_>, new: &Withdrawal) -> Result<()> {
    Ok(cx.tx.write(&INSERT_WITHDRAWAL, (new.id, new.user_id, new.address, new.amount, new.fee, new.status, new.created_at))?)
}

pub(super) fn save_withdrawal(cx: &mut Context<'_, '_>, changed: &Withdrawal) -> Result<()> {
    let Withdrawal { id, status, reason, cleared_at, txid, due_at, .. } = changed;
    Ok(cx.tx.write(&SAVE_WITHDRAWAL, (*id, *status, reason, *cleared_at, *txid, *due_at))?)
}

/// Writes down where it is now.
pub(super) fn append_step(cx: &mut Context<'_, '_>, withdrawal: &Withdrawal) -> Result<()> {
    let now = cx.now;
    cx.tx.change(&APPEND_STEP, (withdrawal.id, withdrawal.status, now, &withdrawal.reason))?;
    Ok(())
}

pub(super) fn steps(cx: &mut Context<'_, '_>, id: WithdrawalId) -> Result<Vec<(WithdrawalStatus, Ts, String)>> {
    Ok(cx.tx.all(&STEPS, (id,))?)
}

pub(super) fn withdrawal(cx: &mut Context<'_, '_>, id: WithdrawalId) -> Result<Option<Withdrawal>> {
    Ok(cx.tx.maybe(&WITHDRAWAL, (id,))?)
}

pub(super) fn withdrawal_locked(cx: &mut Context<'_, '_>, id: WithdrawalId) -> Result<Option<Withdrawal>> {
    Ok(cx.tx.maybe(&WITHDRAWAL_LOCKED, (id,))?)
}

/// Newest first.
pub(super) fn withdrawals_of(cx: &mut Context<'_, '_>, user: UserId, before: Uuid, at_most: i64) -> Result<Vec<Withdrawal>> {
    Ok(cx.tx.all(&WITHDRAWALS_OF, (user, before, at_most))?)
}

/// With this status, oldest first.
pub(super) fn withdrawals_in(cx: &mut Context<'_, '_>, status: WithdrawalStatus, after: Uuid, at_most: i64) -> Result<Vec<Withdrawal>> {
    Ok(cx.tx.all(&WITHDRAWALS_IN, (status, after, at_most))?)
}

/// What waits of a user, locked.
pub(super) fn queued_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<Vec<Withdrawal>> {
    Ok(cx.tx.all(&QUEUED_OF, (user,))?)
}

/// New ones, and reviews that nobody decided in time.
pub(super) fn withdrawals_to_look_at(cx: &mut Context<'_, '_>) -> Result<Vec<WithdrawalId>> {
    let now = cx.now;
    Ok(cx.tx.all(&UNCLEARED, (now,))?.into_iter().map(|(id,)| id).collect())
}

/// What `user` withdrew before and beside `id`.
pub(super) fn past_withdrawals(cx: &mut Context<'_, '_>, user: UserId, id: WithdrawalId, address: Address, since: Ts) -> Result<Past> {
    Ok(cx.tx.one(&PAST, (user, id, address, since))?)
}

/// What was let out since then, without fees.
pub(super) fn cleared_since(cx: &mut Context<'_, '_>, since: Ts) -> Result<Usdt> {
    Ok(cx.tx.one(&CLEARED_SINCE, (since,))?.0)
}

pub(super) fn insert_approval(cx: &mut Context<'_, '_>, id: WithdrawalId, admin: UserId) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&INSERT_APPROVAL, (id, admin, now))?)
}

pub(super) fn approvals(cx: &mut Context<'_, '_>, id: WithdrawalId) -> Result<Vec<UserId>> {
    Ok(cx.tx.all(&APPROVALS, (id,))?.into_iter().map(|(admin,)| admin).collect())
}

pub(super) fn forget_approvals(cx: &mut Context<'_, '_>, id: WithdrawalId) -> Result<()> {
    cx.tx.change(&FORGET_APPROVALS, (id,))?;
    Ok(())
}

/// Whether an admin wants to see each withdrawal of this user.
pub fn is_flagged(cx: &mut Context<'_, '_>, user: UserId) -> Result<bool> {
    Ok(cx.tx.maybe(&IS_FLAGGED, (user,))?.is_some())
}

/// From now on an admin wants to see each withdrawal of this user, or does not.
pub fn set_flagged(cx: &mut Context<'_, '_>, user: UserId, flagged: bool) -> Result<()> {
    let now = cx.now;
    if flagged {
        cx.tx.change(&FLAG_USER, (user, now))?
    } else {
        cx.tx.change(&UNFLAG_USER, (user,))?
    };
    Ok(())
}

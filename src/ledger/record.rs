//! Books a transaction: the only function that moves money.

use crate::base::error::{Error, internal};
use crate::base::{Context, Result, Usdt};
use crate::ledger::account::{AccountId, AccountKind};
use crate::ledger::store::{self, AccountRow};
use crate::ledger::transaction::{Posting, Transaction};

crate::refusals! {
    /// What the books refuse.
    pub enum LedgerRefusal {
        InsufficientFunds { missing: Usdt } = 402 "insufficient_funds": "The balance is too low: {missing} USDT are missing." => "Deposit at least missing_usd and try again.";
    }
}

/// Books `transaction`. All accounts are locked in the order of their ids, checked, and only then written.
///
/// # Errors
/// `insufficient_funds` with `missing_usd` when an account would go below zero.
pub fn record(cx: &mut Context<'_, '_>, transaction: &Transaction) -> Result<()> {
    let Transaction { kind, reference, opens, postings } = transaction;
    if postings.is_empty() || postings.iter().any(|p| p.amount <= Usdt::ZERO || p.from == p.to) {
        return Err(internal("a transaction needs postings of more than zero between two accounts"));
    }
    let fresh: Vec<AccountRow> =
        opens.iter().map(|new| AccountRow { id: new.id, kind: new.kind, balance: Usdt::ZERO, entries: 0 }).collect();
    let mut accounts = lock_touched(cx, postings, &fresh)?;
    accounts.extend(&fresh);

    let id = cx.new_id();
    let mut after = accounts.clone();
    let mut lines = Vec::with_capacity(postings.len());
    for posting in postings {
        for (account, amount) in [(posting.from, posting.amount.negated()), (posting.to, posting.amount)] {
            if account.is_folded() {
                continue;
            }
            let row = after.iter_mut().find(|row| row.id == account).ok_or_else(|| internal(format!("there is no account {account:?}")))?;
            row.balance = row.balance.checked_add(amount).ok_or_else(|| internal("a balance left the range of i64"))?;
            if row.kind == AccountKind::UserAvailable {
                row.entries += 1;
                lines.push((id, account, row.entries, amount, row.balance));
            }
        }
    }
    if let Some(short) = after.iter().find(|row| row.balance < Usdt::ZERO) {
        return Err(short_of(short.balance.negated()));
    }

    let opened = after.split_off(accounts.len() - fresh.len());
    let changes: Vec<(AccountId, Usdt, i64)> = accounts
        .iter()
        .zip(&after)
        .map(|(old, new)| (old.id, new.balance.checked_sub(old.balance).unwrap_or_default(), new.entries - old.entries))
        .collect();
    // The new accounts behind the old ones, so that PostgreSQL takes all of it as one statement.
    store::add_to_balances(cx, &changes)?;
    for (new, row) in opens.iter().zip(opened) {
        store::open_account(cx, new.id, new.owner, new.kind, row.balance, row.entries)?;
    }
    store::insert_transaction(cx, id, kind.name(), *reference, postings)?;
    store::insert_fresh_entries(cx, &lines)
}

/// Announces that [`record`] will book against `account` alone, beside accounts that it opens.
pub fn announce(cx: &mut Context<'_, '_>, account: AccountId) {
    store::announce_lock(cx, account);
}

/// `missing` is not there.
pub fn short_of(missing: Usdt) -> Error {
    let error = Error::from(LedgerRefusal::InsufficientFunds { missing });
    error.with("missing_usd", serde_json::to_value(missing).unwrap_or_default())
}

/// The accounts that change their own row, locked, in the order of their ids.
fn lock_touched(cx: &mut Context<'_, '_>, postings: &[Posting], fresh: &[AccountRow]) -> Result<Vec<AccountRow>> {
    let mut ids: Vec<AccountId> =
        postings.iter().flat_map(|p| [p.from, p.to]).filter(|id| !id.is_folded() && fresh.iter().all(|row| row.id != *id)).collect();
    ids.sort_unstable();
    ids.dedup();
    store::lock_accounts(cx, &ids)
}

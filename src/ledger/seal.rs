//! The sealing job: links new transactions into the hash chain and folds what they did to the platform's accounts.
//!
//! A settlement only inserts rows where the platform is concerned, so no two of them wait for each other; the platform's
//! balances are added up here. The chain makes any later change of a transaction or posting visible: each hash covers
//! the one before it.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::base::error::internal;
use crate::base::{Context, Result, Usdt};
use crate::ledger::account::AccountId;
use crate::ledger::store::{self, SEALED_TOGETHER, UnsealedRow};
use crate::ledger::transaction::TransactionKind;

/// What one turn of sealing went over.
#[derive(Debug)]
pub struct Sealed {
    /// The accounts whose balance had changed, each once, but for those of the platform.
    pub accounts: Vec<AccountId>,
    /// Whether a task was published.
    pub published: bool,
    /// Whether there may be more.
    pub more: bool,
}

/// Job: seals the oldest transactions.
pub fn seal(cx: &mut Context<'_, '_>) -> Result<Sealed> {
    let (start, mut hash) = store::lock_head(cx)?;
    let rows = store::unsealed(cx)?;
    let mut position = start;
    let mut seals = Vec::with_capacity(rows.len());
    let mut folds = [AccountId::ONCHAIN, AccountId::PLATFORM_FEES, AccountId::OPERATOR_CAPITAL].map(Fold::new);
    for postings in rows.chunk_by(|a, b| a.id == b.id) {
        position += 1;
        hash = link(hash, postings)?;
        seals.push((position, postings[0].id, hash));
        for fold in &mut folds {
            fold.add(postings)?;
        }
    }
    for fold in folds {
        fold.save(cx)?;
    }
    store::save_seals(cx, start, &seals)?;
    let mut accounts: Vec<AccountId> = rows.iter().flat_map(|row| [row.from, row.to]).filter(|account| !account.is_folded()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let published = rows.iter().any(|row| row.kind == TransactionKind::Publish.name());
    Ok(Sealed { accounts, published, more: position - start == SEALED_TOGETHER })
}

/// The hash of a transaction after `previous`: SHA-256 over the previous hash, the row and its postings.
fn link(previous: [u8; 32], postings: &[UnsealedRow]) -> Result<[u8; 32]> {
    let first = &postings[0];
    let count = u32::try_from(postings.len()).map_err(internal)?;
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(first.id.as_bytes());
    hash.update(first.kind.as_bytes());
    hash.update([0]);
    hash.update(first.reference.as_bytes());
    hash.update(first.at.as_milliseconds().to_be_bytes());
    hash.update(first.actor.as_bytes());
    hash.update(count.to_be_bytes());
    for posting in postings {
        hash.update(posting.n.to_be_bytes());
        hash.update(posting.from.uuid().as_bytes());
        hash.update(posting.to.uuid().as_bytes());
        hash.update(posting.amount.micro().to_be_bytes());
    }
    Ok(hash.finalize().into())
}

/// What a batch does to one account of the platform.
struct Fold {
    account: AccountId,
    lines: Vec<(Uuid, Usdt)>,
}

impl Fold {
    fn new(account: AccountId) -> Self {
        Self { account, lines: Vec::new() }
    }

    fn add(&mut self, postings: &[UnsealedRow]) -> Result<()> {
        let mut net = Usdt::ZERO;
        for posting in postings {
            let signed = match (posting.from == self.account, posting.to == self.account) {
                (true, _) => posting.amount.negated(),
                (_, true) => posting.amount,
                _ => continue,
            };
            net = net.checked_add(signed).ok_or_else(|| internal("a platform account left the range of i64"))?;
        }
        if net != Usdt::ZERO {
            self.lines.push((postings[0].id, net));
        }
        Ok(())
    }

    fn save(self, cx: &mut Context<'_, '_>) -> Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let rows = store::lock_accounts(cx, &[self.account])?;
        let row = rows.first().ok_or_else(|| internal("an account of the platform is missing"))?;
        let (mut seq, mut balance) = (row.entries, row.balance);
        let mut entries = Vec::with_capacity(self.lines.len());
        for (transaction, net) in self.lines {
            seq += 1;
            balance = balance.checked_add(net).ok_or_else(|| internal("a platform account left the range of i64"))?;
            entries.push((self.account, seq, transaction, net, balance));
        }
        let change = balance.checked_sub(row.balance).ok_or_else(|| internal("a platform account left the range of i64"))?;
        store::add_to_balances(cx, &[(self.account, change, seq - row.entries)])?;
        store::insert_entries(cx, &entries)
    }
}

//! A transaction with its postings as the tables tell it, and the bytes that are hashed of it.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::AuditError;
use crate::reader::{Reader, Row};

/// One movement of money.
pub(crate) struct Posting {
    pub(crate) n: i64,
    pub(crate) from: Uuid,
    pub(crate) to: Uuid,
    pub(crate) amount: i64,
}

/// One business event with its postings in order of their numbers.
pub(crate) struct Transaction {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) reference: Uuid,
    pub(crate) at: i64,
    pub(crate) actor: Uuid,
    pub(crate) postings: Vec<Posting>,
}

/// The columns that [`Transaction::read`] and [`Posting::read`] expect side by side, nine in all.
pub(crate) const COLUMNS: &str = "t.id, t.kind, t.reference, t.at, t.actor, p.n, p.from_account, p.to_account, p.amount";

impl Posting {
    /// The posting of a row that has the transaction's columns from `first` on; none if the outer join found none.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Option<Self>, AuditError> {
        let Some(n) = row.optional_int(first + 5)? else {
            return Ok(None);
        };
        Ok(Some(Self { n, from: row.id(first + 6)?, to: row.id(first + 7)?, amount: row.int(first + 8)? }))
    }
}

impl Transaction {
    /// The transaction of a row, without postings; none if the outer join found none.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Option<Self>, AuditError> {
        let Some(id) = row.optional_id(first)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            id,
            kind: row.text(first + 1)?.to_owned(),
            reference: row.id(first + 2)?,
            at: row.int(first + 3)?,
            actor: row.id(first + 4)?,
            postings: Vec::new(),
        }))
    }

    /// Feeds the bytes that the chain and the digest are made of. Every part has a fixed length or an end mark, so
    /// that no two transactions have the same bytes.
    pub(crate) fn hash_into(&self, hash: &mut Sha256) {
        hash.update(self.id.as_bytes());
        hash.update(self.kind.as_bytes());
        hash.update([0]);
        hash.update(self.reference.as_bytes());
        hash.update(self.at.to_be_bytes());
        hash.update(self.actor.as_bytes());
        // More than u32::MAX postings cannot be written; saturating keeps the auditor from crashing on them.
        hash.update(u32::try_from(self.postings.len()).unwrap_or(u32::MAX).to_be_bytes());
        for posting in &self.postings {
            hash.update(posting.n.to_be_bytes());
            hash.update(posting.from.as_bytes());
            hash.update(posting.to.as_bytes());
            hash.update(posting.amount.to_be_bytes());
        }
    }
}

/// All transactions in id order, one at a time.
pub(crate) fn transactions(reader: &Reader, mut each: impl FnMut(&Transaction)) -> Result<(), AuditError> {
    let mut current: Option<Transaction> = None;
    let sql = format!("select {COLUMNS} from transactions t left join postings p on p.transaction_id = t.id order by t.id, p.n");
    reader.rows(&sql, |row| {
        let id = row.id(0)?;
        if current.as_ref().is_none_or(|transaction| transaction.id != id) {
            if let Some(done) = current.take() {
                each(&done);
            }
            current = Transaction::read(row, 0)?;
        }
        if let (Some(transaction), Some(posting)) = (current.as_mut(), Posting::read(row, 0)?) {
            transaction.postings.push(posting);
        }
        Ok(())
    })?;
    if let Some(last) = current {
        each(&last);
    }
    Ok(())
}

//! M1: every transaction moves money between two accounts that exist, and all accounts together hold nothing.

use crate::accounts::Tails;
use crate::error::AuditError;
use crate::findings::Findings;
use crate::ledger::{self, Transaction};
use crate::notation::usdt;
use crate::reader::Reader;

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let (mut transactions, mut postings) = (0u64, 0u64);
    ledger::transactions(reader, |transaction| {
        transactions += 1;
        postings += transaction.postings.len() as u64;
        look_at(transaction, findings);
    })?;
    findings.count("transactions", transactions);
    findings.count("postings", postings);
    strays(reader, findings)?;
    sum(reader, findings)
}

fn look_at(transaction: &Transaction, findings: &mut Findings) {
    let id = transaction.id;
    findings.require(!transaction.postings.is_empty(), || format!("transaction {id}: no posting"));
    for (posting, expected) in transaction.postings.iter().zip(1i64..) {
        let n = posting.n;
        findings.require(n == expected, || format!("transaction {id}: posting {n}, expected {expected}"));
        findings.require(posting.amount > 0, || {
            let amount = usdt(posting.amount.into());
            format!("transaction {id}, posting {n}: amount {amount}, expected more than 0")
        });
        findings.require(posting.from != posting.to, || format!("transaction {id}, posting {n}: from and to are both {}", posting.from));
    }
}

/// Postings that hang in the air.
fn strays(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    for (what, missing) in [
        ("transaction", "select 1 from transactions t where t.id = p.transaction_id"),
        ("from account", "select 1 from accounts a where a.id = p.from_account"),
        ("to account", "select 1 from accounts a where a.id = p.to_account"),
    ] {
        let sql = format!("select p.transaction_id, p.n from postings p where not exists ({missing}) order by p.transaction_id, p.n");
        reader.rows(&sql, |row| {
            let (id, n) = (row.id(0)?, row.int(1)?);
            findings.wrong(|| format!("transaction {id}, posting {n}: its {what} does not exist"));
            Ok(())
        })?;
    }
    Ok(())
}

fn sum(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let tails = Tails::read(reader)?;
    let mut sum = 0i128;
    reader.rows("select id, balance from accounts", |row| {
        sum += i128::from(row.int(1)?) + tails.of(row.id(0)?);
        Ok(())
    })?;
    findings.count("sum", sum);
    findings.require(sum == 0, || format!("sum over all accounts {}, expected 0.000000", usdt(sum)));
    Ok(())
}

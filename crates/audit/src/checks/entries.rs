//! M3e: an account's statement is numbered without gaps, adds up to its balance, and tells what the postings tell. Its
//! newest lines may stand in `fresh_entries`; together the two tables are the statement.

use uuid::Uuid;

use crate::accounts::is_platform;
use crate::error::AuditError;
use crate::findings::Findings;
use crate::notation::usdt;
use crate::reader::Reader;

/// Every account followed by its entries.
const STATEMENTS: &str = "
    select x.account, x.part, x.seq, x.amount, x.balance, x.kind
    from (select id as account, 0 as part, entries as seq, 0 as amount, balance, kind from accounts
          union all
          select account_id, 1, seq, amount, balance_after, '' from entries
          union all
          select account_id, 1, seq, amount, balance_after, '' from fresh_entries) x
    order by x.account, x.part, x.seq";

/// Per account and transaction, the entries (part 0) and then what left (1) and came in (2). Escrows and holds have no
/// entries, which the statements show.
const LEGS: &str = "
    select x.account, x.transaction_id, x.part, x.amount, case when u.transaction_id is null then 0 else 1 end as tail
    from (select account_id as account, transaction_id, 0 as part, amount from entries
          union all select account_id, transaction_id, 0, amount from fresh_entries
          union all select from_account, transaction_id, 1, amount from postings
          union all select to_account, transaction_id, 2, amount from postings) x
    join accounts a on a.id = x.account
    left join unsealed u on u.transaction_id = x.transaction_id
    where a.kind not in ('task_escrow', 'withdrawal_hold')
    order by x.account, x.transaction_id, x.part";

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    statements(reader, findings)?;
    legs(reader, findings)
}

struct Statement {
    account: Uuid,
    /// What the account's row says; none if there is no such account.
    claim: Option<Claim>,
    seq: i64,
    sum: i128,
}

struct Claim {
    entries: i64,
    balance: i128,
    has_statement: bool,
}

fn statements(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let (mut accounts, mut entries) = (0u64, 0u64);
    let mut current: Option<Statement> = None;
    reader.rows(STATEMENTS, |row| {
        let (account, is_account) = (row.id(0)?, row.int(1)? == 0);
        if is_account || current.as_ref().is_none_or(|statement| statement.account != account) {
            close_statement(current.take(), findings);
            current = Some(Statement { account, claim: None, seq: 0, sum: 0 });
        }
        let statement = current.as_mut().expect("set above when it was empty");
        if is_account {
            accounts += 1;
            statement.claim = Some(Claim {
                entries: row.int(2)?,
                balance: row.int(4)?.into(),
                has_statement: !matches!(row.text(5)?, "task_escrow" | "withdrawal_hold"),
            });
            return Ok(());
        }
        entries += 1;
        let (seq, after) = (row.int(2)?, i128::from(row.int(4)?));
        let expected = statement.seq.saturating_add(1);
        findings.require(seq == expected, || format!("account {account}: entry {seq}, expected {expected}"));
        statement.seq = seq;
        let sum = statement.sum + i128::from(row.int(3)?);
        findings.require(after == sum, || format!("account {account}, entry {seq}: balance after {}, expected {}", usdt(after), usdt(sum)));
        // On with what is written, so that one changed entry is not an offender for each that follows.
        statement.sum = after;
        Ok(())
    })?;
    close_statement(current, findings);
    findings.count("accounts", accounts);
    findings.count("entries", entries);
    Ok(())
}

fn close_statement(statement: Option<Statement>, findings: &mut Findings) {
    let Some(Statement { account, claim, seq, sum }) = statement else {
        return;
    };
    let Some(Claim { entries, balance, has_statement }) = claim else {
        findings.wrong(|| format!("account {account}: has entries but does not exist"));
        return;
    };
    findings.require(entries == seq, || format!("account {account}: {entries} entries, expected {seq}"));
    if has_statement {
        findings.require(balance == sum, || {
            format!("account {account}: balance {}, expected {} as its last entry says", usdt(balance), usdt(sum))
        });
    } else {
        findings.require(seq == 0, || format!("account {account}: {seq} entries, expected none"));
    }
}

/// One account's part in one transaction.
struct Part {
    account: Uuid,
    transaction: Uuid,
    sealed: bool,
    entries: Vec<i128>,
    legs: Vec<i128>,
}

fn legs(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut current: Option<Part> = None;
    reader.rows(LEGS, |row| {
        let (account, transaction) = (row.id(0)?, row.id(1)?);
        let is_next = |part: &Part| (part.account, part.transaction) != (account, transaction);
        if current.as_ref().is_none_or(is_next) {
            close_part(current.take(), findings);
            let (sealed, entries, legs) = (row.int(4)? == 0, Vec::new(), Vec::new());
            current = Some(Part { account, transaction, sealed, entries, legs });
        }
        let part = current.as_mut().expect("set above when it was empty");
        let amount = i128::from(row.int(3)?);
        match row.int(2)? {
            0 => part.entries.push(amount),
            1 => part.legs.push(-amount),
            _ => part.legs.push(amount),
        }
        Ok(())
    })?;
    close_part(current, findings);
    Ok(())
}

fn close_part(part: Option<Part>, findings: &mut Findings) {
    let Some(Part { account, transaction, sealed, mut entries, mut legs }) = part else {
        return;
    };
    if is_platform(account) {
        // Written by the sealing job: the net of the transaction, nothing where it nets to nothing.
        let net: i128 = legs.drain(..).sum();
        if sealed && net != 0 {
            legs.push(net);
        }
    }
    entries.sort_unstable();
    legs.sort_unstable();
    findings.require(entries == legs, || {
        let listed = |amounts: &[i128]| amounts.iter().map(|amount| usdt(*amount)).collect::<Vec<_>>().join(" ");
        let (found, expected) = (listed(&entries), listed(&legs));
        format!("account {account}, transaction {transaction}: entries [{found}], expected [{expected}]")
    });
}

//! M9: a transaction of a kind moves money only between the kinds of account that belong to it.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::reader::Reader;

/// How often one kind of posting may occur in a transaction.
struct Leg {
    from: &'static str,
    to: &'static str,
    at_least: usize,
    at_most: usize,
}

const fn one(from: &'static str, to: &'static str) -> Leg {
    up_to(1, 1, from, to)
}

const fn up_to(at_least: usize, at_most: usize, from: &'static str, to: &'static str) -> Leg {
    Leg { from, to, at_least, at_most }
}

/// Every kind of transaction and its postings. A fee may round down to nothing and is then not posted.
const SHAPES: &[(&str, &[Leg])] = &[
    ("deposit", &[one("onchain", "user_available")]),
    ("float_in", &[one("onchain", "operator_capital")]),
    ("float_out", &[one("operator_capital", "onchain")]),
    ("publish", &[one("user_available", "task_escrow")]),
    ("extend", &[one("user_available", "task_escrow")]),
    (
        "settlement",
        // Up to two shares of the reward, the worker's and what goes back to the creator; M7 says which there must be.
        &[
            up_to(0, 2, "task_escrow", "user_available"),
            up_to(0, 1, "task_escrow", "platform_fees"),
            up_to(0, 2, "platform_fees", "user_available"),
        ],
    ),
    ("close", &[one("task_escrow", "user_available")]),
    ("refund", &[one("task_escrow", "user_available")]),
    ("tip", &[one("user_available", "user_available")]),
    ("withdraw", &[one("user_available", "withdrawal_hold")]),
    ("payout", &[one("withdrawal_hold", "onchain"), up_to(0, 1, "withdrawal_hold", "platform_fees")]),
    ("release", &[one("withdrawal_hold", "user_available")]),
];

struct Transaction {
    id: Uuid,
    kind: String,
    /// Kinds of the accounts money went from and to.
    moves: Vec<(String, String)>,
}

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut transactions = 0u64;
    let mut current: Option<Transaction> = None;
    reader.rows(
        "select t.id, t.kind, p.n, f.kind as from_kind, g.kind as to_kind
         from transactions t
         left join postings p on p.transaction_id = t.id
         left join accounts f on f.id = p.from_account
         left join accounts g on g.id = p.to_account
         order by t.id, p.n",
        |row| {
            let id = row.id(0)?;
            if current.as_ref().is_none_or(|transaction| transaction.id != id) {
                close(current.take(), findings);
                transactions += 1;
                let (kind, moves) = (row.text(1)?.to_owned(), Vec::new());
                current = Some(Transaction { id, kind, moves });
            }
            let has_posting = row.optional_int(2)?.is_some();
            if let Some(transaction) = current.as_mut().filter(|_| has_posting) {
                let kind_of = |column| Ok::<_, AuditError>(row.optional_text(column)?.unwrap_or("nothing").to_owned());
                transaction.moves.push((kind_of(3)?, kind_of(4)?));
            }
            Ok(())
        },
    )?;
    close(current, findings);
    findings.count("transactions", transactions);
    findings.count("kinds", i128::try_from(SHAPES.len()).unwrap_or_default());
    Ok(())
}

fn close(transaction: Option<Transaction>, findings: &mut Findings) {
    let Some(Transaction { id, kind, moves }) = transaction else {
        return;
    };
    let Some((_, legs)) = SHAPES.iter().find(|(known, _)| *known == kind) else {
        findings.wrong(|| format!("transaction {id}: unknown kind {kind:?}"));
        return;
    };
    for (from, to) in &moves {
        let known = legs.iter().any(|leg| leg.from == from && leg.to == to);
        findings.require(known, || format!("transaction {id}: a {kind} does not post {from} -> {to}"));
    }
    for Leg { from, to, at_least, at_most } in *legs {
        let times = moves.iter().filter(|(f, t)| f == from && t == to).count();
        findings.require((*at_least..=*at_most).contains(&times), || {
            format!("transaction {id}: a {kind} has {times} x {from} -> {to}, expected {at_least} to {at_most}")
        });
    }
}

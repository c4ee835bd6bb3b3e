//! C6: whatever left our addresses did so for an order, and did what the order says; or payouts are stopped.

use crate::error::AuditError;
use crate::findings::Findings;
use crate::notation::{hex, usdt};
use crate::reader::{Reader, Row};

/// Per transaction: the attempts that it is (part 0), what the chain shows of it (1), and the orders that an admin confirmed
/// and that say what it did (2).
const OUTGOING: &str = "
    select x.txid, x.part, x.n, x.state, x.block, x.owner, x.recipient, x.amount, x.flag
    from (select s.txid, 1 as part, s.log_index as n, s.outcome as state, s.block, s.owner, s.recipient, s.amount,
                 case when s.known then 1 else 0 end as flag
          from outgoing_seen s
          union all
          select a.txid, 0, a.n, a.state, a.block, o.owner, o.recipient, o.amount,
                 case when o.asset = 'usdt' and o.state = 'confirmed' and c.subject_id is null then 1 else 0 end
          from attempts a
          left join orders o on o.id = a.order_id
          left join (select distinct subject_id from admin_actions where action = 'confirm_order') c on c.subject_id = o.id
          union all
          select s.txid, 2, s.log_index, o.state, null, null, null, 0, 0
          from outgoing_seen s
          join orders o on o.owner = s.owner and o.recipient = s.recipient and o.amount = s.amount
          join (select distinct subject_id from admin_actions where action = 'confirm_order') c on c.subject_id = o.id
          where o.state = 'confirmed' and s.known) x
    order by x.txid, x.part, x.n";

/// Payouts are stopped because of one of these, or an admin has said that they go on.
const ANSWERED: &str = "
    select 1 as answered from freezes where reason = 'unknown_payment'
    union all select 1 from admin_actions a where a.action = 'unfreeze_payouts' and a.before = 'unknown_payment'";

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let (mut transactions, mut unknown) = (0u64, 0u64);
    let mut current: Option<Outgoing> = None;
    reader.rows(OUTGOING, |row| {
        let txid = row.bytes(0)?;
        if let Some(done) = current.take_if(|before| before.txid != txid) {
            unknown += done.close(findings);
        }
        let outgoing = current.get_or_insert_with(|| {
            transactions += 1;
            Outgoing { txid: txid.to_vec(), attempts: Vec::new(), seen: Vec::new(), adopted: false }
        });
        outgoing.add(row)
    })?;
    unknown += current.map_or(0, |last| last.close(findings));
    findings.count("transactions", transactions);
    findings.count("unknown", unknown);
    let mut answered = false;
    reader.rows(ANSWERED, |_| {
        answered = true;
        Ok(())
    })?;
    findings.require(unknown == 0 || answered, || format!("{unknown} payments that nobody ordered, and payouts go on"));
    Ok(())
}

struct Outgoing {
    txid: Vec<u8>,
    attempts: Vec<Attempt>,
    seen: Vec<Seen>,
    /// An admin said that it carried an order out, and it did what that says.
    adopted: bool,
}

struct Attempt {
    state: String,
    block: Option<i64>,
    order: Way,
    /// Its order is done because of it and of nothing else.
    decided: bool,
}

struct Seen {
    n: i64,
    outcome: String,
    block: Option<i64>,
    way: Way,
    known: bool,
}

/// From where, where to, how much.
#[derive(PartialEq, Eq)]
struct Way {
    owner: Vec<u8>,
    recipient: Option<Vec<u8>>,
    amount: i64,
}

impl Outgoing {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let (part, n, state, block) = (row.int(1)?, row.int(2)?, row.text(3)?.to_owned(), row.optional_int(4)?);
        let way = || {
            let (owner, recipient) = (row.optional_bytes(5)?.unwrap_or_default(), row.optional_bytes(6)?);
            Ok::<_, AuditError>(Way { owner: owner.to_vec(), recipient: recipient.map(<[u8]>::to_vec), amount: amount(row)? })
        };
        match part {
            0 => self.attempts.push(Attempt { state, block, order: way()?, decided: row.flag(8)? }),
            1 => self.seen.push(Seen { n, outcome: state, block, way: way()?, known: row.flag(8)? }),
            _ => self.adopted = true,
        }
        Ok(())
    }

    /// Answers 1 if nobody knows what it is.
    fn close(self, findings: &mut Findings) -> u64 {
        let Self { txid, attempts, seen, adopted } = self;
        let mut require = |holds: bool, fault: &dyn Fn() -> String| {
            findings.require(holds, || format!("transaction {}: {}", hex(&txid), fault()));
        };
        let known = seen.iter().filter(|seen| seen.known).count();
        let apart = seen.windows(2).all(|pair| pair[0].n != pair[1].n);
        let one = seen.iter().all(|s| s.known == seen[0].known && s.block == seen[0].block && s.outcome == seen[0].outcome);
        require(apart && one, &|| "told in several ways".to_owned());
        // Without a log there is nothing to tell.
        let bare =
            seen.iter().all(|s| (s.n >= 0 && s.way.recipient.is_some()) || (s.n == -1 && s.way.recipient.is_none() && s.way.amount == 0));
        require(bare, &|| "its transfers are numbered from 0, or it has none".to_owned());
        match &attempts[..] {
            [] => require(known == 0 || adopted, &|| "counts as known, and is no attempt and was not confirmed by an admin".to_owned()),
            [attempt] => require(attempt.is_shown(&seen), &|| {
                let moved: Vec<_> = seen.iter().map(|s| format!("{} {}", usdt(s.way.amount.into()), s.outcome)).collect();
                let (state, block, amount) = (&attempt.state, attempt.block, usdt(attempt.order.amount.into()));
                format!("an attempt that is {state} in block {block:?}, for {amount}, and the chain shows [{}]", moved.join(", "))
            }),
            _ => require(false, &|| format!("{} attempts, expected one", attempts.len())),
        }
        u64::from(known < seen.len())
    }
}

impl Attempt {
    /// Whether the chain shows what its state says.
    fn is_shown(&self, seen: &[Seen]) -> bool {
        let all = |holds: &dyn Fn(&Seen) -> bool| !seen.is_empty() && seen.iter().all(|seen| seen.known && holds(seen));
        match self.state.as_str() {
            "confirmed" => {
                let alone = seen.len() == 1 && seen[0].way == self.order;
                all(&|seen| seen.outcome == "SUCCESS" && seen.block == self.block) && (alone || !self.decided)
            }
            "failed" => all(&|seen| seen.outcome != "SUCCESS" && seen.block == self.block),
            "live" => seen.is_empty(),
            // Should a dead one appear after all, nobody knows it.
            _ => seen.iter().all(|seen| !seen.known),
        }
    }
}

/// An attempt without its order has none.
fn amount(row: &Row<'_>) -> Result<i64, AuditError> {
    Ok(row.optional_int(7)?.unwrap_or_default())
}

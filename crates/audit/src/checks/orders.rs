//! C3: an order has one transaction at a time. Another one is signed only after the last one is proven dead or has failed,
//! on a block that shows it; what was signed never changes.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::notation::hex;
use crate::reader::{Reader, Row};
use crate::signed::txid_of;

/// Every attempt (part 1) behind its order (0), with the block that proves that it is dead, as far as that one is kept.
const ORDERS: &str = "
    select x.id, x.part, x.n, x.state, x.kind, x.txid, x.signed, x.ref_number, x.expires_at, x.block, x.sends, x.proof_number,
           x.proof_hash, x.proof_at, x.kept_hash, x.kept_at
    from (select a.order_id as id, 1 as part, a.n, a.state, '' as kind, a.txid, a.signed, a.ref_number, a.expires_at, a.block, a.sends,
                 a.proof_number, a.proof_hash, a.proof_at, b.hash as kept_hash, b.at as kept_at
          from attempts a left join chain_blocks b on b.number = a.proof_number
          union all
          select o.id, 0, o.attempts, o.state, o.kind || ' of ' || o.asset, null, null, o.failures, 0, null,
                 case when c.subject_id is null then 0 else 1 end, null, null, null, null, null
          from orders o
          left join (select distinct subject_id from admin_actions where action = 'confirm_order') c on c.subject_id = o.id) x
    order by x.id, x.part, x.n, x.txid";

#[derive(Default)]
struct Order {
    id: Uuid,
    /// Its row; more than one is wrong.
    rows: Vec<Claim>,
    attempts: Vec<Attempt>,
}

/// What the row of an order says.
struct Claim {
    state: String,
    kind: String,
    attempts: i64,
    failures: i64,
    by_admin: bool,
}

struct Attempt {
    n: i64,
    state: String,
    ref_number: i64,
    sends: i64,
    /// Where it is known to have ended.
    end: Option<i64>,
    fault: Option<String>,
}

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut attempts = 0u64;
    let begin = |id| Order { id, ..Order::default() };
    let orders = groups(reader, ORDERS, begin, Order::add, |order| {
        attempts += order.attempts.len() as u64;
        order.close(findings);
    })?;
    findings.count("orders", orders);
    findings.count("attempts", attempts);
    Ok(())
}

impl Order {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let (n, state, sends) = (row.int(2)?, row.text(3)?.to_owned(), row.int(10)?);
        if row.int(1)? == 0 {
            let (kind, failures) = (row.text(4)?.to_owned(), row.int(7)?);
            self.rows.push(Claim { state, kind, attempts: n, failures, by_admin: sends == 1 });
            return Ok(());
        }
        let (block, proof) = (row.optional_int(9)?, row.optional_int(11)?);
        let fault = fault(row, &state)?;
        self.attempts.push(Attempt { n, state, ref_number: row.int(7)?, sends, end: proof.or(block), fault });
        Ok(())
    }

    fn close(self, findings: &mut Findings) {
        let Self { id, rows, attempts } = self;
        let [row] = &rows[..] else {
            findings.wrong(|| format!("order {id}: {} rows and {} attempts, expected one row", rows.len(), attempts.len()));
            return;
        };
        let mut require = |holds: bool, fault: &dyn Fn() -> String| findings.require(holds, || format!("order {id}: {}", fault()));
        for (attempt, n) in attempts.iter().zip(1..) {
            require(attempt.n == n, &|| format!("attempt {}, expected {n}", attempt.n));
            require(attempt.fault.is_none(), &|| format!("attempt {n} {}", attempt.fault.clone().unwrap_or_default()));
        }
        for pair in attempts.windows(2) {
            let [before, next] = pair else { continue };
            let holds = matches!(before.state.as_str(), "dead" | "failed") && before.end.is_some_and(|end| end <= next.ref_number);
            require(holds, &|| {
                let (n, state, end, at) = (next.n, &before.state, before.end, next.ref_number);
                format!("attempt {n} stands on block {at}, and the one before is {state} as of block {end:?}")
            });
        }
        let count = attempts.len();
        require(i64::try_from(count) == Ok(row.attempts), &|| format!("{} attempts, expected {count}", row.attempts));
        let failed = attempts.iter().filter(|attempt| attempt.state == "failed").count();
        let counted = usize::try_from(row.failures).is_ok_and(|failures| failures <= failed);
        require(counted, &|| format!("{} attempts failed, expected at most {failed}", row.failures));
        require(row.fits(&attempts), &|| {
            let last = attempts.last().map_or("none", |last| &last.state);
            format!("a {} that is {} after {count} attempts, the last of them {last}", row.kind, row.state)
        });
    }
}

impl Claim {
    /// Whether the order may be where it is with these attempts.
    fn fits(&self, attempts: &[Attempt]) -> bool {
        let last = attempts.last().map(|last| last.state.as_str());
        let is_over = !matches!(last, Some("live" | "confirmed"));
        let sends = attempts.last().map_or(0, |last| last.sends);
        let Some((kind, asset)) = self.kind.split_once(" of ") else { return false };
        let moves = match kind {
            "payout" | "sweep" | "float_out" => asset == "usdt",
            "top_up" => asset == "trx",
            _ => kind == "faucet",
        };
        let stands = match self.state.as_str() {
            "approved" => is_over,
            "signed" => last == Some("live") && sends == 0,
            "in_flight" => last == Some("live") && sends > 0,
            "confirmed" => last == Some("confirmed") || is_over && self.by_admin,
            "refunded" => is_over && kind == "payout",
            // A payout is given up before it is signed, or given back.
            "dropped" => is_over && (kind != "payout" || attempts.is_empty()),
            _ => !attempts.is_empty(),
        };
        moves && stands
    }
}

/// What is wrong with an attempt by itself.
fn fault(row: &Row<'_>, state: &str) -> Result<Option<String>, AuditError> {
    let (txid, block) = (row.bytes(5)?, row.optional_int(9)?);
    if txid_of(row.bytes(6)?).is_none_or(|id| id != txid) {
        return Ok(Some(format!("is transaction {}, which is not what was signed", hex(txid))));
    }
    let (ref_number, expires_at) = (row.int(7)?, row.int(8)?);
    let (number, hash, at) = (row.optional_int(11)?, row.optional_bytes(12)?, row.optional_int(13)?);
    let (kept_hash, kept_at) = (row.optional_bytes(14)?, row.optional_int(15)?);
    let is_proven = number.is_some_and(|number| number >= ref_number)
        && at.is_some_and(|at| at >= expires_at)
        && hash.is_some_and(|hash| hash.len() == 32)
        && (kept_hash.is_none() || (hash, at) == (kept_hash, kept_at));
    let is_unproven = number.is_none() && hash.is_none() && at.is_none();
    let holds = match state {
        "live" => is_unproven && block.is_none(),
        "dead" => is_proven && block.is_none(),
        _ => is_unproven && block.is_some_and(|block| block > ref_number),
    };
    let told = || {
        format!(
            "is {state}, in block {block:?}, and proven dead by block {number:?} of {at:?}; it builds on {ref_number} and ends {expires_at}"
        )
    };
    Ok((!holds).then(told))
}

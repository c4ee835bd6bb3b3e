//! T1: a task's escrow is what its unsettled slots cost, and its counts of slots are those of its acceptances.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::notation::usdt;
use crate::reader::{Reader, Row};
use crate::rules::is_live;

/// Every task (part 0), its escrow (1), its acceptances (2), what closing paid back (3) and what single slots did (4).
const TASKS: &str = "
    select x.task, x.part, x.word, x.a, x.total, x.live, x.filled, x.refunded
    from (select id as task, 0 as part, status as word, reward as a, slots_total as total, slots_live as live,
                 slots_filled as filled, slots_refunded as refunded
          from tasks
          union all
          select id, 1, '', balance, 0, 0, 0, 0 from accounts where kind = 'task_escrow'
          union all
          select task_id, 2, status, case when due_at is null then 0 else 1 end, 0, 0, 0, 0 from acceptances
          union all
          select t.reference, 3, '', p.amount, 0, 0, 0, 0
          from transactions t join postings p on p.transaction_id = t.id where t.kind = 'close'
          union all
          select a.task_id, 4, '', p.amount, 0, 0, 0, 0
          from transactions t join postings p on p.transaction_id = t.id join acceptances a on a.id = t.reference
          where t.kind = 'refund') x
    order by x.task, x.part";

struct Task {
    id: Uuid,
    rows: u64,
    escrows: u64,
    is_over: bool,
    is_open: bool,
    reward: i128,
    total: i128,
    live: i128,
    filled: i128,
    refunded: i128,
    balance: i128,
    seen: Seen,
}

/// What the acceptances and the books say.
#[derive(Default)]
struct Seen {
    acceptances: u64,
    live: i128,
    filled: i128,
    refunded: i128,
    paid_back: i128,
}

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut escrowed = 0i128;
    let tasks = groups(reader, TASKS, Task::new, Task::add, |task| {
        escrowed += task.balance;
        task.close(findings);
    })?;
    findings.count("tasks", tasks);
    findings.count("micro in escrow", escrowed);
    Ok(())
}

impl Task {
    fn new(id: Uuid) -> Self {
        Self {
            id,
            rows: 0,
            escrows: 0,
            is_over: false,
            is_open: false,
            reward: 0,
            total: 0,
            live: 0,
            filled: 0,
            refunded: 0,
            balance: 0,
            seen: Seen::default(),
        }
    }

    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let (word, a) = (row.text(2)?, i128::from(row.int(3)?));
        match row.int(1)? {
            0 => {
                self.rows += 1;
                (self.is_open, self.is_over) = (word == "open", !matches!(word, "open" | "closing"));
                self.reward = a;
                self.total = row.int(4)?.into();
                self.live = row.int(5)?.into();
                self.filled = row.int(6)?.into();
                self.refunded = row.int(7)?.into();
            }
            1 => {
                self.escrows += 1;
                self.balance += a;
            }
            2 => {
                self.seen.acceptances += 1;
                self.seen.live += i128::from(is_live(word, a == 1));
                self.seen.filled += i128::from(matches!(word, "approved" | "split"));
                self.seen.refunded += i128::from(word == "refunded");
            }
            _ => self.seen.paid_back += a,
        }
        Ok(())
    }

    fn close(self, findings: &mut Findings) {
        let Self { id, rows, escrows, is_over, is_open, reward, total, live, filled, refunded, balance, seen } = self;
        if rows != 1 || escrows != 1 {
            findings.wrong(|| {
                format!("task {id}: {rows} rows, {escrows} escrows and {} acceptances, expected one row and one escrow", seen.acceptances)
            });
            return;
        }
        let open = total - filled - refunded;
        let expected = open.saturating_mul(reward);
        findings.require(balance == expected, || {
            format!("task {id}: escrow {}, expected {} ({open} unsettled x {})", usdt(balance), usdt(expected), usdt(reward))
        });
        for (what, claimed, counted) in [("live", live, seen.live), ("filled", filled, seen.filled)] {
            findings
                .require(claimed == counted, || format!("task {id}: {claimed} slots {what}, expected {counted} as its acceptances say"));
        }
        let back = refunded.saturating_mul(reward);
        findings.require(back == seen.paid_back, || {
            let (found, expected) = (usdt(seen.paid_back), usdt(back));
            format!("task {id}: {found} was paid back, expected {expected} ({refunded} refunded x {})", usdt(reward))
        });
        findings.require(refunded >= seen.refunded, || {
            format!("task {id}: {refunded} slots refunded, expected at least {} as its acceptances say", seen.refunded)
        });
        let free = open - live;
        let holds = if is_over { open == 0 && live == 0 } else { free == 0 || is_open && free > 0 };
        findings.require(holds, || {
            format!("task {id}: of {total} slots {live} live, {filled} filled, {refunded} refunded, which do not add up in its state")
        });
    }
}

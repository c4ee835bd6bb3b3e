//! M10: what is booked for the market has its cause there, a task, a slot or a tip, with these parties and this amount,
//! and every cause is booked.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::notation::usdt;
use crate::reader::{Reader, Row};

/// What was put into the escrow of each task: the task (part 0), its escrow (1), publishing (2) and extensions (3).
const ESCROWS: &str = "
    select x.task, x.part, x.a, x.total, x.at, x.who, x.payer
    from (select id as task, 0 as part, reward as a, slots_total as total, published_at as at, creator_id as who,
                 creator_id as payer
          from tasks
          union all
          select id, 1, 0, 0, 0, owner, owner from accounts where kind = 'task_escrow'
          union all
          select t.reference, 2, case when p.to_account = t.reference then p.amount else 0 end, 0, t.at, t.actor, p.from_account
          from transactions t join postings p on p.transaction_id = t.id where t.kind = 'publish'
          union all
          select p.to_account, 3, p.amount, 0, t.at, t.actor, p.from_account
          from transactions t join postings p on p.transaction_id = t.id where t.kind = 'extend') x
    order by x.task, x.part, x.at";

/// What went back from an escrow: for the free slots of a task, or for one slot.
const BACK: &str = "
    select t.id, t.kind, p.amount, p.from_account, p.to_account, k.id as task, k.creator_id, k.reward,
           case when k.status = 'open' then 1 else 0 end as takes_workers
    from transactions t
    join postings p on p.transaction_id = t.id
    left join acceptances a on t.kind = 'refund' and a.id = t.reference
    left join tasks k on k.id = case when t.kind = 'refund' then a.task_id else t.reference end
    where t.kind in ('refund', 'close')
    order by t.id, p.n";

/// What is held for withdrawals, and from whom it came.
const HOLDS: &str = "
    select a.id, a.owner, p.from_account as payer
    from accounts a
    left join transactions t on t.kind = 'withdraw' and t.reference = a.id
    left join postings p on p.transaction_id = t.id
    where a.kind = 'withdrawal_hold'
    order by a.id";

/// Every tip as the market knows it (part 0) and as it is booked (1).
const TIPS: &str = "
    select x.tip, x.part, x.amount, x.at, x.payer, x.payee, x.actor, x.status
    from (select i.id as tip, 0 as part, i.amount, i.at, k.creator_id as payer, a.worker_id as payee, k.creator_id as actor, a.status
          from tips i left join acceptances a on a.id = i.acceptance_id left join tasks k on k.id = a.task_id
          union all
          select t.reference, 1, p.amount, t.at, p.from_account, p.to_account, t.actor, ''
          from transactions t join postings p on p.transaction_id = t.id where t.kind = 'tip') x
    order by x.tip, x.part";

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let begin = |id| Escrow { id, ..Escrow::default() };
    let tasks = groups(reader, ESCROWS, begin, Escrow::add, |escrow| escrow.close(findings))?;
    findings.count("tasks", tasks);
    back(reader, findings)?;
    let begin = |id| Tip { id, ..Tip::default() };
    let tips = groups(reader, TIPS, begin, Tip::add, |tip| tip.close(findings))?;
    findings.count("tips", tips);
    holds(reader, findings)
}

#[derive(Default)]
struct Escrow {
    id: Uuid,
    creator: Option<Uuid>,
    reward: i128,
    total: i128,
    published_at: i64,
    publications: u64,
    put_in: i128,
    faults: Vec<String>,
}

impl Escrow {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let (part, amount, at, who, payer) = (row.int(1)?, i128::from(row.int(2)?), row.int(4)?, row.id(5)?, row.id(6)?);
        if part == 0 {
            (self.creator, self.reward, self.total, self.published_at) = (Some(who), amount, row.int(3)?.into(), at);
            return Ok(());
        }
        let creator = self.creator;
        if creator.is_some() && (Some(who), Some(payer)) != (creator, creator) {
            let what = if part == 1 { "its escrow is owned" } else { "its escrow was filled" };
            self.faults.push(format!("{what} by {who} with the money of {payer}, expected its creator"));
        }
        if part > 1 {
            self.put_in += amount;
            if amount <= 0 || self.reward <= 0 || amount % self.reward != 0 {
                self.faults.push(format!("{} was put in, which is no number of slots", usdt(amount)));
            }
        }
        if part == 2 {
            self.publications += 1;
            if at != self.published_at {
                self.faults.push(format!("paid for at {at}, expected when it was published, {}", self.published_at));
            }
        }
        Ok(())
    }

    fn close(self, findings: &mut Findings) {
        let Self { id, creator, reward, total, publications, put_in, faults, .. } = self;
        let expected = total.saturating_mul(reward);
        if creator.is_none() || publications != 1 {
            findings.wrong(|| {
                format!("task {id}: published {publications} times with {}, and it is there: {}", usdt(put_in), creator.is_some())
            });
            return;
        }
        findings.require(put_in == expected, || {
            format!("task {id}: {} was put into escrow, expected {} ({total} x {})", usdt(put_in), usdt(expected), usdt(reward))
        });
        for fault in faults {
            findings.wrong(|| format!("task {id}: {fault}"));
        }
    }
}

fn back(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut bookings = 0u64;
    reader.rows(BACK, |row| {
        bookings += 1;
        let (id, kind, amount) = (row.id(0)?, row.text(1)?, i128::from(row.int(2)?));
        let (from, to) = (row.id(3)?, row.id(4)?);
        let Some(task) = row.optional_id(5)? else {
            findings.wrong(|| format!("transaction {id}: a {kind} of nothing"));
            return Ok(());
        };
        let (creator, reward, takes_workers) = (row.id(6)?, i128::from(row.int(7)?), row.flag(8)?);
        findings.require((from, to) == (task, creator), || {
            format!("transaction {id}: a {kind} from {from} to {to}, expected from {task} to {creator}")
        });
        let fits = if kind == "refund" { amount == reward } else { amount > 0 && reward > 0 && amount % reward == 0 };
        findings.require(fits, || format!("transaction {id}: a {kind} of {}, expected of slots of {}", usdt(amount), usdt(reward)));
        findings.require(kind == "refund" || !takes_workers, || format!("transaction {id}: task {task} was closed and is open"));
        Ok(())
    })?;
    findings.count("paid back", bookings);
    Ok(())
}

fn holds(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut holds = 0u64;
    reader.rows(HOLDS, |row| {
        holds += 1;
        let (id, owner, payer) = (row.id(0)?, row.id(1)?, row.optional_id(2)?);
        findings.require(payer == Some(owner), || format!("hold {id}: of {owner}, expected the one whose money it is: {payer:?}"));
        Ok(())
    })?;
    findings.count("holds", holds);
    Ok(())
}

#[derive(Default)]
struct Tip {
    id: Uuid,
    /// As the market knows it; more than one is wrong.
    known: Vec<Booked>,
    booked: Vec<Booked>,
    of_paid_slot: bool,
}

#[derive(PartialEq, Eq)]
struct Booked {
    amount: i64,
    at: i64,
    from: Option<Uuid>,
    to: Option<Uuid>,
    actor: Option<Uuid>,
}

impl Tip {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let from = row.optional_id(4)?;
        let booked = Booked { amount: row.int(2)?, at: row.int(3)?, from, to: row.optional_id(5)?, actor: row.optional_id(6)? };
        if row.int(1)? == 0 {
            self.of_paid_slot = matches!(row.optional_text(7)?, Some("approved" | "split"));
            self.known.push(booked);
        } else {
            self.booked.push(booked);
        }
        Ok(())
    }

    fn close(self, findings: &mut Findings) {
        let Self { id, known, booked, of_paid_slot } = self;
        let holds = known.len() == 1 && known == booked && of_paid_slot;
        findings.require(holds, || {
            let told = |tips: &[Booked]| tips.iter().map(|tip| usdt(tip.amount.into())).collect::<Vec<_>>().join(" ");
            let (known, booked) = (told(&known), told(&booked));
            format!(
                "tip {id}: [{known}] given and [{booked}] booked, expected the same once, from the creator to the worker of a paid slot"
            )
        });
    }
}

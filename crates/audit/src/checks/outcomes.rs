//! T3: a slot is settled once: paid or paid back when its acceptance says so, then and by whom it says, or not at all.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::reader::{Reader, Row};
use crate::rules::is_live;

/// Every acceptance (part 0), followed by the transactions that are booked for it (1).
const SLOTS: &str = "
    select x.id, x.part, x.word, x.at, x.waits, x.auto, x.task_is_open, x.closed_at, x.who, x.creator
    from (select a.id, 0 as part, a.status as word, a.settled_at as at, case when a.due_at is null then 0 else 1 end as waits,
                 case when a.auto then 1 else 0 end as auto, case when k.status = 'open' then 1 else 0 end as task_is_open,
                 c.at as closed_at, a.worker_id as who, k.creator_id as creator
          from acceptances a
          left join tasks k on k.id = a.task_id
          left join transactions c on c.kind = 'close' and c.reference = a.task_id
          union all
          select reference, 1, kind, at, 0, 0, 0, null, actor, null from transactions where kind in ('settlement', 'refund')) x
    order by x.id, x.part, x.at";

#[derive(Default)]
struct Slot {
    id: Uuid,
    rows: u64,
    status: String,
    waits: bool,
    auto: bool,
    task_is_open: bool,
    settled_at: Option<i64>,
    closed_at: Option<i64>,
    worker: Uuid,
    creator: Option<Uuid>,
    settlements: Vec<Booking>,
    refunds: Vec<Booking>,
}

#[derive(Clone, Copy)]
struct Booking {
    at: i64,
    actor: Uuid,
}

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let (mut settlements, mut refunds) = (0u64, 0u64);
    let begin = |id| Slot { id, ..Slot::default() };
    let slots = groups(reader, SLOTS, begin, Slot::add, |slot| {
        settlements += slot.settlements.len() as u64;
        refunds += slot.refunds.len() as u64;
        slot.close(findings);
    })?;
    findings.count("acceptances", slots);
    findings.count("settlements", settlements);
    findings.count("refunds", refunds);
    Ok(())
}

impl Slot {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let word = row.text(2)?;
        if row.int(1)? == 0 {
            self.rows += 1;
            word.clone_into(&mut self.status);
            self.settled_at = row.optional_int(3)?;
            (self.waits, self.auto, self.task_is_open) = (row.flag(4)?, row.flag(5)?, row.flag(6)?);
            self.closed_at = row.optional_int(7)?;
            (self.worker, self.creator) = (row.id(8)?, row.optional_id(9)?);
            return Ok(());
        }
        let booking = Booking { at: row.int(3)?, actor: row.id(8)? };
        if word == "settlement" {
            self.settlements.push(booking);
        } else {
            self.refunds.push(booking);
        }
        Ok(())
    }

    fn close(&self, findings: &mut Findings) {
        let Self { id, rows, status, .. } = self;
        let (paid, back) = (self.settlements.len(), self.refunds.len());
        if *rows != 1 {
            findings.wrong(|| format!("acceptance {id}: {rows} rows, {paid} settlements and {back} refunds, expected one row"));
            return;
        }
        let (expected_paid, least, most) = self.expected();
        findings.require(paid == expected_paid, || format!("acceptance {id} ({status}): {paid} settlements, expected {expected_paid}"));
        findings
            .require((least..=most).contains(&back), || format!("acceptance {id} ({status}): {back} refunds, expected {least} to {most}"));
        for booking in self.settlements.iter().chain(&self.refunds) {
            self.look_at(*booking, findings);
        }
    }

    /// How many settlements there must be, and how many refunds at least and at most.
    fn expected(&self) -> (usize, usize, usize) {
        match self.status.as_str() {
            "approved" | "split" => (1, 0, 0),
            "refunded" => (0, 1, 1),
            status if is_live(status, self.waits) || self.task_is_open => (0, 0, 0),
            // Given up: while the task took workers the slot became free, afterwards it was paid back. When a task was
            // closed is only known from what closing paid back; T1 adds the refunds up.
            _ if self.closed_at.zip(self.settled_at).is_some_and(|(closed, settled)| settled > closed) => (0, 1, 1),
            _ => (0, 0, 1),
        }
    }

    fn look_at(&self, booking: Booking, findings: &mut Findings) {
        let Self { id, status, worker, .. } = self;
        let Booking { at, actor } = booking;
        let settled_at = self.settled_at.unwrap_or_default();
        // The clock may be late, which changes nothing about what it decides.
        let in_time = if actor.is_nil() { at >= settled_at } else { at == settled_at };
        findings.require(in_time, || format!("acceptance {id} ({status}): settled at {settled_at}, but booked at {at}"));
        let (holds, expected) = match status.as_str() {
            "expired" | "rejected" => (actor.is_nil(), "the clock"),
            "withdrawn" => (actor == *worker, "its worker"),
            _ if self.auto => (actor.is_nil(), "the clock"),
            "approved" => (!actor.is_nil() && actor != *worker, "its creator or an operator"),
            _ => (!actor.is_nil() && actor != *worker && self.creator != Some(actor), "an operator"),
        };
        findings.require(holds, || format!("acceptance {id} ({status}): booked by {actor}, expected {expected}"));
    }
}

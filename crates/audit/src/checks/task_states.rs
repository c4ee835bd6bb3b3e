//! T5, the tasks: where one stands follows from its slots, from who closed it and from what was rejected.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::reader::{Reader, Row};

/// Every task (part 0), followed by the rejections of its proofs (1).
const TASKS: &str = "
    select x.task, x.part, x.status, x.closed_by, x.total, x.live, x.filled, x.refunded, x.rejections, x.listed,
           x.published_at, x.expires_at, x.ended_at
    from (select id as task, 0 as part, status, closed_by, slots_total as total, slots_live as live, slots_filled as filled,
                 slots_refunded as refunded, rejections, case when listed then 1 else 0 end as listed, published_at,
                 expires_at, ended_at
          from tasks
          union all
          select a.task_id, 1, '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0
          from remarks r join acceptances a on a.id = r.acceptance_id where r.kind = 'rejection') x
    order by x.task, x.part";

#[derive(Default)]
struct Task {
    id: Uuid,
    status: String,
    closed_by: String,
    free: i128,
    live: i128,
    filled: i128,
    rejections: i128,
    rejected: i128,
    listed: bool,
    published_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
}

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let begin = |id| Task { id, ..Task::default() };
    let tasks = groups(reader, TASKS, begin, Task::add, |task| {
        for fault in task.faults() {
            findings.wrong(|| format!("task {} ({}): {fault}", task.id, task.status));
        }
    })?;
    findings.count("tasks", tasks);
    Ok(())
}

impl Task {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        if row.int(1)? > 0 {
            self.rejected += 1;
            return Ok(());
        }
        let number = |column| row.int(column).map(i128::from);
        row.text(2)?.clone_into(&mut self.status);
        row.text(3)?.clone_into(&mut self.closed_by);
        (self.live, self.filled, self.rejections) = (number(5)?, number(6)?, number(8)?);
        self.free = number(4)? - self.live - self.filled - number(7)?;
        self.listed = row.flag(9)?;
        (self.published_at, self.expires_at, self.ended_at) = (row.int(10)?, row.int(11)?, row.optional_int(12)?);
        Ok(())
    }

    fn faults(&self) -> Vec<String> {
        let Self { free, live, filled, rejections, rejected, closed_by, ended_at, .. } = self;
        let (unsettled, by) = (live + free > 0, closed_by.as_str());
        let (holds, over) = match self.status.as_str() {
            // An operator who suspends the creator lets the task expire.
            "open" => (unsettled && matches!(by, "" | "operator"), false),
            "closing" => (*live > 0 && *free == 0 && !by.is_empty(), false),
            "completed" => (!unsettled && *filled > 0, true),
            "expired" => (!unsettled && *filled == 0 && by == "clock", true),
            "cancelled" => (!unsettled && *filled == 0 && by != "clock", true),
            _ => (false, true),
        };
        let listed = self.status == "open" && *free > 0;
        let mut faults = Vec::new();
        if !holds {
            faults.push(format!("{live} live, {filled} filled and {free} free slots, closed by {closed_by:?}, which do not fit"));
        }
        if ended_at.is_some() != over || ended_at.is_some_and(|at| at < self.published_at) || self.expires_at < self.published_at {
            faults.push(format!("published {}, expires {}, ended {ended_at:?}", self.published_at, self.expires_at));
        }
        if self.listed != listed {
            faults.push(format!("listed is {}, expected {listed}", self.listed));
        }
        if rejections != rejected {
            faults.push(format!("{rejections} rejections, expected {rejected}"));
        }
        faults
    }
}

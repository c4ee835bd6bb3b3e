//! T2: nobody holds a slot that is not there, holds two, tries again after he had his try, or works for himself.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::reader::{Reader, Row};
use crate::rules::is_live;

/// A worker may give up once and try once more.
const TRIES_MOST: u64 = 2;

/// Every task (part 0) with its creator, followed by its acceptances (1) in the order of their workers.
const TASKS: &str = "
    select x.task, x.part, x.who, x.status, x.n
    from (select id as task, 0 as part, creator_id as who, '' as status, slots_total as n from tasks
          union all
          select task_id, 1, worker_id, status, case when due_at is null then 0 else 1 end from acceptances) x
    order by x.task, x.part, x.who";

#[derive(Default)]
struct Task {
    id: Uuid,
    creator: Option<Uuid>,
    total: i128,
    live: i128,
    workers: u64,
    current: Worker,
    /// Those whose acceptances are not right.
    wrong: Vec<Worker>,
}

/// What one worker has of a task.
#[derive(Clone, Copy, Default)]
struct Worker {
    id: Uuid,
    kept: u64,
    withdrawn: u64,
}

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut workers = 0;
    let begin = |id| Task { id, ..Task::default() };
    let tasks = groups(reader, TASKS, begin, Task::add, |task| {
        workers += task.workers;
        task.close(findings);
    })?;
    findings.count("tasks", tasks);
    findings.count("workers", workers);
    Ok(())
}

impl Task {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let who = row.id(2)?;
        if row.int(1)? == 0 {
            self.creator = Some(who);
            self.total = row.int(4)?.into();
            return Ok(());
        }
        if self.workers == 0 || self.current.id != who {
            self.done();
            self.workers += 1;
            self.current = Worker { id: who, ..Worker::default() };
        }
        let status = row.text(3)?;
        self.live += i128::from(is_live(status, row.int(4)? == 1));
        if status == "withdrawn" {
            self.current.withdrawn += 1;
        } else {
            self.current.kept += 1;
        }
        Ok(())
    }

    /// The worker before is complete.
    fn done(&mut self) {
        let Worker { id, kept, withdrawn } = self.current;
        let holds = kept <= 1 && kept + withdrawn <= TRIES_MOST && self.creator != Some(id);
        if !holds && self.wrong.len() < crate::findings::OFFENDERS_MAX {
            self.wrong.push(self.current);
        }
    }

    fn close(mut self, findings: &mut Findings) {
        self.done();
        let Self { id, total, live, .. } = self;
        findings.require(live <= total, || format!("task {id}: {live} live acceptances, expected at most {total}"));
        for Worker { id: worker, kept, withdrawn } in self.wrong {
            findings.wrong(|| {
                if self.creator == Some(worker) {
                    return format!("task {id}: its creator {worker} works for himself");
                }
                format!(
                    "task {id}, worker {worker}: {kept} acceptances and {withdrawn} withdrawn, expected at most 1 and {TRIES_MOST} in all"
                )
            });
        }
    }
}

//! The life of an acceptance as the tables tell it: its row, its task, its proofs, and what was said about it.

use uuid::Uuid;

use crate::error::AuditError;
use crate::groups::groups;
use crate::reader::{Reader, Row};
use crate::rules::is_live;

/// Every acceptance (part 0) followed by its proofs (1) and by the remarks that move it (2).
const LIVES: &str = "
    select x.id, x.part, x.n, x.at, x.word, x.one, x.two,
           x.worker, x.creator, x.submissions, x.submitted_at, x.phase_at, x.due_at, x.reminders, x.next_at, x.review_left,
           x.reviewed_at, x.paid, x.settled_at, x.extended, x.auto, x.reward, x.deadline_minutes, x.review_hours,
           x.max_resubmissions, x.published_at, x.takes_until
    from (select a.id, 0 as part, 0 as n, a.accepted_at as at, a.status as word, a.task_id as one, a.submission_id as two,
                 a.worker_id as worker, t.creator_id as creator, a.submissions, a.submitted_at, a.phase_at, a.due_at,
                 a.reminders, a.next_at, a.review_left, a.reviewed_at, a.paid, a.settled_at,
                 case when a.extended then 1 else 0 end as extended, case when a.auto then 1 else 0 end as auto,
                 t.reward, t.deadline_minutes, t.review_hours, t.max_resubmissions, t.published_at,
                 t.expires_at + case when t.closed_by = 'operator' then 1 else 0 end as takes_until
          from acceptances a left join tasks t on t.id = a.task_id
          union all
          select acceptance_id, 1, n, submitted_at, '', task_id, id,
                 null, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
          from submissions
          union all
          select acceptance_id, 2, 0, at, kind, author_id, id,
                 null, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
          from remarks where kind <> 'evidence') x
    order by x.id, x.part, x.n, x.at";

/// An acceptance and everything about it.
pub(crate) struct Life {
    pub(crate) id: Uuid,
    /// How many rows claim to be it; one is right.
    pub(crate) rows: u64,
    pub(crate) acceptance: Option<Acceptance>,
    /// In the order of their numbers.
    pub(crate) proofs: Vec<Proof>,
    /// In the order of their times.
    pub(crate) remarks: Vec<Remark>,
}

/// The row of an acceptance, and its task if there is one. Times in milliseconds.
pub(crate) struct Acceptance {
    pub(crate) task_id: Uuid,
    pub(crate) task: Option<Task>,
    pub(crate) worker: Uuid,
    pub(crate) status: String,
    pub(crate) accepted_at: i128,
    pub(crate) extended: bool,
    pub(crate) submissions: i128,
    pub(crate) submission_id: Option<Uuid>,
    pub(crate) submitted_at: Option<i128>,
    pub(crate) phase_at: i128,
    pub(crate) due_at: Option<i128>,
    pub(crate) reminders: i128,
    pub(crate) next_at: Option<i128>,
    pub(crate) review_left: i128,
    pub(crate) reviewed_at: Option<i128>,
    pub(crate) auto: bool,
    pub(crate) paid: i128,
    pub(crate) settled_at: Option<i128>,
}

/// What an acceptance has to know of its task.
#[derive(Clone, Copy)]
pub(crate) struct Task {
    pub(crate) creator: Uuid,
    pub(crate) reward: i128,
    pub(crate) deadline_minutes: i128,
    pub(crate) review_hours: i128,
    pub(crate) max_resubmissions: i128,
    pub(crate) published_at: i128,
    /// Takes workers before then. An operator who lets it expire does so with the instant, which may be an acceptance's.
    pub(crate) takes_until: i128,
}

/// A proof that was handed in.
pub(crate) struct Proof {
    pub(crate) id: Uuid,
    pub(crate) task_id: Uuid,
    pub(crate) n: i128,
    pub(crate) at: i128,
}

/// Something that was said: `changes`, `rejection`, `dispute` or `decision`.
pub(crate) struct Remark {
    pub(crate) kind: String,
    pub(crate) author: Uuid,
    pub(crate) at: i128,
}

/// All acceptances in the order of their ids, one at a time.
pub(crate) fn lives(reader: &Reader, each: impl FnMut(Life)) -> Result<u64, AuditError> {
    let begin = |id| Life { id, rows: 0, acceptance: None, proofs: Vec::new(), remarks: Vec::new() };
    groups(reader, LIVES, begin, Life::add, each)
}

impl Life {
    /// How many remarks of a kind there are.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.of(kind).count()
    }

    /// The remarks of a kind.
    pub(crate) fn of<'a>(&'a self, kind: &'a str) -> impl DoubleEndedIterator<Item = &'a Remark> {
        self.remarks.iter().filter(move |remark| remark.kind == kind)
    }

    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        match row.int(1)? {
            0 => {
                self.rows += 1;
                self.acceptance = Some(Acceptance::read(row)?);
            }
            1 => self.proofs.push(Proof { id: row.id(6)?, task_id: row.id(5)?, n: row.int(2)?.into(), at: row.int(3)?.into() }),
            _ => self.remarks.push(Remark { kind: row.text(4)?.to_owned(), author: row.id(5)?, at: row.int(3)?.into() }),
        }
        Ok(())
    }
}

impl Acceptance {
    fn read(row: &Row<'_>) -> Result<Self, AuditError> {
        let number = |column| row.int(column).map(i128::from);
        let maybe = |column| row.optional_int(column).map(|n| n.map(i128::from));
        let task = match row.optional_id(8)? {
            Some(creator) => Some(Task {
                creator,
                reward: number(21)?,
                deadline_minutes: number(22)?,
                review_hours: number(23)?,
                max_resubmissions: number(24)?,
                published_at: number(25)?,
                takes_until: number(26)?,
            }),
            None => None,
        };
        Ok(Self {
            task_id: row.id(5)?,
            task,
            worker: row.id(7)?,
            status: row.text(4)?.to_owned(),
            accepted_at: number(3)?,
            extended: row.flag(19)?,
            submissions: number(9)?,
            submission_id: row.optional_id(6)?,
            submitted_at: maybe(10)?,
            phase_at: number(11)?,
            due_at: maybe(12)?,
            reminders: number(13)?,
            next_at: maybe(14)?,
            review_left: number(15)?,
            reviewed_at: maybe(16)?,
            auto: row.flag(20)?,
            paid: number(17)?,
            settled_at: maybe(18)?,
        })
    }

    /// Whether a slot is held: nothing about it is settled.
    pub(crate) fn is_live(&self) -> bool {
        is_live(&self.status, self.due_at.is_some())
    }
}

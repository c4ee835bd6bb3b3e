//! An acceptance: one worker in one slot, from the promise to the settlement. All rules here are pure.
//!
//! ```text
//! accepted -> submitted <-> changes_requested      submitted -> approved | rejected
//! accepted, changes_requested -> withdrawn          rejected -> disputed -> approved | refunded | split
//! accepted -> expired (by the clock)                submitted, disputed -> approved (by the clock)
//! ```

use crate::base::{Span, Ts, Usdt, UserId};
use crate::tasks::TaskRefusal;
use crate::tasks::task::{Task, TaskId};

crate::id! {
    /// One worker in one slot of a task.
    AcceptanceId
}

crate::id! {
    /// A proof that was handed in.
    SubmissionId
}

crate::words! {
    /// Where an acceptance stands.
    pub enum AcceptanceStatus {
        /// The worker is at work.
        Accepted = "accepted",
        /// A proof waits for a verdict.
        Submitted = "submitted",
        /// Another proof is wanted.
        ChangesRequested = "changes_requested",
        /// Refused; the worker may dispute it for a while.
        Rejected = "rejected",
        /// An admin decides.
        Disputed = "disputed",
        /// Paid.
        Approved = "approved",
        /// Paid back to the creator.
        Refunded = "refunded",
        /// Paid in part.
        Split = "split",
        /// Given up by the worker.
        Withdrawn = "withdrawn",
        /// No proof came in time.
        Expired = "expired",
    }
}

::store::row! {
    /// An acceptance as stored.
    #[derive(Clone, Debug)]
    pub struct Acceptance {
        /// For ever.
        pub id: AcceptanceId,
        /// Of which task.
        pub task_id: TaskId,
        /// Whose.
        pub worker_id: UserId,
        /// Where it stands.
        pub status: AcceptanceStatus,
        /// Since when.
        pub accepted_at: Ts,
        /// The deadline was moved because a limit stood in the way; happens once.
        pub extended: bool,
        /// Proofs handed in.
        pub submissions: i64,
        /// The newest proof.
        pub submission_id: Option<SubmissionId>,
        /// When it came.
        pub submitted_at: Option<Ts>,
        /// Since when it waits for whom it waits.
        pub phase_at: Ts,
        /// When the clock decides; nothing when there is nothing to wait for.
        pub due_at: Option<Ts>,
        /// Reminders sent while it waits.
        pub reminders: i64,
        /// Milliseconds of review that were left when changes were asked for.
        pub review_left: i64,
        /// The last verdict.
        pub reviewed_at: Option<Ts>,
        /// Whether the clock gave it.
        pub auto: bool,
        /// What was paid of the reward, before the fee.
        pub paid: Usdt,
        /// When the slot was settled.
        pub settled_at: Option<Ts>,
    }
}

/// How long a worker may dispute a rejection.
pub const DISPUTE_WITHIN: Span = Span::hours(72);
/// How long an operator has for a dispute; then it is decided for the worker.
pub const DECIDE_WITHIN: Span = Span::days(14);
/// What a review has at least when it goes on without the changes.
const REVIEW_LEFT_MIN: Span = Span::hours(1);
/// What a worker has at least for changes.
const CHANGES_WITHIN_MIN: Span = Span::hours(24);
/// When the one who has to decide is reminded, in percent of the time he has.
const REMINDERS: [i64; 2] = [50, 90];

/// How an operator decides a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The worker gets the reward.
    Pay,
    /// The creator gets it back.
    Refund,
    /// The worker gets so many percent of it.
    Split(i64),
}

/// What the clock did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// No proof came in time: the slot is free.
    Expired,
    /// No verdict came in time: the worker is paid.
    AutoApproved,
    /// No changes came in time: the last proof is back in review.
    ReviewResumed,
    /// The rejection was not disputed in time: the slot is free.
    RejectionStands,
    /// The dispute was not decided in time: the worker is paid.
    DisputeTimedOut,
}

impl Acceptance {
    /// The worker promises.
    pub fn new(id: AcceptanceId, task: &Task, worker_id: UserId, now: Ts) -> Self {
        Self {
            id,
            task_id: task.id,
            worker_id,
            status: AcceptanceStatus::Accepted,
            accepted_at: now,
            extended: false,
            submissions: 0,
            submission_id: None,
            submitted_at: None,
            phase_at: now,
            due_at: Some(now.plus(Span::minutes(task.deadline_minutes))),
            reminders: 0,
            review_left: 0,
            reviewed_at: None,
            auto: false,
            paid: Usdt::ZERO,
            settled_at: None,
        }
    }

    /// The next moment at which the clock has something to do.
    pub fn next_at(&self) -> Option<Ts> {
        let due = self.due_at?;
        let percent = usize::try_from(self.reminders).ok().and_then(|sent| REMINDERS.get(sent));
        match percent {
            Some(percent) if self.waits_for_a_decision() => Some(self.phase_at.plus(due.since(self.phase_at).percent(*percent))),
            _ => Some(due),
        }
    }

    /// A proof comes in.
    pub fn submit(&mut self, id: SubmissionId, task: &Task, now: Ts) -> Result<(), TaskRefusal> {
        match self.status {
            AcceptanceStatus::Accepted | AcceptanceStatus::ChangesRequested if self.is_due(now) => return Err(TaskRefusal::DeadlinePassed),
            AcceptanceStatus::Accepted | AcceptanceStatus::ChangesRequested => {}
            AcceptanceStatus::Withdrawn | AcceptanceStatus::Expired => return Err(TaskRefusal::NotAccepted),
            AcceptanceStatus::Submitted
            | AcceptanceStatus::Rejected
            | AcceptanceStatus::Disputed
            | AcceptanceStatus::Approved
            | AcceptanceStatus::Refunded
            | AcceptanceStatus::Split => return Err(TaskRefusal::AlreadySubmitted),
        }
        self.submissions += 1;
        self.submission_id = Some(id);
        self.submitted_at = Some(now);
        self.wait(AcceptanceStatus::Submitted, now, now.plus(task.review_window()));
        Ok(())
    }

    /// The worker gives up.
    pub fn withdraw(&mut self, now: Ts) -> Result<(), TaskRefusal> {
        match self.status {
            AcceptanceStatus::Accepted | AcceptanceStatus::ChangesRequested if self.is_due(now) => Err(TaskRefusal::DeadlinePassed),
            AcceptanceStatus::Accepted | AcceptanceStatus::ChangesRequested => {
                self.end(AcceptanceStatus::Withdrawn, now);
                Ok(())
            }
            AcceptanceStatus::Withdrawn | AcceptanceStatus::Expired => Err(TaskRefusal::NotAccepted),
            AcceptanceStatus::Submitted
            | AcceptanceStatus::Rejected
            | AcceptanceStatus::Disputed
            | AcceptanceStatus::Approved
            | AcceptanceStatus::Refunded
            | AcceptanceStatus::Split => Err(TaskRefusal::AlreadySubmitted),
        }
    }

    /// Whether the creator may give a verdict on this proof now.
    pub fn may_be_reviewed(&mut self, submission: SubmissionId, now: Ts) -> Result<(), TaskRefusal> {
        if self.status == AcceptanceStatus::ChangesRequested && self.is_due(now) {
            // Without money in it, so it may happen here as well as in the job.
            self.resume_review();
        }
        if self.submission_id != Some(submission) {
            return Err(TaskRefusal::Superseded);
        }
        match self.status {
            AcceptanceStatus::Submitted if self.is_due(now) => Err(TaskRefusal::ReviewWindowPassed),
            AcceptanceStatus::Submitted => Ok(()),
            status => Err(TaskRefusal::NotInReview { status: status.name() }),
        }
    }

    /// Paid in full; `auto` when the clock says so.
    pub fn approve(&mut self, reward: Usdt, auto: bool, now: Ts) {
        self.paid = reward;
        self.auto = auto;
        self.reviewed_at = Some(now);
        self.end(AcceptanceStatus::Approved, now);
    }

    /// Refused; with a dispute at once when the creator has refused too often.
    pub fn reject(&mut self, disputed: bool, now: Ts) {
        self.reviewed_at = Some(now);
        if disputed {
            self.wait(AcceptanceStatus::Disputed, now, now.plus(DECIDE_WITHIN));
        } else {
            self.wait(AcceptanceStatus::Rejected, now, now.plus(DISPUTE_WITHIN));
        }
    }

    /// Another proof is wanted, after it was asked for `asked` times, answered or not: the review stops, the worker gets time.
    pub fn request_changes(&mut self, task: &Task, asked: i64, now: Ts) -> Result<(), TaskRefusal> {
        if asked >= task.max_resubmissions {
            return Err(TaskRefusal::ResubmissionsUsedUp { most: task.max_resubmissions });
        }
        let left = self.due_at.map_or(REVIEW_LEFT_MIN, |due| due.since(now)).max(REVIEW_LEFT_MIN);
        self.review_left = left.as_milliseconds();
        let time = Span::minutes(task.deadline_minutes).max(CHANGES_WITHIN_MIN);
        self.wait(AcceptanceStatus::ChangesRequested, now, now.plus(time));
        Ok(())
    }

    /// The worker disputes a rejection.
    pub fn dispute(&mut self, now: Ts) -> Result<(), TaskRefusal> {
        match self.status {
            AcceptanceStatus::Rejected if self.due_at.is_none_or(|due| now >= due) => Err(TaskRefusal::DisputeWindowPassed),
            AcceptanceStatus::Rejected => {
                self.wait(AcceptanceStatus::Disputed, now, now.plus(DECIDE_WITHIN));
                Ok(())
            }
            status => Err(TaskRefusal::NotRejected { status: status.name() }),
        }
    }

    /// Whether a dispute is open now.
    pub fn is_disputed(&self, now: Ts) -> Result<(), TaskRefusal> {
        match self.status {
            AcceptanceStatus::Disputed if !self.is_due(now) => Ok(()),
            _ => Err(TaskRefusal::NotDisputed),
        }
    }

    /// An operator, or the clock, decides a dispute; answers what the worker gets of the reward, before the fee.
    pub fn decide(&mut self, decision: Decision, reward: Usdt, auto: bool, now: Ts) -> Usdt {
        let (status, paid) = match decision {
            Decision::Pay => (AcceptanceStatus::Approved, reward),
            Decision::Refund => (AcceptanceStatus::Refunded, Usdt::ZERO),
            Decision::Split(percent) => (AcceptanceStatus::Split, reward.basis_points(percent * 100)),
        };
        self.paid = paid;
        self.auto = auto;
        self.end(status, now);
        paid
    }

    /// Moves the deadline because a limit kept the worker from handing in; once.
    pub fn extend(&mut self, until: Ts, now: Ts) -> bool {
        let at_work = matches!(self.status, AcceptanceStatus::Accepted | AcceptanceStatus::ChangesRequested) && !self.is_due(now);
        if self.extended || !at_work {
            return false;
        }
        self.extended = true;
        self.due_at = self.due_at.map(|due| due.max(until));
        true
    }

    /// Does what is due, one step, as of the moment when it became due.
    pub fn tick(&mut self, task: &Task, now: Ts) -> Option<Happening> {
        let due = self.due_at.filter(|due| now >= *due)?;
        Some(match self.status {
            AcceptanceStatus::Accepted => {
                self.end(AcceptanceStatus::Expired, due);
                Happening::Expired
            }
            AcceptanceStatus::Submitted => {
                self.approve(task.reward, true, due);
                Happening::AutoApproved
            }
            AcceptanceStatus::ChangesRequested => {
                self.resume_review();
                Happening::ReviewResumed
            }
            AcceptanceStatus::Rejected => {
                self.end(AcceptanceStatus::Rejected, due);
                Happening::RejectionStands
            }
            AcceptanceStatus::Disputed => {
                self.decide(Decision::Pay, task.reward, true, due);
                Happening::DisputeTimedOut
            }
            AcceptanceStatus::Approved
            | AcceptanceStatus::Refunded
            | AcceptanceStatus::Split
            | AcceptanceStatus::Withdrawn
            | AcceptanceStatus::Expired => return None,
        })
    }

    /// The reminder that is due, in percent of the time that has passed. What was missed is not sent late one by one.
    pub fn remind(&mut self, now: Ts) -> Option<i64> {
        let mut reached = None;
        while self.waits_for_a_decision() && self.reminders < 2 && self.next_at().is_some_and(|at| now >= at) {
            reached = usize::try_from(self.reminders).ok().and_then(|sent| REMINDERS.get(sent)).copied();
            self.reminders += 1;
        }
        reached
    }

    /// As it stands at `now`, whether or not the job has been there.
    #[must_use]
    pub fn at(&self, task: &Task, now: Ts) -> Self {
        let mut then = self.clone();
        while then.tick(task, now).is_some() {}
        then
    }

    /// Whether the slot was paid, in full or in part.
    pub const fn is_paid(&self) -> bool {
        matches!(self.status, AcceptanceStatus::Approved | AcceptanceStatus::Split)
    }

    fn resume_review(&mut self) {
        let from = self.due_at.unwrap_or(self.phase_at);
        let left = Span::milliseconds(self.review_left);
        self.wait(AcceptanceStatus::Submitted, from, from.plus(left));
    }

    fn is_due(&self, now: Ts) -> bool {
        self.due_at.is_some_and(|due| now >= due)
    }

    const fn waits_for_a_decision(&self) -> bool {
        matches!(self.status, AcceptanceStatus::Submitted | AcceptanceStatus::Disputed)
    }

    fn wait(&mut self, status: AcceptanceStatus, from: Ts, until: Ts) {
        self.status = status;
        self.phase_at = from;
        self.due_at = Some(until);
        self.reminders = 0;
    }

    fn end(&mut self, status: AcceptanceStatus, at: Ts) {
        self.status = status;
        self.due_at = None;
        self.settled_at = Some(at);
    }
}

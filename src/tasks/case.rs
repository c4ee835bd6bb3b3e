//! A case: an acceptance and its task, loaded and locked together, and what settling does to both, to the books and to
//! those who are told. The creator, an admin and the clock all come through here.

use serde_json::{Value, json};

use crate::base::error::{Refusal, internal};
use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::events::{self, Event, EventKind};
use crate::ledger::{self, AccountId, Transaction, TransactionKind};
use crate::referrals::commission;
use crate::tasks::acceptance::{Acceptance, AcceptanceId, AcceptanceStatus, SubmissionId};
use crate::tasks::search;
use crate::tasks::settlement::{self, Referrals, Shares, escrow};
use crate::tasks::store::{self, CaseRow};
use crate::tasks::task::{FreedSlot, Task, TaskId, TaskStatus};
use crate::users::reputation::{Tally, tally};

pub(super) struct Case {
    pub(super) task: Task,
    pub(super) acceptance: Acceptance,
    referrals: Referrals,
    before: AcceptanceStatus,
    task_changed: bool,
    was_open: bool,
    was_over: bool,
    events: Vec<Event>,
    tallies: Vec<(UserId, Tally, i64)>,
}

impl Case {
    /// Of a proof. Fails with `not_found`.
    pub(super) fn of_submission(cx: &mut Context<'_, '_>, id: SubmissionId) -> Result<Self> {
        Ok(Self::new(store::case_by_submission(cx, id)?.ok_or(Refusal::NotFound)?))
    }

    /// Of an acceptance. Fails with `not_found`.
    pub(super) fn of_acceptance(cx: &mut Context<'_, '_>, id: AcceptanceId) -> Result<Self> {
        Ok(Self::new(store::case_by_acceptance(cx, id)?.ok_or(Refusal::NotFound)?))
    }

    /// Of what a worker holds of a task, if he does.
    pub(super) fn held_by(cx: &mut Context<'_, '_>, task: TaskId, worker: UserId) -> Result<Option<Self>> {
        Ok(store::case_held_by(cx, task, worker)?.map(Self::new))
    }

    fn new(row: CaseRow) -> Self {
        let ::store::Both(task, ::store::Both(acceptance, referrals)) = row;
        let before = acceptance.status;
        let (was_open, was_over) = (task.status == TaskStatus::Open, task.is_over());
        Self { task, acceptance, referrals, before, task_changed: false, was_open, was_over, events: Vec::new(), tallies: Vec::new() }
    }

    /// A proof that its creator may decide on now, loaded for a verdict.
    ///
    /// # Errors
    /// `not_found` when it is not a proof for a task of the caller's, or why it is not to be decided now.
    pub(super) fn for_review(cx: &mut Context<'_, '_>, id: SubmissionId) -> Result<Self> {
        let mut case = Self::of_submission(cx, id)?;
        if case.task.creator_id != cx.user_id()? {
            return Err(Refusal::NotFound.into());
        }
        case.acceptance.may_be_reviewed(id, cx.now)?;
        Ok(case)
    }

    /// The other side.
    pub(super) fn is_party(&self, user: UserId) -> bool {
        user == self.task.creator_id || user == self.acceptance.worker_id
    }

    /// Pays the slot as of `at`: `paid` of the reward goes to the worker, less the fee, and the rest back to the creator.
    /// The rule has moved the acceptance already. Commissions are those of that moment, however late the clock comes.
    pub(super) fn pay(&mut self, cx: &mut Context<'_, '_>, paid: Usdt, at: Ts) -> Result<Shares> {
        let Self { task, acceptance, referrals, .. } = self;
        let shares = settlement::shares(task, acceptance.worker_id, referrals, paid, cx.config.market.commission_months, at);
        ledger::record(cx, &settlement::transaction(task, acceptance.id, acceptance.worker_id, &shares))?;
        commission::count(cx, &shares.commissions)?;
        task.fill_slot(cx.now);
        self.task_changed = true;
        self.count(self.acceptance.worker_id, Tally::Completed, 0);
        Ok(shares)
    }

    /// Pays the slot back to the creator; it does not reopen.
    pub(super) fn refund(&mut self, cx: &mut Context<'_, '_>) -> Result<()> {
        self.task.refund_slot(cx.now);
        self.task_changed = true;
        self.book_refund(cx)
    }

    /// Nobody holds the slot any more.
    pub(super) fn free(&mut self, cx: &mut Context<'_, '_>) -> Result<FreedSlot> {
        self.task_changed = true;
        let freed = self.task.free_slot(cx.now);
        match freed {
            FreedSlot::Reopened => Ok(freed),
            FreedSlot::Refunded => self.book_refund(cx).map(|()| freed),
        }
    }

    fn book_refund(&self, cx: &mut Context<'_, '_>) -> Result<()> {
        let transaction = Transaction::new(TransactionKind::Refund, self.acceptance.id.0).post(
            escrow(self.task.id),
            AccountId::available(self.task.creator_id),
            self.task.reward,
        );
        ledger::record(cx, &transaction)
    }

    /// Counts one more rejection; answers whether it opens a dispute by itself.
    pub(super) fn count_rejection(&mut self) -> bool {
        self.task_changed = true;
        self.task.reject()
    }

    /// Counts a verdict in the creator's reputation, with the minutes it took.
    pub(super) fn count_review(&mut self, what: Tally, at: Ts) {
        const MINUTE_MS: i64 = 60_000;
        let minutes = self.acceptance.submitted_at.map_or(0, |submitted| at.since(submitted).as_milliseconds() / MINUTE_MS);
        self.count(self.task.creator_id, what, minutes);
    }

    pub(super) fn count(&mut self, user: UserId, what: Tally, amount: i64) {
        self.tallies.push((user, what, amount));
    }

    /// Tells somebody; `more` is added to the ids of the case.
    pub(super) fn tell(&mut self, user: UserId, kind: EventKind, more: Value) {
        let mut data = json!({
            "task_id": self.task.id,
            "acceptance_id": self.acceptance.id,
            "submission_id": self.acceptance.submission_id,
        });
        if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
            data.extend(more);
        }
        self.events.push(Event::new(user, kind, data));
    }

    /// Tells both sides.
    pub(super) fn tell_both(&mut self, kind: EventKind, more: &Value) {
        self.tell(self.acceptance.worker_id, kind, more.clone());
        self.tell(self.task.creator_id, kind, more.clone());
    }

    /// Writes everything down. The last thing that is done with a case.
    pub(super) fn save(mut self, cx: &mut Context<'_, '_>) -> Result<()> {
        store::save_acceptance(cx, self.before, &self.acceptance)?;
        if self.task_changed {
            store::save_task(cx, &self.task)?;
        }
        if self.task.is_over() && self.was_open {
            search::forget(cx, self.task.id)?;
        }
        if self.task.is_over() && !self.was_over {
            self.events.push(task_completed(&self.task)?);
        }
        tally(cx, &self.tallies)?;
        events::emit(cx, &self.events)
    }
}

/// What a creator is told when a task ends, in the published form.
pub(super) fn task_completed(task: &Task) -> Result<Event> {
    let completed_at = task.ended_at.ok_or_else(|| internal("a task that is not over has no end"))?;
    let data = json!({
        "task_id": task.id,
        "slots_filled": task.slots_filled,
        "slots_total": task.slots_total,
        "completed_at": completed_at,
        "status": task.status,
    });
    Ok(Event::new(task.creator_id, EventKind::TaskCompleted, data))
}

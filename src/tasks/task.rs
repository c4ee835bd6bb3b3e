//! A task: what a slot pays, who may take one, and where each of its slots stands.

use crate::base::hundredths::Hundredths;
use crate::base::{Span, Ts, Usdt, UserId};
use crate::tasks::TaskRefusal;

crate::id! {
    /// A task.
    TaskId
}

crate::words! {
    /// Where a task stands. `open` leads to `closing` or an end, `closing` to an end.
    pub enum TaskStatus {
        /// Takes workers.
        Open = "open",
        /// Takes no more; those at work may finish.
        Closing = "closing",
        /// Over, with at least one slot paid.
        Completed = "completed",
        /// Over by the clock, nothing paid.
        Expired = "expired",
        /// Over by its creator or the operator, nothing paid.
        Cancelled = "cancelled",
    }
}

impl TaskStatus {
    /// Whether a task of this status that ends then takes workers, and so is for everybody to see. Time decides, also when
    /// no job has closed it yet.
    pub fn is_open(self, expires_at: Ts, now: Ts) -> bool {
        self == Self::Open && now < expires_at
    }
}

crate::words! {
    /// Who closed a task.
    pub enum ClosedBy {
        /// Nobody yet.
        Nobody = "",
        /// Its creator.
        Creator = "creator",
        /// Its date of expiry.
        Clock = "clock",
        /// An admin.
        Operator = "operator",
    }
}

crate::words! {
    /// Who may work on a task.
    pub enum WorkerType {
        /// Anybody.
        Any = "any",
        /// People only.
        Human = "human",
        /// Bots only.
        Bot = "bot",
    }
}

impl WorkerType {
    /// Whether a bot, or a person, may work.
    pub const fn fits(self, is_bot: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Human => !is_bot,
            Self::Bot => is_bot,
        }
    }
}

crate::words! {
    /// Whether a part of a proof is wanted.
    pub enum Wanted {
        /// It is refused.
        None = "none",
        /// It may be there.
        Optional = "optional",
        /// It must be there.
        Required = "required",
    }
}

::store::row! {
    /// A task as stored, without its texts.
    #[derive(Clone, Debug)]
    pub struct Task {
        /// Also the id of its escrow account.
        pub id: TaskId,
        /// Who pays.
        pub creator_id: UserId,
        /// Where it stands.
        pub status: TaskStatus,
        /// Who ended the taking of slots.
        pub closed_by: ClosedBy,
        /// One of the list.
        pub category: String,
        /// Who may work.
        pub worker_type: WorkerType,
        /// The least rating of a worker; unrated ones do not have it.
        pub min_rating: Option<Hundredths>,
        /// Per slot, before the fee.
        pub reward: Usdt,
        /// The platform's part of the reward, in basis points.
        pub fee_bp: i64,
        /// Each referrer's part of the fee, in basis points.
        pub commission_bp: i64,
        /// How many were published and added.
        pub slots_total: i64,
        /// Held by acceptances that are not settled.
        pub slots_live: i64,
        /// Paid.
        pub slots_filled: i64,
        /// Paid back to the creator.
        pub slots_refunded: i64,
        /// Verdicts against a proof.
        pub rejections: i64,
        /// From acceptance to proof.
        pub deadline_minutes: i64,
        /// From proof to verdict; fixed at publish.
        pub review_hours: i64,
        /// How often changes may be asked for.
        pub max_resubmissions: i64,
        /// Whether a proof has an address.
        pub proof_url: Wanted,
        /// Whether a proof has a text.
        pub proof_text: Wanted,
        /// The terms that the creator agreed to.
        pub terms_version: i64,
        /// Whether searches show it as it is stored.
        pub listed: bool,
        /// Since when.
        pub published_at: Ts,
        /// Takes workers before then.
        pub expires_at: Ts,
        /// When it was over.
        pub ended_at: Option<Ts>,
    }
}

/// What becomes of a slot that nobody holds any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreedSlot {
    /// Somebody else may take it.
    Reopened,
    /// Its reward goes back to the creator.
    Refunded,
}

impl Task {
    /// Slots that somebody may take, when the task is open.
    pub const fn slots_free(&self) -> i64 {
        self.slots_total - self.slots_live - self.slots_filled - self.slots_refunded
    }

    /// What lies in escrow.
    pub fn escrow(&self) -> Option<Usdt> {
        self.reward.times(self.slots_total - self.slots_filled - self.slots_refunded)
    }

    /// Whether searches show it, as far as the clock does not matter.
    pub fn is_listed(&self) -> bool {
        self.status == TaskStatus::Open && self.slots_free() > 0
    }

    /// How long a creator has for a verdict.
    pub const fn review_window(&self) -> Span {
        Span::hours(self.review_hours)
    }

    /// Whether it takes workers now.
    pub fn takes_workers(&self, now: Ts) -> Result<(), TaskRefusal> {
        match self.status {
            status if status.is_open(self.expires_at, now) => Ok(()),
            TaskStatus::Open => Err(TaskRefusal::TaskExpired),
            TaskStatus::Closing | TaskStatus::Completed | TaskStatus::Expired | TaskStatus::Cancelled => Err(TaskRefusal::TaskClosed),
        }
    }

    /// Somebody takes a slot.
    pub fn take_slot(&mut self, now: Ts) -> Result<(), TaskRefusal> {
        self.takes_workers(now)?;
        if self.slots_free() <= 0 {
            return Err(TaskRefusal::TaskFull);
        }
        self.slots_live += 1;
        Ok(())
    }

    /// A held slot is paid.
    pub fn fill_slot(&mut self, now: Ts) {
        self.slots_live -= 1;
        self.slots_filled += 1;
        self.end_if_done(now);
    }

    /// A held slot is paid back; it does not reopen.
    pub fn refund_slot(&mut self, now: Ts) {
        self.slots_live -= 1;
        self.slots_refunded += 1;
        self.end_if_done(now);
    }

    /// A held slot is given up: it reopens, or is paid back when the task takes no more workers.
    pub fn free_slot(&mut self, now: Ts) -> FreedSlot {
        if self.status == TaskStatus::Open {
            self.slots_live -= 1;
            return FreedSlot::Reopened;
        }
        self.refund_slot(now);
        FreedSlot::Refunded
    }

    /// No more workers; answers how many free slots are paid back.
    pub fn close(&mut self, by: ClosedBy, now: Ts) -> i64 {
        let free = self.slots_free();
        self.status = TaskStatus::Closing;
        self.closed_by = by;
        self.slots_refunded += free;
        self.end_if_done(now);
        free
    }

    /// Whether one more rejection is so many that a dispute opens by itself: more than 3 and more than 30 % of the slots.
    pub fn reject(&mut self) -> bool {
        self.rejections += 1;
        self.rejections > 3.max(self.slots_total * 30 / 100)
    }

    fn end_if_done(&mut self, now: Ts) {
        let over = matches!(self.status, TaskStatus::Open | TaskStatus::Closing) && self.slots_live == 0 && self.slots_free() == 0;
        if !over {
            return;
        }
        self.ended_at = Some(now);
        self.status = match (self.slots_filled, self.closed_by) {
            (1.., _) => TaskStatus::Completed,
            (_, ClosedBy::Clock) => TaskStatus::Expired,
            (_, ClosedBy::Nobody | ClosedBy::Creator | ClosedBy::Operator) => TaskStatus::Cancelled,
        };
    }

    /// Whether it is over.
    pub const fn is_over(&self) -> bool {
        self.ended_at.is_some()
    }

    /// What a viewer is told: an open task past its date takes nobody.
    pub fn status_at(&self, now: Ts) -> TaskStatus {
        match self.status {
            status if status != TaskStatus::Open || status.is_open(self.expires_at, now) => status,
            _ if self.slots_live > 0 => TaskStatus::Closing,
            _ if self.slots_filled > 0 => TaskStatus::Completed,
            _ => TaskStatus::Expired,
        }
    }
}

/// A task for tests of rules.
#[cfg(test)]
pub(crate) fn test_task() -> Task {
    Task {
        id: TaskId(uuid::Uuid::from_u128(1)),
        creator_id: UserId(uuid::Uuid::from_u128(3)),
        status: TaskStatus::Open,
        closed_by: ClosedBy::Nobody,
        category: "social".into(),
        worker_type: WorkerType::Any,
        min_rating: None,
        reward: Usdt::from_micro(1_000_000),
        fee_bp: 1_000,
        commission_bp: 2_000,
        slots_total: 2,
        slots_live: 0,
        slots_filled: 0,
        slots_refunded: 0,
        rejections: 0,
        deadline_minutes: 60,
        review_hours: 48,
        max_resubmissions: 1,
        proof_url: Wanted::Optional,
        proof_text: Wanted::Optional,
        terms_version: 1,
        listed: true,
        published_at: Ts::from_milliseconds(0),
        expires_at: Ts::from_milliseconds(1_000_000_000),
        ended_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Ts = Ts::from_milliseconds(1_000);

    #[test]
    fn a_task_ends_when_every_slot_is_settled_and_its_end_tells_whether_any_was_paid() {
        let mut task = test_task();
        task.take_slot(NOW).expect("free");
        task.take_slot(NOW).expect("free");
        assert!(matches!(task.take_slot(NOW), Err(TaskRefusal::TaskFull)));
        task.fill_slot(NOW);
        assert_eq!(task.status, TaskStatus::Open);
        task.fill_slot(NOW);
        assert_eq!((task.status, task.escrow()), (TaskStatus::Completed, Some(Usdt::ZERO)));

        for (by, end) in [
            (ClosedBy::Clock, TaskStatus::Expired),
            (ClosedBy::Creator, TaskStatus::Cancelled),
            (ClosedBy::Operator, TaskStatus::Cancelled),
        ] {
            let mut task = test_task();
            task.take_slot(NOW).expect("free");
            assert_eq!(task.close(by, NOW), 1, "the free slot is paid back");
            assert_eq!((task.status, task.escrow()), (TaskStatus::Closing, Some(task.reward)));
            assert_eq!(task.free_slot(NOW), FreedSlot::Refunded);
            assert_eq!((task.status, task.escrow()), (end, Some(Usdt::ZERO)));
        }
    }

    #[test]
    fn a_given_up_slot_reopens_while_the_task_is_open() {
        let mut task = test_task();
        task.take_slot(NOW).expect("free");
        assert_eq!(task.free_slot(NOW), FreedSlot::Reopened);
        assert_eq!((task.slots_free(), task.status), (2, TaskStatus::Open));
    }

    #[test]
    fn the_date_decides_also_before_the_job_has_closed_the_task() {
        let mut task = test_task();
        assert!(matches!(task.take_slot(task.expires_at), Err(TaskRefusal::TaskExpired)));
        assert!(task.take_slot(task.expires_at.minus(Span::milliseconds(1))).is_ok());
        assert_eq!(task.status_at(task.expires_at), TaskStatus::Closing);
    }

    #[test]
    fn the_fourth_rejection_or_the_one_beyond_thirty_percent_opens_a_dispute() {
        for (slots, first) in [(1, 4), (10, 4), (20, 7), (1_000, 301)] {
            let mut task = test_task();
            task.slots_total = slots;
            assert!((1..first).all(|_| !task.reject()), "{slots}");
            assert!(task.reject() && task.reject(), "{slots}");
        }
    }
}

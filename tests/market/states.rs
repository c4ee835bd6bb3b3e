//! Every state that a task with two workers can reach, walked through by the pure rules. From each: what is refused
//! changes nothing, no slot is settled twice, the escrow is that of the unsettled slots, reminders come at 50 and 90 %,
//! and time alone leads to an end.

use std::collections::{BTreeSet, HashSet, VecDeque};

use roborent::base::{Span, Ts, Usdt, UserId};
use roborent::tasks::acceptance::{Acceptance, AcceptanceId, AcceptanceStatus, Decision, Happening, SubmissionId};
use roborent::tasks::task::{ClosedBy, FreedSlot, Task, TaskId, TaskStatus, Wanted, WorkerType};
use uuid::Uuid;

const REWARD: i64 = 1_000_000;
const HOUR: i64 = 3_600_000;
const STATES_MAX: usize = 20_000;

/// What may happen, to the first or the second slot.
#[derive(Clone, Copy, Debug)]
enum Move {
    Accept(usize),
    Submit(usize),
    Withdraw(usize),
    Approve(usize),
    Reject(usize),
    RequestChanges(usize),
    Dispute(usize),
    Decide(usize, Decision),
    Close,
    ToTheNextDue,
    ToJustBefore,
}

#[derive(Clone, Debug)]
struct World {
    task: Task,
    slots: [Option<Acceptance>; 2],
    asked: [i64; 2],
    now: Ts,
    /// The books: what left the escrow, and for which slot.
    out: i64,
    settled: [bool; 2],
}

fn moves() -> Vec<Move> {
    let each = |slot: usize| {
        let decisions = [Decision::Pay, Decision::Refund, Decision::Split(33)].map(|decision| Move::Decide(slot, decision));
        let others = [
            Move::Accept(slot),
            Move::Submit(slot),
            Move::Withdraw(slot),
            Move::Approve(slot),
            Move::Reject(slot),
            Move::RequestChanges(slot),
            Move::Dispute(slot),
        ];
        others.into_iter().chain(decisions)
    };
    each(0).chain(each(1)).chain([Move::Close, Move::ToTheNextDue, Move::ToJustBefore]).collect()
}

fn world(slots: i64, rejections: i64) -> World {
    let now = Ts::from_milliseconds(0);
    let task = Task {
        id: TaskId(Uuid::from_u128(1)),
        creator_id: UserId(Uuid::from_u128(2)),
        status: TaskStatus::Open,
        closed_by: ClosedBy::Nobody,
        category: "social".into(),
        worker_type: WorkerType::Any,
        min_rating: None,
        reward: Usdt::from_micro(REWARD),
        fee_bp: 1_000,
        commission_bp: 2_000,
        slots_total: slots,
        slots_live: 0,
        slots_filled: 0,
        slots_refunded: 0,
        rejections,
        deadline_minutes: 60,
        review_hours: 48,
        max_resubmissions: 1,
        proof_url: Wanted::Optional,
        proof_text: Wanted::Optional,
        terms_version: 1,
        published_at: now,
        expires_at: now.plus(Span::days(3)),
        ended_at: None,
    };
    World { task, slots: [None, None], asked: [0, 0], now, out: 0, settled: [false, false] }
}

impl World {
    /// The world after a move; nothing when the rules refuse it.
    fn after(&self, what: Move) -> Option<Self> {
        let mut next = self.clone();
        let done = next.act(what);
        if done.is_none() {
            for (slot, before) in next.slots.iter().zip(&self.slots) {
                let unchanged = format!("{slot:?}") == format!("{before:?}");
                assert!(unchanged || is_resumed(before.as_ref(), slot.as_ref()), "{what:?} is refused, and changed {before:?} to {slot:?}");
            }
            assert_eq!(format!("{:?}", next.task), format!("{:?}", self.task), "{what:?} is refused");
        }
        done.map(|()| next)
    }

    fn act(&mut self, what: Move) -> Option<()> {
        let now = self.now;
        match what {
            Move::Accept(n) => {
                // The second worker comes second: the other order is the same walk.
                let taken = self.slots[n].is_some() || (n == 1 && self.slots[0].is_none());
                if taken || self.task.take_slot(now).is_err() {
                    return None;
                }
                let worker = UserId(Uuid::from_u128(10 + n as u128));
                self.slots[n] = Some(Acceptance::new(AcceptanceId(Uuid::from_u128(20 + n as u128)), &self.task, worker, now));
            }
            Move::Submit(n) => {
                let slot = self.slots[n].as_mut()?;
                let proof = SubmissionId(Uuid::from_u128(u128::from(slot.submissions.unsigned_abs()) + 30));
                slot.submit(proof, &self.task, now).ok()?;
            }
            Move::Withdraw(n) => {
                self.slots[n].as_mut()?.withdraw(now).ok()?;
                self.free(n);
            }
            Move::Approve(n) => {
                self.review(n)?.approve(Usdt::from_micro(REWARD), false, now);
                self.pay(n);
            }
            Move::Reject(n) => {
                self.review(n)?;
                let disputed = self.task.reject();
                self.slots[n].as_mut()?.reject(disputed, now);
            }
            Move::RequestChanges(n) => {
                self.review(n)?;
                let (task, asked) = (self.task.clone(), self.asked[n]);
                self.slots[n].as_mut()?.request_changes(&task, asked, now).ok()?;
                self.asked[n] += 1;
            }
            Move::Dispute(n) => self.slots[n].as_mut()?.dispute(now).ok()?,
            Move::Decide(n, decision) => {
                let slot = self.slots[n].as_mut()?;
                slot.is_disputed(now).ok()?;
                let paid = slot.decide(decision, Usdt::from_micro(REWARD), false, now).micro();
                match decision {
                    Decision::Refund => {
                        assert_eq!(paid, 0);
                        self.task.refund_slot(now);
                        self.settle(n);
                    }
                    Decision::Pay | Decision::Split(_) => {
                        assert_eq!(paid, if decision == Decision::Pay { REWARD } else { REWARD * 33 / 100 });
                        self.pay(n);
                    }
                }
            }
            Move::Close => {
                self.task.takes_workers(now).ok()?;
                self.out += self.task.close(ClosedBy::Creator, now) * REWARD;
            }
            Move::ToTheNextDue => {
                self.now = self.next_due()?;
                self.run();
            }
            Move::ToJustBefore => {
                let before = self.next_due()?.minus(Span::milliseconds(1));
                if before <= now {
                    return None;
                }
                self.now = before;
            }
        }
        Some(())
    }

    fn review(&mut self, n: usize) -> Option<&mut Acceptance> {
        let (slot, now) = (self.slots[n].as_mut()?, self.now);
        let newest = slot.submission_id.unwrap_or(SubmissionId(Uuid::nil()));
        slot.may_be_reviewed(newest, now).ok()?;
        Some(slot)
    }

    fn settle(&mut self, n: usize) {
        assert!(!self.settled[n], "slot {n} is settled twice");
        self.settled[n] = true;
        self.out += REWARD;
    }

    fn pay(&mut self, n: usize) {
        self.task.fill_slot(self.now);
        self.settle(n);
    }

    fn free(&mut self, n: usize) {
        match self.task.free_slot(self.now) {
            FreedSlot::Refunded => self.settle(n),
            // The slot is somebody else's now, the money stays.
            FreedSlot::Reopened => self.settled[n] = true,
        }
    }

    /// What the jobs do.
    fn run(&mut self) {
        for n in 0..2 {
            let task = self.task.clone();
            while let Some(happening) = self.slots[n].as_mut().and_then(|slot| slot.tick(&task, self.now)) {
                match happening {
                    Happening::Expired | Happening::RejectionStands => self.free(n),
                    Happening::AutoApproved | Happening::DisputeTimedOut => self.pay(n),
                    Happening::ReviewResumed => {}
                }
            }
        }
        if self.task.status == TaskStatus::Open && self.now >= self.task.expires_at {
            self.out += self.task.close(ClosedBy::Clock, self.now) * REWARD;
        }
    }

    fn next_due(&self) -> Option<Ts> {
        let expiry = (self.task.status == TaskStatus::Open).then_some(self.task.expires_at);
        self.slots.iter().flatten().filter_map(|slot| slot.due_at).chain(expiry).min()
    }

    /// What tells one state from another. With one worker also how long everything still lasts; with two, which of them is
    /// due first and whether that is at once: more would only be the same again at other hours.
    fn key(&self) -> String {
        let (next, alone) = (self.next_due(), self.task.slots_total == 1);
        let ahead = |at: Option<Ts>| at.map(|at| if alone { at.since(self.now).as_milliseconds() } else { i64::from(Some(at) == next) });
        let slots = self
            .slots
            .each_ref()
            .map(|slot| slot.as_ref().map(|slot| (slot.status.name(), slot.submissions, ahead(slot.due_at), slot.review_left > HOUR)));
        let task = &self.task;
        let expiry = ahead((task.status == TaskStatus::Open).then_some(task.expires_at));
        let soon = next.is_some_and(|next| next.since(self.now).as_milliseconds() == 1);
        let counts = [task.slots_live, task.slots_filled, task.slots_refunded, task.rejections];
        format!("{} {expiry:?} {soon} {counts:?} {slots:?} {:?}", task.status.name(), self.asked)
    }

    fn check(&self) {
        let task = &self.task;
        let unsettled = task.slots_total - self.out / REWARD;
        assert_eq!(task.escrow().map(Usdt::micro), Some(unsettled * REWARD), "{self:?}");
        let live = self.slots.iter().zip(self.settled).filter(|(slot, settled)| slot.is_some() && !settled).count();
        assert_eq!((task.slots_live, task.slots_live >= 0), (i64::try_from(live).unwrap(), true), "{self:?}");
        assert!(task.slots_free() >= 0 && task.is_over() == (unsettled == 0), "{self:?}");
        assert_eq!(task.is_over(), !matches!(task.status, TaskStatus::Open | TaskStatus::Closing), "{self:?}");
        for (slot, settled) in self.slots.iter().zip(self.settled) {
            assert!(slot.as_ref().is_none_or(|slot| slot.due_at.is_some() != settled && slot.settled_at.is_some() == settled), "{self:?}");
            slot.iter().for_each(check_reminders);
        }
        self.check_end();
    }

    /// Time alone ends it, within the longest that the rules allow.
    fn check_end(&self) {
        let mut end = self.clone();
        for _ in 0..12 {
            end = end.after(Move::ToTheNextDue).unwrap_or(end);
        }
        assert!(end.task.is_over() && end.next_due().is_none(), "{self:?} never ends: {end:?}");
        assert_eq!(end.out, end.task.slots_total * REWARD);
        assert!(end.now.since(self.now).as_milliseconds() <= (14 * 24 + 1) * HOUR);
        let paid = end.task.slots_filled > 0;
        assert_eq!(end.task.status == TaskStatus::Completed, paid, "{end:?}");
    }
}

/// A refused verdict may find that the changes did not come: then the review goes on, without money in it.
fn is_resumed(before: Option<&Acceptance>, after: Option<&Acceptance>) -> bool {
    let status = |slot: Option<&Acceptance>| slot.map(|slot| slot.status);
    status(before) == Some(AcceptanceStatus::ChangesRequested) && status(after) == Some(AcceptanceStatus::Submitted)
}

/// While somebody has to decide: at exactly half and nine tenths of his time, each once.
fn check_reminders(slot: &Acceptance) {
    let mut slot = slot.clone();
    let decides = matches!(slot.status, AcceptanceStatus::Submitted | AcceptanceStatus::Disputed);
    let Some(due) = slot.due_at.filter(|_| decides) else {
        assert_eq!((slot.next_at(), slot.remind(Ts::from_milliseconds(i64::MAX))), (slot.due_at, None));
        return;
    };
    let whole = due.since(slot.phase_at).as_milliseconds();
    for percent in [50, 90] {
        let at = slot.phase_at.plus(Span::milliseconds(whole * percent / 100));
        assert_eq!(
            (slot.next_at(), slot.remind(at.minus(Span::milliseconds(1))), slot.remind(at), slot.remind(at)),
            (Some(at), None, Some(percent), None)
        );
    }
    assert_eq!((slot.next_at(), slot.remind(due)), (Some(due), None));
}

#[test]
fn every_reachable_state_keeps_its_books_and_ends_by_itself() {
    let (moves, mut edges, mut walked) = (moves(), BTreeSet::new(), 0);
    for (slots, rejections) in [(1, 0), (2, 0), (2, 3)] {
        let (mut seen, mut ahead) = (HashSet::new(), VecDeque::from([world(slots, rejections)]));
        while let Some(world) = ahead.pop_front() {
            world.check();
            walked += 1;
            for next in moves.iter().filter_map(|what| world.after(*what)) {
                for (from, to) in world.slots.iter().zip(&next.slots) {
                    if let (Some(from), Some(to)) = (from, to)
                        && from.status != to.status
                    {
                        edges.insert((from.status.name(), to.status.name()));
                    }
                }
                if seen.len() < STATES_MAX && seen.insert(next.key()) {
                    ahead.push_back(next);
                }
            }
        }
        println!(
            "{slots} slots, {rejections} rejections before: {} states{}",
            seen.len(),
            if seen.len() < STATES_MAX { "" } else { ", not all" }
        );
    }
    println!("{walked} states walked");
    let declared = [
        ("accepted", "expired"),
        ("accepted", "submitted"),
        ("accepted", "withdrawn"),
        ("changes_requested", "submitted"),
        ("changes_requested", "withdrawn"),
        ("disputed", "approved"),
        ("disputed", "refunded"),
        ("disputed", "split"),
        ("rejected", "disputed"),
        ("submitted", "approved"),
        ("submitted", "changes_requested"),
        ("submitted", "disputed"),
        ("submitted", "rejected"),
    ];
    assert_eq!(edges.into_iter().collect::<Vec<_>>(), declared);
}

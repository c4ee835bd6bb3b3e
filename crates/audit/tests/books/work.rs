//! The tasks of the market: a random walk through the states of each slot, with everything that it leaves behind.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::market::{Market, PLATFORM_FEES, USDT, User};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// How late the clock is when it decides.
const LATE: i64 = 3_000;

#[derive(Default)]
pub struct Work {
    pub tasks: Vec<Task>,
    pub acceptances: Vec<Acceptance>,
    /// Id, acceptance, its number, when.
    pub proofs: Vec<(Uuid, usize, i64, i64)>,
    /// Id, acceptance, author, kind, when.
    pub remarks: Vec<(Uuid, usize, Uuid, &'static str, i64)>,
    /// Id, acceptance, amount, when.
    pub tips: Vec<(Uuid, usize, i64, i64)>,
    /// Acceptance, by, of, stars, when.
    pub ratings: Vec<(usize, Uuid, Uuid, i64, i64)>,
    /// By referrer and referred.
    pub commissions: BTreeMap<(Uuid, Uuid), i64>,
    /// Id, user, kind, data, when.
    pub events: Vec<(Uuid, Uuid, &'static str, String, i64)>,
    /// Id, user, what, amount.
    pub tallies: Vec<(Uuid, Uuid, &'static str, i64)>,
}

#[derive(Clone)]
pub struct Task {
    pub id: Uuid,
    pub creator: User,
    pub status: &'static str,
    pub closed_by: &'static str,
    pub reward: i64,
    pub fee_bp: i64,
    pub commission_bp: i64,
    pub total: i64,
    pub live: i64,
    pub filled: i64,
    pub refunded: i64,
    pub rejections: i64,
    pub deadline_minutes: i64,
    pub review_hours: i64,
    pub max_resubmissions: i64,
    pub published_at: i64,
    pub expires_at: i64,
    pub ended_at: Option<i64>,
}

#[derive(Clone)]
pub struct Acceptance {
    pub id: Uuid,
    pub task: usize,
    pub worker: User,
    pub status: &'static str,
    pub accepted_at: i64,
    pub extended: bool,
    pub submissions: i64,
    pub submission: Option<Uuid>,
    pub submitted_at: Option<i64>,
    pub phase_at: i64,
    pub due_at: Option<i64>,
    pub reminders: i64,
    pub review_left: i64,
    pub reviewed_at: Option<i64>,
    pub auto: bool,
    pub paid: i64,
    pub settled_at: Option<i64>,
    changes: i64,
}

impl Task {
    pub fn free(&self) -> i64 {
        self.total - self.live - self.filled - self.refunded
    }
}

impl Acceptance {
    /// The next reminder, or when it is due.
    pub fn next_at(&self) -> Option<i64> {
        let due = self.due_at?;
        let percent = match (self.status, self.reminders) {
            ("submitted" | "disputed", 0) => 50,
            ("submitted" | "disputed", 1) => 90,
            _ => 100,
        };
        Some(self.phase_at + (due - self.phase_at) * percent / 100)
    }

    fn wait(&mut self, status: &'static str, from: i64, until: i64) {
        (self.status, self.phase_at, self.due_at, self.reminders) = (status, from, Some(until), 0);
    }
}

impl Market {
    /// Commissions that eat the whole fee: the platform's account is touched but has no entry.
    pub fn settlement_without_net_fee(&mut self) {
        let (creator, worker) = (self.users[0], self.users[1]);
        let task = self.publish(creator, 100, 1, 5_000);
        let slot = self.take(task, worker).expect("free");
        self.submit(slot);
        self.now += 1000;
        self.pay(slot, "approved", 100, self.now, creator.id);
    }

    /// A task, its workers, and what becomes of them.
    pub fn task(&mut self) {
        self.now += 1000;
        let users = self.users.clone();
        let creator = self.dice.pick(&users);
        let (slots, reward) = (self.dice.between(1, 4), self.dice.pick(&[5, 99_999, USDT, 2 * USDT + 1, 7 * USDT]));
        if self.accounts[&creator.id].balance < (slots + 1) * reward {
            return;
        }
        let task = self.publish(creator, reward, slots, 2_000);
        let mut taken = Vec::new();
        for _ in 0..self.dice.between(slots, slots + 2) {
            let worker = self.dice.pick(&users);
            taken.extend(self.take(task, worker));
            if let Some(slot) = taken.last().copied() {
                self.walk(slot);
            }
        }
        match self.dice.between(0, 5) {
            0 => self.extend(task),
            1 => self.close(task, "clock"),
            2 | 3 => self.close(task, "creator"),
            _ => {}
        }
        for slot in taken {
            self.walk(slot);
        }
    }

    fn publish(&mut self, creator: User, reward: i64, slots: i64, commission_bp: i64) -> usize {
        let id = self.dice.id();
        let review_hours = if reward < USDT {
            24
        } else if reward < 5 * USDT {
            48
        } else {
            72
        };
        self.open(id, creator.id, "task_escrow", id);
        self.record("publish", id, creator.id, vec![(creator.id, id, slots * reward)]);
        let deadline_minutes = self.dice.pick(&[60, 1_440, 4_320]);
        let (published_at, expires_at) = (self.now, self.now + 90 * DAY);
        let max_resubmissions = self.dice.between(0, 2);
        let (status, closed_by, fee_bp) = ("open", "", 1_000);
        let (live, filled, refunded, rejections, ended_at, total) = (0, 0, 0, 0, None, slots);
        self.work.tasks.push(Task {
            id,
            creator,
            status,
            closed_by,
            reward,
            fee_bp,
            commission_bp,
            total,
            live,
            filled,
            refunded,
            rejections,
            deadline_minutes,
            review_hours,
            max_resubmissions,
            published_at,
            expires_at,
            ended_at,
        });
        self.work.tasks.len() - 1
    }

    fn extend(&mut self, task: usize) {
        self.now += 1000;
        let Task { id, creator, status, reward, .. } = self.work.tasks[task];
        if status == "open" && self.accounts[&creator.id].balance >= reward {
            let reference = self.dice.id();
            self.record("extend", reference, creator.id, vec![(creator.id, id, reward)]);
            self.work.tasks[task].total += 1;
        }
    }

    fn close(&mut self, task: usize, by: &'static str) {
        self.now = if by == "clock" { self.now.max(self.work.tasks[task].expires_at + LATE) } else { self.now + 1000 };
        let Task { id, creator, status, reward, .. } = self.work.tasks[task];
        if status != "open" {
            return;
        }
        let free = self.work.tasks[task].free();
        if free > 0 {
            let actor = if by == "clock" { Uuid::nil() } else { creator.id };
            self.record("close", id, actor, vec![(id, creator.id, free * reward)]);
        }
        let closed = &mut self.work.tasks[task];
        (closed.status, closed.closed_by) = ("closing", by);
        closed.refunded += free;
        self.end_if_done(task);
    }

    fn end_if_done(&mut self, task: usize) {
        let now = self.now;
        let done = &mut self.work.tasks[task];
        if done.live + done.free() > 0 {
            return;
        }
        done.ended_at = Some(now);
        done.status = if done.filled > 0 {
            "completed"
        } else if done.closed_by == "clock" {
            "expired"
        } else {
            "cancelled"
        };
        let Task { id, creator, filled, total, status, .. } = done.clone();
        let data = format!(r#"{{"slots_filled":{filled},"slots_total":{total},"status":"{status}","task_id":"{id}"}}"#);
        self.tell(creator.id, "task_completed", data);
    }

    fn take(&mut self, task: usize, worker: User) -> Option<usize> {
        self.now += 1000;
        let Task { creator, status, deadline_minutes, expires_at, .. } = self.work.tasks[task];
        let had: Vec<_> = self.work.acceptances.iter().filter(|a| a.task == task && a.worker.id == worker.id).collect();
        let tried = had.len() > 1 || had.iter().any(|a| a.status != "withdrawn");
        if creator.id == worker.id || status != "open" || tried || self.work.tasks[task].free() == 0 || self.now >= expires_at {
            return None;
        }
        let (id, now, extended) = (self.dice.id(), self.now, self.dice.between(0, 9) == 0);
        let due = now + deadline_minutes * MINUTE + if extended { 20 * MINUTE } else { 0 };
        self.work.acceptances.push(Acceptance {
            id,
            task,
            worker,
            status: "accepted",
            accepted_at: now,
            extended,
            submissions: 0,
            submission: None,
            submitted_at: None,
            phase_at: now,
            due_at: Some(due),
            reminders: 0,
            review_left: 0,
            reviewed_at: None,
            auto: false,
            paid: 0,
            settled_at: None,
            changes: 0,
        });
        self.work.tasks[task].live += 1;
        let slot = self.work.acceptances.len() - 1;
        self.tell_about(slot, creator.id, "task_accepted", "");
        Some(slot)
    }

    /// Some steps of a slot, as long as there are any.
    fn walk(&mut self, slot: usize) {
        for _ in 0..self.dice.between(0, 4) {
            self.now += 1000;
            let Acceptance { status, due_at: Some(due), .. } = self.work.acceptances[slot] else { return };
            let chance = if self.now < due { self.dice.between(0, 9) } else { 9 };
            let by_clock = chance > 7;
            if by_clock {
                self.now = self.now.max(due + LATE);
            }
            match (status, by_clock) {
                ("accepted", true) => self.free(slot, "expired", due, Uuid::nil()),
                ("accepted" | "changes_requested", false) if chance == 0 => {
                    let worker = self.work.acceptances[slot].worker.id;
                    self.free(slot, "withdrawn", self.now, worker);
                }
                ("accepted" | "changes_requested", false) => self.submit(slot),
                ("changes_requested", true) => {
                    let left = self.work.acceptances[slot].review_left;
                    self.work.acceptances[slot].wait("submitted", due, due + left);
                }
                ("submitted", true) => self.pay(slot, "approved", self.reward_of(slot), due, Uuid::nil()),
                ("submitted", false) => self.review(slot, chance),
                ("rejected", true) => self.free(slot, "rejected", due, Uuid::nil()),
                ("rejected", false) => self.dispute(slot),
                (_, true) => self.decide(slot, "approved", self.reward_of(slot), due, Uuid::nil()),
                (_, false) => {
                    let operator = self.dice.id();
                    let share = self.dice.between(1, 99);
                    match chance {
                        0..3 => self.decide(slot, "approved", self.reward_of(slot), self.now, operator),
                        3..5 => self.decide(slot, "refunded", 0, self.now, operator),
                        _ => self.decide(slot, "split", self.reward_of(slot) * share / 100, self.now, operator),
                    }
                }
            }
        }
    }

    fn reward_of(&self, slot: usize) -> i64 {
        self.task_of(slot).reward
    }

    fn task_of(&self, slot: usize) -> &Task {
        &self.work.tasks[self.work.acceptances[slot].task]
    }

    fn submit(&mut self, slot: usize) {
        let (id, now) = (self.dice.id(), self.now);
        let Task { creator, review_hours, .. } = *self.task_of(slot);
        let acceptance = &mut self.work.acceptances[slot];
        acceptance.submissions += 1;
        (acceptance.submission, acceptance.submitted_at) = (Some(id), Some(now));
        acceptance.wait("submitted", now, now + review_hours * HOUR);
        self.work.proofs.push((id, slot, acceptance.submissions, now));
        self.tell_about(slot, creator.id, "proof_submitted", "");
    }

    fn review(&mut self, slot: usize, chance: i64) {
        let now = self.now;
        let Task { creator, deadline_minutes, max_resubmissions, .. } = *self.task_of(slot);
        let worker = self.work.acceptances[slot].worker.id;
        let acceptance = &mut self.work.acceptances[slot];
        if chance < 3 && acceptance.changes < max_resubmissions {
            acceptance.changes += 1;
            acceptance.review_left = (acceptance.due_at.expect("in review") - now).max(HOUR);
            acceptance.wait("changes_requested", now, now + (deadline_minutes * MINUTE).max(DAY));
            self.remark(slot, creator.id, "changes");
            self.tell_about(slot, worker, "changes_requested", "");
        } else if chance < 5 {
            self.pay(slot, "approved", self.reward_of(slot), now, creator.id);
        } else {
            acceptance.reviewed_at = Some(now);
            // Sometimes a dispute opens by itself.
            let disputed = chance == 5;
            if disputed {
                acceptance.wait("disputed", now, now + 14 * DAY);
            } else {
                acceptance.wait("rejected", now, now + 3 * DAY);
            }
            let task = acceptance.task;
            self.work.tasks[task].rejections += 1;
            self.remark(slot, creator.id, "rejection");
            self.tell_about(slot, worker, "submission_rejected", "");
            self.tally(creator.id, "rejection", 7);
            if disputed {
                self.tell_about(slot, worker, "dispute_opened", "");
                self.tell_about(slot, creator.id, "dispute_opened", "");
            }
        }
    }

    fn dispute(&mut self, slot: usize) {
        let (now, creator) = (self.now, self.task_of(slot).creator.id);
        let worker = self.work.acceptances[slot].worker.id;
        self.work.acceptances[slot].wait("disputed", now, now + 14 * DAY);
        self.remark(slot, worker, "dispute");
        self.tell_about(slot, worker, "dispute_opened", "");
        self.tell_about(slot, creator, "dispute_opened", "");
    }

    fn decide(&mut self, slot: usize, status: &'static str, paid: i64, at: i64, by: Uuid) {
        self.remark(slot, by, "decision");
        let (worker, creator) = (self.work.acceptances[slot].worker.id, self.task_of(slot).creator.id);
        if status == "refunded" {
            self.refund(slot, by);
            self.settled(slot, status, 0, at, by);
            let task = self.work.acceptances[slot].task;
            self.work.tasks[task].live -= 1;
            self.work.tasks[task].refunded += 1;
            self.end_if_done(task);
            self.tell_decided(slot, status);
        } else {
            self.pay(slot, status, paid, at, by);
            self.tally(creator, "paid", 0);
        }
        self.tally(worker, if status == "refunded" { "dispute_lost" } else { "dispute" }, 0);
        self.tally(creator, if status == "approved" { "dispute_lost" } else { "dispute" }, 0);
    }

    /// Pays a slot as of `at`.
    fn pay(&mut self, slot: usize, status: &'static str, paid: i64, at: i64, by: Uuid) {
        let Task { id, creator, reward, commission_bp, fee_bp, .. } = *self.task_of(slot);
        let Acceptance { id: reference, worker, task, status: before, .. } = self.work.acceptances[slot];
        let fee = paid * fee_bp / 10_000;
        let commission = fee * commission_bp / 10_000;
        let mut legs = vec![(id, worker.id, paid - fee), (id, PLATFORM_FEES, fee), (id, creator.id, reward - paid)];
        for side in [worker, creator] {
            let Some(referrer) = side.referrer.filter(|_| at < side.earns_until && commission > 0) else { continue };
            legs.push((PLATFORM_FEES, referrer, commission));
            *self.work.commissions.entry((referrer, side.id)).or_default() += commission;
        }
        legs.retain(|leg| leg.2 > 0);
        self.record("settlement", reference, by, legs);
        self.settled(slot, status, paid, at, by);
        self.work.tasks[task].live -= 1;
        self.work.tasks[task].filled += 1;
        self.end_if_done(task);
        self.tally(worker.id, "completed", 0);
        if before == "disputed" {
            self.tell_decided(slot, status);
        } else {
            self.work.acceptances[slot].reviewed_at = Some(at);
            self.tally(creator.id, "approval", 7);
            let auto = by.is_nil();
            self.tell_about(slot, worker.id, "submission_approved", &format!(r#","auto":{auto}"#));
            if auto {
                self.tell_about(slot, creator.id, "submission_approved", r#","auto":true"#);
            }
        }
        self.thank(slot);
    }

    fn thank(&mut self, slot: usize) {
        self.now += 1000;
        let (worker, creator) = (self.work.acceptances[slot].worker.id, self.task_of(slot).creator.id);
        let (tip, amount, now) = (self.dice.id(), self.dice.between(1, USDT), self.now);
        if self.dice.between(0, 2) == 0 && self.accounts[&creator].balance >= amount {
            self.record("tip", tip, creator, vec![(creator, worker, amount)]);
            self.work.tips.push((tip, slot, amount, now));
            self.tell(worker, "tip_received", format!(r#"{{"tip_id":"{tip}"}}"#));
        }
        for (by, of) in [(worker, creator), (creator, worker)] {
            let stars = self.dice.between(-2, 5);
            if stars > 0 {
                self.work.ratings.push((slot, by, of, stars, now));
                self.tally(of, "rating", stars);
                self.tell_about(slot, of, "rating_received", &format!(r#","stars":{stars}"#));
            }
        }
    }

    /// A slot that nobody holds any more.
    fn free(&mut self, slot: usize, status: &'static str, at: i64, by: Uuid) {
        let Acceptance { task, worker, .. } = self.work.acceptances[slot];
        if status == "expired" {
            self.tell_about(slot, worker.id, "acceptance_expired", "");
        }
        self.settled(slot, status, 0, at, Uuid::max());
        self.work.tasks[task].live -= 1;
        if self.work.tasks[task].status != "open" {
            self.refund(slot, by);
            self.work.tasks[task].refunded += 1;
            self.end_if_done(task);
        }
    }

    fn refund(&mut self, slot: usize, by: Uuid) {
        let Task { id, creator, reward, .. } = *self.task_of(slot);
        self.record("refund", self.work.acceptances[slot].id, by, vec![(id, creator.id, reward)]);
    }

    fn settled(&mut self, slot: usize, status: &'static str, paid: i64, at: i64, by: Uuid) {
        let acceptance = &mut self.work.acceptances[slot];
        (acceptance.status, acceptance.paid, acceptance.auto) = (status, paid, by.is_nil());
        (acceptance.due_at, acceptance.settled_at) = (None, Some(at));
    }

    fn remark(&mut self, slot: usize, author: Uuid, kind: &'static str) {
        let (id, now) = (self.dice.id(), self.now);
        self.work.remarks.push((id, slot, author, kind, now));
    }

    fn tally(&mut self, user: Uuid, what: &'static str, amount: i64) {
        let id = self.dice.id();
        self.work.tallies.push((id, user, what, amount));
    }

    fn tell_decided(&mut self, slot: usize, status: &'static str) {
        let (worker, creator) = (self.work.acceptances[slot].worker.id, self.task_of(slot).creator.id);
        for user in [worker, creator] {
            self.tell_about(slot, user, "dispute_decided", &format!(r#","status":"{status}""#));
        }
    }

    fn tell_about(&mut self, slot: usize, user: Uuid, kind: &'static str, more: &str) {
        let Acceptance { id, submission, .. } = self.work.acceptances[slot];
        let proof = submission.map_or("null".to_owned(), |proof| format!("\"{proof}\""));
        self.tell(user, kind, format!(r#"{{"acceptance_id":"{id}","submission_id":{proof}{more}}}"#));
    }

    fn tell(&mut self, user: Uuid, kind: &'static str, data: String) {
        let (id, now) = (self.dice.id(), self.now);
        self.work.events.push((id, user, kind, data, now));
    }
}

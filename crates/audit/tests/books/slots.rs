//! A slot of the market: a random walk through its states, with everything that it leaves behind.

use uuid::Uuid;

use crate::market::{Market, PLATFORM_FEES, USDT};
use crate::work::{Acceptance, DAY, HOUR, LATE, MINUTE, Task};

impl Market {
    /// Some steps of a slot, as long as there are any.
    pub fn walk(&mut self, slot: usize) {
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

    pub fn submit(&mut self, slot: usize) {
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
    pub fn pay(&mut self, slot: usize, status: &'static str, paid: i64, at: i64, by: Uuid) {
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
            let slot_id = self.work.acceptances[slot].id;
            self.tell(worker, "tip_received", format!(r#"{{"tip_id":"{tip}","acceptance_id":"{slot_id}"}}"#));
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

    pub fn tell_about(&mut self, slot: usize, user: Uuid, kind: &'static str, more: &str) {
        let Acceptance { id, submission, .. } = self.work.acceptances[slot];
        let proof = submission.map_or("null".to_owned(), |proof| format!("\"{proof}\""));
        self.tell(user, kind, format!(r#"{{"acceptance_id":"{id}","submission_id":{proof}{more}}}"#));
    }

    pub fn tell(&mut self, user: Uuid, kind: &'static str, data: String) {
        let (id, now) = (self.dice.id(), self.now);
        self.work.events.push((id, user, kind, data, now));
    }
}

//! The tasks of the market: published, extended, taken, closed.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::market::{Market, USDT, User};

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
/// How late the clock is when it decides.
pub const LATE: i64 = 3_000;

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
    pub changes: i64,
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

    pub fn wait(&mut self, status: &'static str, from: i64, until: i64) {
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

    pub fn end_if_done(&mut self, task: usize) {
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
}

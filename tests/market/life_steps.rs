//! What a step of a life means, done in the market and in the model.

use roborent::base::{Ts, Usdt};
use roborent::testing::Answered;
use serde_json::json;

use crate::deeds::{
    accept, approve, cancel, close, decide, dispute, on_proof, on_task, rate, reject, request_changes, task_with, text, tip,
};
use crate::life::{Deed, Life, PEOPLE, Step};
use crate::model::{DAY, HOUR, State, Told, Wish};

const MINUTE: i64 = 60_000;
const REWARDS: [i64; 10] = [50_000, 333_333, 999_999, 1_000_000, 1_234_567, 4_999_999, 5_000_000, 20_000_000, 99_999_999, 100_000_000];
const SLOTS: [i64; 6] = [1, 1, 2, 3, 5, 25];
const DEADLINES: [i64; 5] = [5 * MINUTE, HOUR, DAY, 3 * DAY, 30 * DAY];
const LIFETIMES: [i64; 5] = [HOUR, DAY, 7 * DAY, 30 * DAY, 180 * DAY];
const PROOFS: [[i64; 2]; 8] = [[0, 0], [0, 0], [0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [1, 1]];
const PERCENTS: [i64; 6] = [0, 100, 100, 1, 50, 99];
const TIPS: [i64; 4] = [1, 250_000, 5_000_000, 10_000_000_000];
const CAPS: [Option<i64>; 5] = [None, Some(0), Some(1_000_000), Some(50_000_000), Some(500_000_000)];
const WAITS: [i64; 9] = [MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 14 * DAY, 45 * DAY];

/// Numbers drawn out of one.
struct Dice(u32);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        let n = u32::try_from(n).unwrap();
        let drawn = self.0 % n;
        self.0 /= n;
        drawn as usize
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Mostly true.
    fn right(&mut self) -> bool {
        self.below(8) != 7
    }
}

/// One of the newest.
fn recent(len: usize, what: u8) -> Option<usize> {
    len.checked_sub(1).map(|last| last - usize::from(what) % len.min(8))
}

fn usd(micro: i64) -> String {
    Usdt::from_micro(micro).to_string()
}

impl Life<'_> {
    /// Does a step; answers what the market said and what the model expects, if anybody said anything.
    pub async fn act(&mut self, step: Step) -> Option<(Answered, Told)> {
        let (who, dice) = (usize::from(step.who) % PEOPLE, &mut Dice(step.n));
        match step.deed {
            Deed::Publish => Some(self.publish(who, dice).await),
            Deed::Accept => self.accept(who, step.what).await,
            Deed::Submit | Deed::Cancel => self.work(step, dice).await,
            Deed::Approve | Deed::Reject | Deed::RequestChanges => self.review(step, dice).await,
            Deed::Dispute | Deed::Evidence => self.argue(step, dice).await,
            Deed::Decide => self.decide(step.what, dice).await,
            Deed::Tip | Deed::Rate => self.thank(step, dice).await,
            Deed::Close | Deed::Extend => self.change(step, dice).await,
            Deed::Cap => Some(self.cap(who, dice).await),
            Deed::Suspend | Deed::Restore => Some(self.moderate(step.deed, who).await),
            Deed::Wait => {
                self.advance(dice.of(&WAITS));
                None
            }
            Deed::WaitForDue => {
                self.wait_for_due(step.what, dice);
                None
            }
            Deed::Run => {
                self.run_jobs().await;
                None
            }
        }
    }

    /// What the model says to somebody who may write, and what everybody else is told.
    fn expect(&mut self, who: usize, rule: impl FnOnce(&mut Self) -> Told) -> Told {
        if self.model.people[who].suspended { Err(vec![(403, "user_suspended")]) } else { rule(self) }
    }

    /// A recent slot in a state that fits the deed, or now and then any recent one.
    fn slot(&self, what: u8, dice: &mut Dice, fits: impl Fn(State) -> bool) -> Option<usize> {
        let all = 0..self.model.slots.len();
        let fitting: Vec<usize> = all.clone().filter(|slot| fits(self.model.slots[*slot].state)).collect();
        if dice.right() && !fitting.is_empty() { recent(fitting.len(), what).map(|n| fitting[n]) } else { recent(all.len(), what) }
    }

    async fn publish(&mut self, who: usize, dice: &mut Dice) -> (Answered, Told) {
        let wish = Wish {
            reward: dice.of(&REWARDS),
            slots: dice.of(&SLOTS),
            deadline: dice.of(&DEADLINES),
            expires_at: self.model.now + dice.of(&LIFETIMES),
            asks_max: i64::try_from(dice.below(3)).unwrap(),
            proof: dice.of(&PROOFS),
            humans_only: dice.below(16) == 15,
            min_stars: (dice.below(12) == 11).then_some(3),
        };
        let part = |wanted: i64| ["none", "optional", "required"][usize::try_from(wanted + 1).unwrap()];
        let body = task_with(
            &usd(wish.reward),
            usize::try_from(wish.slots).unwrap(),
            &json!({
                "deadline_minutes": wish.deadline / MINUTE, "expires_at": Ts::from_milliseconds(wish.expires_at),
                "max_resubmissions": wish.asks_max, "proof": { "url": part(wish.proof[0]), "text": part(wish.proof[1]) },
                "worker_type": if wish.humans_only { "human" } else { "any" }, "min_rating": wish.min_stars,
            }),
        );
        let answer = self.app.post("/api/v1/agent/tasks").key(&self.bots[who]).json(&body).send().await;
        if answer.status == 201 {
            self.jobs.push(text(&answer.json()["task_id"]));
        }
        (answer, self.expect(who, |life| life.model.publish(who, wish)))
    }

    async fn accept(&mut self, who: usize, what: u8) -> Option<(Answered, Told)> {
        let job = recent(self.jobs.len(), what)?;
        let answer = accept(self.app, &self.bots[who], &self.jobs[job]).await;
        if answer.status == 201 {
            self.slots.push(text(&answer.json()["acceptance_id"]));
            self.proofs.push(Vec::new());
        }
        Some((answer, self.expect(who, |life| life.model.accept(who, job))))
    }

    async fn work(&mut self, step: Step, dice: &mut Dice) -> Option<(Answered, Told)> {
        let slot = self.slot(step.what, dice, |state| matches!(state, State::Working | State::ChangesAsked))?;
        let job = self.model.slots[slot].job;
        let who = if dice.right() { self.model.slots[slot].worker } else { usize::from(step.who) % PEOPLE };
        if matches!(step.deed, Deed::Cancel) {
            let answer = cancel(self.app, &self.bots[who], &self.jobs[job]).await;
            return Some((answer, self.expect(who, |life| life.model.cancel(who, job))));
        }
        let wanted = self.model.jobs[job].wish.proof;
        let mut parts = [dice.below(2) == 0, dice.below(2) == 0];
        if dice.right() {
            parts = wanted.map(|wanted| wanted >= 0);
        }
        let body = json!({ "proof_url": parts[0].then_some("https://x.com/1"), "proof_text": parts[1].then_some("Done") });
        let answer = on_task(self.app, &self.bots[who], &self.jobs[job], "submit", &body).await;
        let expected = self.expect(who, |life| life.model.submit(who, job, parts));
        if answer.status == 201 {
            let slot = self.slots.iter().position(|id| answer.json()["acceptance_id"] == id.as_str()).unwrap();
            self.proofs[slot].push(text(&answer.json()["submission_id"]));
        }
        Some((answer, expected))
    }

    /// Somebody of a slot with a proof: its worker or its creator, or now and then anybody.
    fn somebody(&self, step: Step, slot: usize, dice: &mut Dice, worker: bool) -> usize {
        let slot = &self.model.slots[slot];
        match (dice.right(), worker) {
            (false, _) => usize::from(step.who) % PEOPLE,
            (true, true) => slot.worker,
            (true, false) => self.model.jobs[slot.job].creator,
        }
    }

    async fn review(&mut self, step: Step, dice: &mut Dice) -> Option<(Answered, Told)> {
        let slot = self.slot(step.what, dice, |state| matches!(state, State::InReview | State::ChangesAsked))?;
        let who = self.somebody(step, slot, dice, false);
        let n = self.proofs[slot].len().checked_sub(usize::from(!dice.right()))?;
        let proof = self.proofs[slot].get(n.checked_sub(1)?)?;
        let (app, bot) = (self.app, &self.bots[who]);
        Some(match step.deed {
            Deed::Approve => (approve(app, bot, proof).await, self.expect(who, |life| life.model.approve(who, slot, n))),
            Deed::Reject => (reject(app, bot, proof).await, self.expect(who, |life| life.model.reject(who, slot, n))),
            _ => (request_changes(app, bot, proof).await, self.expect(who, |life| life.model.request_changes(who, slot, n))),
        })
    }

    async fn argue(&mut self, step: Step, dice: &mut Dice) -> Option<(Answered, Told)> {
        let disputes = matches!(step.deed, Deed::Dispute);
        let slot = self.slot(step.what, dice, |state| state == if disputes { State::Rejected } else { State::Disputed })?;
        let worker = disputes || dice.below(2) == 0;
        let who = self.somebody(step, slot, dice, worker);
        let proof = self.proofs[slot].last()?;
        if disputes {
            let answer = dispute(self.app, &self.bots[who], proof).await;
            return Some((answer, self.expect(who, |life| life.model.dispute(who, slot))));
        }
        let answer = on_proof(self.app, &self.bots[who], proof, "evidence", &json!({ "text": "See https://x.com/2" })).await;
        Some((answer, self.expect(who, |life| life.model.evidence(who, slot))))
    }

    async fn decide(&mut self, what: u8, dice: &mut Dice) -> Option<(Answered, Told)> {
        let slot = self.slot(what, dice, |state| state == State::Disputed)?;
        let percent = dice.of(&PERCENTS);
        let (decision, part) = match percent {
            0 => ("refund", None),
            100 => ("pay", None),
            _ => ("split", Some(percent)),
        };
        let answer = decide(self.app, &self.admin, &self.slots[slot], decision, part).await;
        Some((answer, self.model.decide(slot, percent)))
    }

    async fn thank(&mut self, step: Step, dice: &mut Dice) -> Option<(Answered, Told)> {
        let slot = self.slot(step.what, dice, State::is_paid)?;
        if matches!(step.deed, Deed::Rate) {
            let worker = dice.below(2) == 0;
            let who = self.somebody(step, slot, dice, worker);
            let stars = i64::try_from(dice.below(5)).unwrap() + 1;
            let answer = rate(self.app, &self.bots[who], &self.slots[slot], stars).await;
            return Some((answer, self.expect(who, |life| life.model.rate(who, slot, stars))));
        }
        let (who, amount) = (self.somebody(step, slot, dice, false), dice.of(&TIPS));
        let answer = tip(self.app, &self.bots[who], self.proofs[slot].last()?, &usd(amount)).await;
        Some((answer, self.expect(who, |life| life.model.tip(who, slot, amount))))
    }

    async fn change(&mut self, step: Step, dice: &mut Dice) -> Option<(Answered, Told)> {
        let job = recent(self.jobs.len(), step.what)?;
        let who = if dice.right() { self.model.jobs[job].creator } else { usize::from(step.who) % PEOPLE };
        if matches!(step.deed, Deed::Close) {
            let answer = close(self.app, &self.bots[who], &self.jobs[job]).await;
            return Some((answer, self.expect(who, |life| life.model.close(who, job))));
        }
        let slots = dice.of(&[0, 1, 3]);
        let expires_at = (slots == 0 || dice.below(2) == 0).then(|| self.model.now + dice.of(&LIFETIMES));
        let body = json!({ "slots_added": (slots > 0).then_some(slots), "expires_at": expires_at.map(Ts::from_milliseconds) });
        let answer = on_task(self.app, &self.bots[who], &self.jobs[job], "extend", &body).await;
        Some((answer, self.expect(who, |life| life.model.extend(who, job, slots, expires_at))))
    }

    async fn cap(&mut self, who: usize, dice: &mut Dice) -> (Answered, Told) {
        let cap = dice.of(&CAPS);
        let body = json!({ "max_hourly_spend_usd": cap.map(usd) });
        let answer = self.app.ask("PATCH", "/api/v1/agent/profile").key(&self.bots[who]).json(&body).send().await;
        let set = |life: &mut Self| {
            life.model.people[who].cap = cap;
            Ok(200)
        };
        (answer, self.expect(who, set))
    }

    async fn moderate(&mut self, deed: Deed, who: usize) -> (Answered, Told) {
        let restore = matches!(deed, Deed::Restore);
        let who = if restore { self.model.people.iter().position(|person| person.suspended).unwrap_or(who) } else { who };
        let verb = if restore { "restore" } else { "suspend" };
        let path = format!("/api/v1/admin/users/{}/{verb}", self.bots[who].user_id);
        let answer = self.app.post(&path).key(&self.admin).json(&json!({ "reason": "Seen enough." })).send().await;
        (answer, if restore { self.model.restore(who) } else { self.model.suspend(who) })
    }

    /// A millisecond before, at or after the end of something.
    fn wait_for_due(&mut self, what: u8, dice: &mut Dice) {
        let slots = self.model.slots.iter().flat_map(|slot| [slot.at(self.model.now).1, slot.due + slot.left]);
        let jobs = self.model.jobs.iter().filter(|job| job.status() == "open").map(|job| job.wish.expires_at);
        let ahead: Vec<i64> = slots.chain(jobs).filter(|at| *at > self.model.now).collect();
        if let Some(n) = recent(ahead.len(), what) {
            let until = ahead[n] + dice.of(&[-1, 0, 0, 1]);
            self.advance((until - self.model.now).max(0));
        }
    }
}

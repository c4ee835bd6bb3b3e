//! Who may do what in the small market, and what it changes.

use crate::model::{DAY, HOUR, Job, Model, Slot, State, Told, Wish};

impl Model {
    pub fn publish(&mut self, who: usize, wish: Wish) -> Told {
        let told = self.spend(who, wish.reward * wish.slots, 201)?;
        let job =
            Job { creator: who, wish, live: 0, filled: 0, refunded: 0, open: true, by_clock: false, by_operator: false, rejections: 0 };
        self.jobs.push(job);
        Ok(told)
    }

    pub fn accept(&mut self, who: usize, job: usize) -> Told {
        let (it, now) = (&self.jobs[job], self.now);
        let stars = &self.people[who].stars;
        let mine = || self.slots.iter().filter(|slot| slot.job == job && slot.worker == who);
        let holds = |slot: &Slot| {
            let held = [State::Working, State::InReview, State::ChangesAsked, State::Rejected, State::Disputed];
            held.contains(&slot.at(now).0)
        };
        let tried = mine().any(|slot| !holds(slot) && slot.state != State::Withdrawn)
            || mine().filter(|slot| slot.state == State::Withdrawn).count() > 1;
        let poorly_rated = |least: i64| stars.is_empty() || stars.iter().sum::<i64>() < least * i64::try_from(stars.len()).unwrap();
        refuse(&[
            (it.creator == who, 409, "own_task"),
            (mine().any(holds), 409, "already_accepted"),
            (tried, 409, "already_tried"),
            (!it.takes(now), 409, "task_closed"),
            (!it.takes(now), 409, "task_expired"),
            (it.free() == 0, 409, "task_full"),
            (it.wish.humans_only, 409, "worker_type_mismatch"),
            (it.wish.min_stars.is_some_and(poorly_rated), 409, "rating_too_low"),
        ])?;
        let due = now + it.wish.deadline;
        self.jobs[job].live += 1;
        self.slots.push(Slot { job, worker: who, state: State::Working, due, proofs: 0, left: 0, asked: 0, rated: [false; 2] });
        Ok(201)
    }

    /// What `who` holds of a job, or held last.
    pub fn held_by(&self, who: usize, job: usize) -> Option<usize> {
        self.slots.iter().rposition(|slot| slot.job == job && slot.worker == who && slot.state != State::Withdrawn)
    }

    pub fn submit(&mut self, who: usize, job: usize, parts: [bool; 2]) -> Told {
        let wanted = self.jobs[job].wish.proof;
        let Some(slot) = self.held_by(who, job) else { return Err(vec![(409, "not_accepted")]) };
        refuse(&[
            ((0..2).any(|part| wanted[part] < 0 && parts[part]), 422, "proof_not_wanted"),
            ((0..2).any(|part| wanted[part] > 0 && !parts[part]) || parts == [false; 2], 422, "proof_missing"),
            (self.at_work(slot).is_err(), 409, "deadline_passed"),
            (self.at_work(slot).is_err(), 409, self.at_work(slot).err().unwrap_or_default()),
        ])?;
        let due = self.now + self.jobs[job].window();
        let slot = &mut self.slots[slot];
        (slot.state, slot.due) = (State::InReview, due);
        slot.proofs += 1;
        Ok(201)
    }

    pub fn cancel(&mut self, who: usize, job: usize) -> Told {
        let Some(slot) = self.held_by(who, job) else { return Err(vec![(409, "not_accepted")]) };
        if let Err(why) = self.at_work(slot) {
            return Err(vec![(409, why), (409, "deadline_passed")]);
        }
        self.slots[slot].state = State::Withdrawn;
        self.free(slot);
        Ok(200)
    }

    fn at_work(&self, slot: usize) -> Result<(), &'static str> {
        match self.slots[slot].at(self.now).0 {
            State::Working | State::ChangesAsked => Ok(()),
            State::Expired | State::Withdrawn => Err("not_accepted"),
            State::InReview | State::Rejected | State::Disputed | State::Paid | State::Refunded | State::Split | State::Lost => {
                Err("already_submitted")
            }
        }
    }

    /// Whether `who` may give a verdict on the `n`-th proof of a slot; its review is then written down.
    fn review(&mut self, who: usize, slot: usize, n: usize) -> Result<(), Vec<(u16, &'static str)>> {
        let it = &self.slots[slot];
        if self.jobs[it.job].creator != who {
            return Err(vec![(404, "not_found")]);
        }
        let (state, until) = it.at(self.now);
        let timely = state == State::InReview;
        let late = state == State::Paid && self.now >= until;
        refuse(&[(n != it.proofs, 409, "superseded"), (!timely, 409, "not_in_review"), (late, 409, "review_window_passed")])?;
        (self.slots[slot].state, self.slots[slot].due) = (state, until);
        Ok(())
    }

    pub fn approve(&mut self, who: usize, slot: usize, n: usize) -> Told {
        self.review(who, slot, n)?;
        self.pay(slot, State::Paid, self.jobs[self.slots[slot].job].wish.reward, self.now);
        Ok(200)
    }

    pub fn reject(&mut self, who: usize, slot: usize, n: usize) -> Told {
        self.review(who, slot, n)?;
        let job = &mut self.jobs[self.slots[slot].job];
        job.rejections += 1;
        let often = job.rejections > 3 && job.rejections * 100 > job.wish.slots * 30;
        let (state, time) = if often { (State::Disputed, 14 * DAY) } else { (State::Rejected, 72 * HOUR) };
        (self.slots[slot].state, self.slots[slot].due) = (state, self.now + time);
        Ok(200)
    }

    pub fn request_changes(&mut self, who: usize, slot: usize, n: usize) -> Told {
        let before = self.slots[slot].clone();
        self.review(who, slot, n)?;
        let (now, wish) = (self.now, &self.jobs[before.job].wish);
        if before.asked >= wish.asks_max {
            self.slots[slot] = before;
            return Err(vec![(409, "resubmissions_used_up")]);
        }
        let slot = &mut self.slots[slot];
        slot.left = (slot.due - now).max(HOUR);
        slot.asked += 1;
        (slot.state, slot.due) = (State::ChangesAsked, now + wish.deadline.max(DAY));
        Ok(200)
    }

    pub fn dispute(&mut self, who: usize, slot: usize) -> Told {
        let (it, now) = (&mut self.slots[slot], self.now);
        if it.worker != who {
            return Err(vec![(404, "not_found")]);
        }
        let state = it.at(now).0;
        refuse(&[(state == State::Lost, 409, "dispute_window_passed"), (state != State::Rejected, 409, "not_rejected")])?;
        (it.state, it.due) = (State::Disputed, now + 14 * DAY);
        Ok(200)
    }

    pub fn evidence(&self, who: usize, slot: usize) -> Told {
        let it = &self.slots[slot];
        if it.worker != who && self.jobs[it.job].creator != who {
            return Err(vec![(404, "not_found")]);
        }
        refuse(&[(it.at(self.now).0 != State::Disputed, 409, "not_disputed")])?;
        Ok(200)
    }

    /// An admin gives the worker so many percent.
    pub fn decide(&mut self, slot: usize, percent: i64) -> Told {
        refuse(&[(self.slots[slot].at(self.now).0 != State::Disputed, 409, "not_disputed")])?;
        let reward = self.jobs[self.slots[slot].job].wish.reward;
        match percent {
            0 => self.refund(slot, State::Refunded),
            100 => self.pay(slot, State::Paid, reward, self.now),
            _ => self.pay(slot, State::Split, reward * percent / 100, self.now),
        }
        Ok(200)
    }

    pub fn tip(&mut self, who: usize, slot: usize, amount: i64) -> Told {
        let it = self.slots[slot].clone();
        if self.jobs[it.job].creator != who {
            return Err(vec![(404, "not_found")]);
        }
        refuse(&[(!matches!(it.at(self.now).0, State::Paid | State::Split), 409, "not_settled")])?;
        let told = self.spend(who, amount, 201)?;
        self.people[it.worker].available += amount;
        Ok(told)
    }

    pub fn rate(&mut self, who: usize, slot: usize, stars: i64) -> Told {
        let (it, now) = (&mut self.slots[slot], self.now);
        let creator = self.jobs[it.job].creator;
        if it.worker != who && creator != who {
            return Err(vec![(404, "not_found")]);
        }
        let paid = matches!(it.at(now).0, State::Paid | State::Split);
        let (mine, other) = if who == creator { (0, it.worker) } else { (1, creator) };
        refuse(&[(!paid, 409, "not_settled"), (it.rated[mine], 409, "already_rated")])?;
        it.rated[mine] = true;
        self.people[other].fresh_stars.push(stars);
        Ok(201)
    }

    pub fn close(&mut self, who: usize, job: usize) -> Told {
        self.own_and_open(who, job)?;
        self.close_now(job);
        Ok(200)
    }

    pub fn extend(&mut self, who: usize, job: usize, slots: i64, expires_at: Option<i64>) -> Told {
        self.own_and_open(who, job)?;
        let amount = slots * self.jobs[job].wish.reward;
        let told = if slots > 0 { self.spend(who, amount, 200)? } else { 200 };
        let wish = &mut self.jobs[job].wish;
        wish.slots += slots;
        wish.expires_at = expires_at.unwrap_or(wish.expires_at);
        Ok(told)
    }

    fn own_and_open(&self, who: usize, job: usize) -> Result<(), Vec<(u16, &'static str)>> {
        if self.jobs[job].creator != who {
            return Err(vec![(404, "not_found")]);
        }
        let over = !self.jobs[job].takes(self.now);
        refuse(&[(over, 409, "task_closed"), (over, 409, "task_expired")])
    }

    /// An admin suspends somebody: his open tasks take nobody any more.
    pub fn suspend(&mut self, who: usize) -> Told {
        refuse(&[(self.people[who].suspended, 409, "not_active")])?;
        self.people[who].suspended = true;
        for job in self.jobs.iter_mut().filter(|job| job.creator == who && job.takes(self.now)) {
            (job.wish.expires_at, job.by_operator) = (self.now, true);
        }
        Ok(200)
    }

    pub fn restore(&mut self, who: usize) -> Told {
        refuse(&[(!self.people[who].suspended, 409, "not_suspended")])?;
        self.people[who].suspended = false;
        Ok(200)
    }
}

fn refuse(rules: &[(bool, u16, &'static str)]) -> Result<(), Vec<(u16, &'static str)>> {
    let broken: Vec<_> = rules.iter().filter(|(broken, ..)| *broken).map(|(_, status, code)| (*status, *code)).collect();
    if broken.is_empty() { Ok(()) } else { Err(broken) }
}

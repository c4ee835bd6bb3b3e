//! The market a second time, in small: whole micro-USDT, milliseconds, and the rules as they are written for users. It
//! shares no code with the market. What is due happens to it when `run_jobs` is called; what counts is decided by time.
//! Here: what there is, and what moves money. Who may do what: `model_rules.rs`.

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;
/// All users of a model register at once, and there is no 29 February in the year after.
const YEAR: i64 = 365 * DAY;

/// What an answer may be: a status, or one of these refusals (a call may be wrong in several ways at once).
pub type Told = Result<u16, Vec<(u16, &'static str)>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Working,
    InReview,
    ChangesAsked,
    Rejected,
    Disputed,
    Paid,
    Refunded,
    Split,
    Withdrawn,
    Expired,
    Lost,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Working => "accepted",
            Self::InReview => "submitted",
            Self::ChangesAsked => "changes_requested",
            Self::Rejected | Self::Lost => "rejected",
            Self::Disputed => "disputed",
            Self::Paid => "approved",
            Self::Refunded => "refunded",
            Self::Split => "split",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }

    pub fn is_paid(self) -> bool {
        matches!(self, Self::Paid | Self::Split)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Person {
    pub available: i64,
    pub referrer: Option<usize>,
    pub cap: Option<i64>,
    pub suspended: bool,
    pub earned_for: i64,
    pub spends: Vec<(i64, i64)>,
    pub stars: Vec<i64>,
    pub fresh_stars: Vec<i64>,
}

/// What somebody wants to publish.
#[derive(Clone, Debug)]
pub struct Wish {
    pub reward: i64,
    pub slots: i64,
    pub deadline: i64,
    pub expires_at: i64,
    pub asks_max: i64,
    /// Whether an address and a text are refused (-1), possible (0) or needed (1).
    pub proof: [i64; 2],
    pub humans_only: bool,
    pub min_stars: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub creator: usize,
    pub wish: Wish,
    pub live: i64,
    pub filled: i64,
    pub refunded: i64,
    pub open: bool,
    pub by_clock: bool,
    pub by_operator: bool,
    pub rejections: i64,
}

#[derive(Clone, Debug)]
pub struct Slot {
    pub job: usize,
    pub worker: usize,
    pub state: State,
    pub due: i64,
    pub proofs: usize,
    pub left: i64,
    pub asked: i64,
    /// By the creator, by the worker.
    pub rated: [bool; 2],
}

#[derive(Debug)]
pub struct Model {
    pub people: Vec<Person>,
    pub jobs: Vec<Job>,
    pub slots: Vec<Slot>,
    pub fees: i64,
    pub now: i64,
    born: i64,
}

impl Job {
    pub fn free(&self) -> i64 {
        self.wish.slots - self.live - self.filled - self.refunded
    }

    pub fn escrow(&self) -> i64 {
        (self.wish.slots - self.filled - self.refunded) * self.wish.reward
    }

    pub fn status(&self) -> &'static str {
        match (self.escrow(), self.open) {
            (1.., true) => "open",
            (1.., false) => "closing",
            _ if self.filled > 0 => "completed",
            _ if self.by_clock => "expired",
            _ => "cancelled",
        }
    }

    pub fn takes(&self, now: i64) -> bool {
        self.open && self.escrow() > 0 && now < self.wish.expires_at
    }

    pub fn window(&self) -> i64 {
        let longer = [(1_000_000, 24), (5_000_000, 48), (20_000_000, 72), (100_000_000, 120)];
        HOUR * longer.iter().find(|(below, _)| self.wish.reward < *below).map_or(168, |(_, hours)| *hours)
    }
}

impl Slot {
    /// The state at `now`, with the moment until which it lasts, whether or not anybody has written it down.
    pub fn at(&self, now: i64) -> (State, i64) {
        match self.state {
            State::Working if now >= self.due => (State::Expired, self.due),
            State::InReview | State::Disputed if now >= self.due => (State::Paid, self.due),
            State::Rejected if now >= self.due => (State::Lost, self.due),
            State::ChangesAsked if now >= self.due + self.left => (State::Paid, self.due + self.left),
            State::ChangesAsked if now >= self.due => (State::InReview, self.due + self.left),
            state => (state, self.due),
        }
    }
}

impl Model {
    pub fn new(now: i64) -> Self {
        Self { people: Vec::new(), jobs: Vec::new(), slots: Vec::new(), fees: 0, now, born: now }
    }

    pub fn held(&self, who: usize) -> i64 {
        self.jobs.iter().filter(|job| job.creator == who).map(Job::escrow).sum()
    }

    pub fn spend(&mut self, who: usize, amount: i64, good: u16) -> Told {
        let (now, person) = (self.now, &mut self.people[who]);
        let spent: i64 = person.spends.iter().filter(|(at, _)| *at > now - HOUR).map(|(_, amount)| amount).sum();
        if person.cap.is_some_and(|cap| spent + amount > cap) {
            return Err(vec![(429, "spend_cap_exceeded")]);
        }
        if amount > person.available {
            return Err(vec![(402, "insufficient_funds")]);
        }
        person.available -= amount;
        person.spends.push((now, amount));
        Ok(good)
    }

    /// What is due happens, as of the moment when it was due.
    pub fn run_jobs(&mut self) {
        for slot in 0..self.slots.len() {
            let reward = self.jobs[self.slots[slot].job].wish.reward;
            let before = self.slots[slot].state;
            let (state, at) = self.slots[slot].at(self.now);
            (self.slots[slot].state, self.slots[slot].due) = (state, at);
            match state {
                State::Paid if before != state => self.pay(slot, state, reward, at),
                State::Expired | State::Lost if before != state => self.free(slot),
                _ => {}
            }
        }
        for job in 0..self.jobs.len() {
            if self.jobs[job].open && self.jobs[job].escrow() > 0 && self.now >= self.jobs[job].wish.expires_at {
                self.jobs[job].by_clock = !self.jobs[job].by_operator;
                self.close_now(job);
            }
        }
        for person in &mut self.people {
            person.stars.append(&mut person.fresh_stars);
        }
    }

    pub fn close_now(&mut self, job: usize) {
        let job = &mut self.jobs[job];
        self.people[job.creator].available += job.free() * job.wish.reward;
        job.refunded += job.free();
        job.open = false;
    }

    pub fn free(&mut self, slot: usize) {
        if self.jobs[self.slots[slot].job].open {
            self.jobs[self.slots[slot].job].live -= 1;
        } else {
            let state = self.slots[slot].state;
            self.refund(slot, state);
        }
    }

    pub fn refund(&mut self, slot: usize, state: State) {
        self.slots[slot].state = state;
        let job = &mut self.jobs[self.slots[slot].job];
        (job.live, job.refunded) = (job.live - 1, job.refunded + 1);
        self.people[job.creator].available += job.wish.reward;
    }

    pub fn pay(&mut self, slot: usize, state: State, paid: i64, at: i64) {
        self.slots[slot].state = state;
        let worker = self.slots[slot].worker;
        let job = &mut self.jobs[self.slots[slot].job];
        (job.live, job.filled) = (job.live - 1, job.filled + 1);
        let (creator, fee) = (job.creator, paid / 10);
        self.people[worker].available += paid - fee;
        self.people[creator].available += job.wish.reward - paid;
        self.fees += fee;
        for side in [worker, creator] {
            if let Some(referrer) = self.people[side].referrer.filter(|_| at < self.born + YEAR) {
                self.people[referrer].available += fee / 5;
                self.people[side].earned_for += fee / 5;
                self.fees -= fee / 5;
            }
        }
    }
}

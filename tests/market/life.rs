//! One life of the market: people, what they do, and the model beside it.

use proptest::prelude::*;
use roborent::base::config::Config;
use roborent::base::{Span, UserId};
use roborent::tasks::clock;
use roborent::testing::{Bot, TestApp};
use serde_json::json;

use crate::deeds::{generous, make_admin, micro, money, text};
use crate::model::{DAY, Model, Person};

pub const PEOPLE: usize = 6;
const RICHES: u32 = 3_000;

/// What somebody does.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    Publish,
    Accept,
    Submit,
    Cancel,
    Approve,
    Reject,
    RequestChanges,
    Dispute,
    Evidence,
    Decide,
    Tip,
    Rate,
    Close,
    Extend,
    Cap,
    Suspend,
    Restore,
    /// Time passes, and nothing runs.
    Wait,
    /// Time passes up to the millisecond before, at or after something is due.
    WaitForDue,
    Run,
}

/// A deed, who does it, to what, and a number for everything else; what they mean depends on what there is by then.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub deed: Deed,
    pub who: u8,
    pub what: u8,
    pub n: u32,
}

pub fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let deed = prop_oneof![
        8 => Just(Deed::Publish),
        22 => Just(Deed::Accept),
        18 => Just(Deed::Submit),
        3 => Just(Deed::Cancel),
        8 => Just(Deed::Approve),
        8 => Just(Deed::Reject),
        6 => Just(Deed::RequestChanges),
        5 => Just(Deed::Dispute),
        2 => Just(Deed::Evidence),
        5 => Just(Deed::Decide),
        3 => Just(Deed::Tip),
        4 => Just(Deed::Rate),
        3 => Just(Deed::Close),
        3 => Just(Deed::Extend),
        4 => Just(Deed::Cap),
        1 => Just(Deed::Suspend),
        2 => Just(Deed::Restore),
        6 => Just(Deed::Wait),
        8 => Just(Deed::WaitForDue),
        8 => Just(Deed::Run),
    ];
    let step = (deed, any::<u8>(), any::<u8>(), any::<u32>()).prop_map(|(deed, who, what, n)| Step { deed, who, what, n });
    proptest::collection::vec(step, count..=count)
}

/// Market and model differ.
#[derive(Debug)]
pub struct Difference {
    /// After so many steps.
    pub after: usize,
    pub why: String,
}

/// The application and the model, side by side.
pub struct Life<'t> {
    pub app: &'t TestApp,
    pub model: Model,
    pub bots: Vec<Bot>,
    pub admin: Bot,
    /// What is due is done in order, not side by side, so that chance falls alike on both engines.
    pub one_by_one: bool,
    users: Vec<UserId>,
    /// The ids of the model's jobs, slots and their proofs.
    pub jobs: Vec<String>,
    pub slots: Vec<String>,
    pub proofs: Vec<Vec<String>>,
}

impl<'t> Life<'t> {
    pub fn settings(config: &mut Config) {
        generous(config);
    }

    /// Six people: the second was brought by the first, the third by the second, the fourth by the first.
    pub async fn begin(app: &'t TestApp) -> Self {
        let mut life = Self {
            app,
            model: Model::new(app.now().as_milliseconds()),
            bots: Vec::new(),
            users: Vec::new(),
            admin: app.bot().await,
            one_by_one: false,
            jobs: Vec::new(),
            slots: Vec::new(),
            proofs: Vec::new(),
        };
        make_admin(app, &life.admin).await;
        for n in 0..PEOPLE {
            let referrer = match n {
                1 | 3 => Some(0),
                2 => Some(1),
                _ => None,
            };
            let code = match referrer {
                Some(referrer) => json!({ "referral_code": life.referral_code(referrer).await }),
                None => json!({}),
            };
            let registered = app.post("/api/v1/agent/register").json(&code).send().await.expect(201).json();
            let user_id = UserId(text(&registered["user_id"]).parse().unwrap());
            life.bots.push(Bot { user_id, key: text(&registered["api_key"]) });
            life.users.push(user_id);
            let riches = if n == PEOPLE - 1 { 0 } else { RICHES };
            if riches > 0 {
                app.pour(user_id, riches).await;
            }
            life.model.people.push(Person { available: i64::from(riches) * 1_000_000, referrer, ..Person::default() });
        }
        life
    }

    async fn referral_code(&self, who: usize) -> String {
        text(&self.app.get("/api/v1/agent/referrals").key(&self.bots[who]).send().await.expect(200).json()["code"])
    }

    /// Does the steps one by one, then lets time end everything; tells what was answered.
    pub async fn play(mut self, steps: &[Step]) -> Result<Vec<String>, Difference> {
        let mut told = Vec::new();
        for (n, step) in steps.iter().enumerate() {
            let done = self.step(*step, n, &mut told).await;
            done.map_err(|why| Difference { after: n + 1, why: format!("step {n} {step:?}: {why}") })?;
        }
        self.end().await.map(|()| told).map_err(|why| Difference { after: steps.len(), why })
    }

    async fn step(&mut self, step: Step, n: usize, told: &mut Vec<String>) -> Result<(), String> {
        if let Some((answer, expected)) = self.act(step).await {
            told.push(format!("{} {}", answer.status, answer.code()));
            let fits = match &expected {
                Ok(status) => answer.status == *status,
                Err(codes) => codes.iter().any(|(status, code)| answer.status == *status && answer.code() == *code),
            };
            if !fits {
                return Err(format!("expected {expected:?}, was told {} {}", answer.status, String::from_utf8_lossy(&answer.body)));
            }
        }
        self.compare_money().await?;
        if n % 50 == 49 { self.compare_states().await } else { Ok(()) }
    }

    async fn compare_money(&self) -> Result<(), String> {
        for (who, seen) in money(self.app, &self.users).await.into_iter().enumerate() {
            let wanted = (self.model.people[who].available, self.model.held(who));
            if seen != wanted {
                return Err(format!("person {who} has (available, held) {seen:?}, expected {wanted:?}"));
            }
        }
        Ok(())
    }

    /// Lists tell what time has decided also before the jobs have run; then everything is compared.
    async fn compare_states(&mut self) -> Result<(), String> {
        for who in 0..PEOPLE {
            let balance = self.app.get("/api/v1/finance/balance").key(&self.bots[who]).send().await.expect(200).json();
            let shown = ["available_balance", "held_balance", "total_balance"].map(|field| micro(&balance[field]));
            let (available, held) = (self.model.people[who].available, self.model.held(who));
            if shown != [available, held, available + held] {
                return Err(format!("person {who} is shown {balance}, expected {available} and {held}"));
            }
            let list = self.app.get("/api/v1/agent/tasks/mine?limit=50").key(&self.bots[who]).send().await.expect(200).json();
            for item in list["items"].as_array().unwrap() {
                let slot = self.slots.iter().position(|id| item["acceptance_id"] == id.as_str()).unwrap();
                let state = self.model.slots[slot].at(self.model.now).0;
                if item["status"] != state.name() {
                    return Err(format!("slot {slot} is shown as {}, expected {}", item["status"], state.name()));
                }
            }
        }
        self.run_jobs().await;
        self.compare_money().await?;
        for who in 0..PEOPLE {
            let list = self.app.get("/api/v1/agent/tasks/published?limit=50").key(&self.bots[who]).send().await.expect(200).json();
            for item in list["items"].as_array().unwrap() {
                let n = self.jobs.iter().position(|id| item["task_id"] == id.as_str()).unwrap();
                let job = &self.model.jobs[n];
                let free = if job.status() == "open" { job.free() } else { 0 };
                let wanted = (job.status(), job.filled, job.live, free, job.escrow());
                let number = |field: &str| item[field].as_i64().unwrap();
                let seen = (
                    item["status"].as_str().unwrap(),
                    number("slots_filled"),
                    number("slots_live"),
                    number("slots_remaining"),
                    micro(&item["escrow_usd"]),
                );
                if seen != wanted {
                    return Err(format!("task {n} is {seen:?}, expected {wanted:?}"));
                }
            }
        }
        Ok(())
    }

    /// Time alone ends everything; no money is lost, none is made.
    async fn end(&mut self) -> Result<(), String> {
        self.advance(400 * DAY);
        self.compare_states().await?;
        if let Some(job) = self.model.jobs.iter().position(|job| job.escrow() != 0 || job.live != 0) {
            return Err(format!("task {job} never ends"));
        }
        for (who, person) in self.model.people.iter().enumerate() {
            let list = self.app.get("/api/v1/agent/referrals").key(&self.bots[who]).send().await.expect(200).json();
            let brought = self.model.people.iter().filter(|other| other.referrer == Some(who));
            let (seen, wanted) = (micro(&list["total_earned"]), brought.map(|other| other.earned_for).sum::<i64>());
            if seen != wanted {
                return Err(format!("person {who} is shown {seen} of commissions, expected {wanted}; {person:?}"));
            }
        }
        let report = self.app.audit().await;
        if report.checks.iter().any(|check| check.violations > 0 && check.id != "M9") {
            return Err(format!("{report}"));
        }
        let poured = i128::from(RICHES) * 1_000_000 * (i128::try_from(PEOPLE).unwrap() - 1);
        if report.revenue != i128::from(self.model.fees) || report.liabilities + report.revenue != poured {
            return Err(format!("of {poured} there are {} and {}; fees expected {}", report.liabilities, report.revenue, self.model.fees));
        }
        Ok(())
    }

    pub fn advance(&mut self, milliseconds: i64) {
        self.app.advance(Span::milliseconds(milliseconds));
        self.model.now += milliseconds;
    }

    pub async fn run_jobs(&mut self) {
        let mut left = self.one_by_one;
        while left {
            let due = self.app.app.dispatcher.look(clock::due).await.unwrap();
            left = !due.is_empty();
            for item in due {
                self.app.app.dispatcher.system(move |cx| clock::act(cx, item)).await.unwrap();
            }
        }
        self.app.run_jobs().await;
        self.model.run_jobs();
    }
}

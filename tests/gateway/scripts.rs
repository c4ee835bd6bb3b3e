//! Random stories of deposits, withdrawals, faults, forks and jumps of time, each told by a number. Whatever happened, in
//! the end the chain and the books say the same, and every payment left once.

use std::collections::{BTreeMap, HashMap};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use roborent::base::Span;
use roborent::base::limit::Limit;
use roborent::testing::{Bot, Engine, TestApp};
use serde_json::{Value, json};

use crate::{OUTSIDE, address_of, admin_of, chain, frozen, gateway, get, settle, status, withdraw};

const STEPS: usize = 25;
const SIDE_BY_SIDE: usize = 4;
/// After the last step this many rounds of time are enough for everything to end.
const ENDS_WITHIN: usize = 40;

#[expect(clippy::disallowed_methods, reason = "the size of a proof is no setting of the market")]
fn asked_for(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// One story.
struct Script<'t> {
    app: &'t TestApp,
    rng: ChaCha12Rng,
    admin: Bot,
    users: Vec<(Bot, String)>,
    withdrawals: Vec<(usize, String)>,
    told: Vec<String>,
}

impl Script<'_> {
    fn pick(&mut self, n: u32) -> u32 {
        self.rng.next_u32() % n
    }

    async fn step(&mut self, n: usize) {
        let app = self.app;
        let user = self.pick(3) as usize;
        let (bot, address) = self.users[user].clone();
        let what = self.pick(16);
        let amount = 20 + self.pick(60);
        self.told.push(format!("{n}: {what} user {user} amount {amount}"));
        match what {
            0 | 1 => drop(chain(app, "faucet", &json!({ "address": address, "usdt": amount.to_string() }))),
            2 => {
                let kind = ["fake", "zero", "failed", "two_in_one"][self.pick(4) as usize];
                drop(chain(app, "odd", &json!({ "kind": kind, "address": address, "usdt": "0.3" })));
            }
            3..=5 => {
                let to = if self.pick(4) == 0 { self.users[(user + 1) % 3].1.clone() } else { OUTSIDE.to_owned() };
                let answer = withdraw(app, &bot, &format!("w{n}"), &amount.to_string(), &to).await;
                if answer.status == 201 {
                    self.withdrawals.push((user, answer.json()["withdrawal_id"].as_str().unwrap().to_owned()));
                }
                app.run_jobs().await;
                self.let_out().await;
            }
            6 => {
                if let Some((user, id)) = self.withdrawals.last().cloned() {
                    drop(app.post(&format!("/api/v1/finance/withdrawals/{id}/cancel")).key(&self.users[user].0).send().await);
                }
            }
            7 | 8 => {
                let rule = self.fault();
                self.told.push(rule.to_string());
                drop(chain(app, "faults", &json!({ "rules": [rule] })));
            }
            9 => drop(chain(app, "faults", &json!({ "rules": [] }))),
            10 => {
                let lost = self.pick(2) == 0;
                let depth = 1 + self.pick(2);
                drop(app.devnet().request(0, "/devnet/reorg", json!({ "depth": depth, "drop": lost }).to_string().as_bytes()));
            }
            11 => app.advance(Span::seconds(i64::from(1 + self.pick(900)))),
            12 => {
                let holding = self.pick(2) == 0;
                drop(chain(app, "hold", &json!({ "holding": holding })));
            }
            13 => {
                let sun = 50 + self.pick(150);
                drop(chain(app, "energy_price", &json!({ "sun": sun })));
            }
            14 => drop(app.gateway().sweep_now().await),
            _ => settle(app).await,
        }
        if self.pick(2) == 0 {
            let blocks = 1 + self.pick(4);
            drop(chain(app, "mine", &json!({ "blocks": blocks })));
        }
        if self.pick(3) > 0 {
            app.gateway().round().await;
        }
    }

    fn fault(&mut self) -> Value {
        let codes =
            ["SERVER_BUSY", "DUP_TRANSACTION_ERROR", "SIGERROR", "TAPOS_ERROR", "BANDWITH_ERROR", "NOT_ENOUGH_EFFECTIVE_CONNECTION"];
        let code = codes[self.pick(6) as usize];
        let mut rule = match self.pick(15) {
            0 => json!({ "kind": "empty_infos" }),
            1 => json!({ "kind": "drop_one_info" }),
            2 => json!({ "kind": "infos_of_another_block" }),
            3 => json!({ "kind": "stale", "blocks": 3 }),
            4 => json!({ "kind": "future", "blocks": 3 }),
            5 => json!({ "kind": "status", "code": 503 }),
            6 => json!({ "kind": "html" }),
            7 => json!({ "kind": "truncated" }),
            8 => json!({ "kind": "lite_node" }),
            9 => json!({ "kind": "hang_up" }),
            10 => json!({ "kind": "accept_then_timeout" }),
            11 => json!({ "kind": "accept_then_drop" }),
            12 => json!({ "kind": "refuse", "code": code }),
            13 => json!({ "kind": "accept_then_refuse", "code": code }),
            _ => json!({ "kind": "dup_before_validation" }),
        };
        rule["times"] = json!(1 + self.pick(4));
        rule
    }

    /// An admin approves what is in review.
    async fn let_out(&self) {
        let list = self.app.get("/api/v1/admin/withdrawals").key(&self.admin).send().await.expect(200).json();
        for item in list["items"].as_array().unwrap() {
            let path = format!("/api/v1/admin/withdrawals/{}/approve", item["withdrawal_id"].as_str().unwrap());
            drop(self.app.post(&path).key(&self.admin).json(&json!({ "reason": "known" })).send().await);
        }
    }

    /// Time passes without faults until nothing is open.
    async fn end(&self) {
        let app = self.app;
        chain(app, "faults", &json!({ "rules": [] }));
        chain(app, "hold", &json!({ "holding": false }));
        chain(app, "energy_price", &json!({ "sun": 100 }));
        for _ in 0..ENDS_WITHIN {
            app.run_jobs().await;
            self.let_out().await;
            settle(app).await;
            if gateway(app, &self.admin).await["orders"] == json!([]) {
                return;
            }
            app.advance(Span::seconds(100));
            // What died five times is tried again by an admin.
            let stuck = app.get("/api/v1/admin/orders").key(&self.admin).send().await.expect(200).json();
            for order in stuck["items"].as_array().unwrap() {
                let path = format!("/api/v1/admin/orders/{}/retry", order["order_id"].as_str().unwrap());
                drop(app.post(&path).key(&self.admin).json(&json!({ "reason": "again" })).send().await);
            }
        }
        panic!("something never ends: {}", gateway(app, &self.admin).await);
    }

    /// Every payment of the hot wallet is one withdrawal, and the reverse; what lies in our addresses is what the books say.
    async fn compare(&self) {
        let app = self.app;
        let state = gateway(app, &self.admin).await;
        assert_eq!((frozen(&state), &state["difference"]), (vec![], &json!(0.0)), "{state}");
        let truth: Value = serde_json::from_str(&app.devnet().request(0, "/devnet/truth", b"").body).unwrap();
        let info = app.get("/sandbox").send().await.expect(200).json();
        let (hot, usdt) = (&info["hot_address"], &info["usdt_contract"]);
        let transfers = truth["transfers"].as_array().unwrap().iter().filter(|transfer| transfer["contract"] == *usdt);
        let mut debits: HashMap<&str, (&Value, i64)> = HashMap::new();
        let mut arrived: BTreeMap<&str, i64> = BTreeMap::new();
        for transfer in transfers {
            let units: i64 = transfer["units"].as_str().unwrap().parse().unwrap();
            *arrived.entry(transfer["to"].as_str().unwrap()).or_default() += units;
            if transfer["from"] == *hot {
                let twice = debits.insert(transfer["txid"].as_str().unwrap(), (&transfer["to"], units));
                assert!(twice.is_none());
            }
        }
        for (user, id) in &self.withdrawals {
            let seen = get(app, &self.users[*user].0, &format!("/api/v1/finance/withdrawals/{id}")).await;
            let ended = status(app, &self.users[*user].0, id).await;
            match seen["txid"].as_str().and_then(|txid| debits.remove(txid)) {
                Some((to, units)) => {
                    let net = roborent::base::Usdt::parse(&seen["net_amount"].to_string()).unwrap().micro();
                    assert_eq!((ended.as_str(), to, units), ("completed", &seen["address"], net), "{seen}");
                }
                None => assert!(matches!(ended.as_str(), "cancelled" | "rejected" | "refunded"), "{seen}"),
            }
        }
        assert!(debits.is_empty(), "left without a withdrawal: {debits:?}");
        for (bot, address) in &self.users {
            let list = get(app, bot, "/api/v1/finance/deposits?limit=200").await;
            let micro = |amount: &Value| roborent::base::Usdt::parse(&amount.to_string()).unwrap().micro();
            let known: i64 = list["items"].as_array().unwrap().iter().map(|deposit| micro(&deposit["amount"])).sum();
            assert_eq!(known, arrived.get(address.as_str()).copied().unwrap_or_default(), "of {address}");
        }
    }
}

async fn tell(seed: u64, engine: Engine) -> bool {
    let settings = |config: &mut roborent::base::config::Config| {
        config.limits.withdraw = Limit::per_hour(1_000);
        config.withdrawals.daily_count = 1_000;
        config.withdrawals.young_user_hours = 0;
    };
    let Some(app) = TestApp::start_with(engine, settings).await else { return false };
    let admin = admin_of(&app, "root@example.com").await;
    let mut users = Vec::new();
    for _ in 0..3 {
        let bot = app.rich_bot(100).await;
        let address = address_of(&app, &bot).await;
        users.push((bot, address));
    }
    let rng = ChaCha12Rng::seed_from_u64(seed);
    let mut script = Script { app: &app, rng, admin, users, withdrawals: Vec::new(), told: Vec::new() };
    for n in 0..STEPS {
        script.step(n).await;
    }
    script.end().await;
    script.compare().await;
    app.finish().await;
    true
}

/// Says which story it was when one ends badly.
fn check(seed: u64, engine: Engine) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let told = runtime.block_on(async { tokio::spawn(tell(seed, engine)).await });
    if let Err(error) = told {
        panic!("script {seed} ({error})\nagain: cargo xtask prove --only gateway --seed {seed} --runs 1");
    }
}

#[test]
fn after_every_story_the_chain_and_the_books_agree() {
    let (runs, first) = (asked_for("ROBORENT_SCRIPTS", 200), asked_for("ROBORENT_SCRIPTS_SEED", 1));
    println!("{runs} scripts of {STEPS} steps, seeds {first}..{}", first + runs);
    std::thread::scope(|threads| {
        let some = |n: usize| (first..first + runs).skip(n).step_by(SIDE_BY_SIDE).for_each(|seed| check(seed, Engine::Sqlite));
        let running: Vec<_> = (0..SIDE_BY_SIDE).map(|n| threads.spawn(move || some(n))).collect();
        for thread in running {
            thread.join().unwrap_or_else(|why| std::panic::resume_unwind(why));
        }
    });
}

#[test]
fn on_postgres_too() {
    let first = asked_for("ROBORENT_SCRIPTS_SEED", 1);
    (first..first + 5).for_each(|seed| check(seed, Engine::Postgres));
}

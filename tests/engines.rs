//! The same commands on both engines give the same books; the ledger against a small model; one bad command in a batch.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config as Cases, TestRunner};
use roborent::base::{Span, Usdt, UserId};
use roborent::ledger::{self, AccountId, AccountKind, NewAccount, Transaction, TransactionKind};
use roborent::on_both_engines;
use roborent::testing::{Bot, Engine, TestApp};
use serde_json::json;
use uuid::Uuid;

/// One random thing that somebody does.
#[derive(Clone, Debug)]
enum Step {
    Register,
    Pour { who: usize, micro: i64, key: Option<u8> },
    MakeKey { who: usize },
    Rename { who: usize, name: u8 },
    Wait { seconds: u16 },
    Jobs,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Register),
        6 => (0_usize..8, -5_i64..50_000_000, proptest::option::of(0_u8..6)).prop_map(|(who, micro, key)| Step::Pour { who, micro, key }),
        1 => (0_usize..8).prop_map(|who| Step::MakeKey { who }),
        1 => (0_usize..8, 0_u8..4).prop_map(|(who, name)| Step::Rename { who, name }),
        2 => (0_u16..4_000).prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Jobs),
    ];
    proptest::collection::vec(step, 1..60)
}

/// Plays the steps; tells what was answered, without what differs from run to run.
async fn play(app: &TestApp, steps: &[Step]) -> Vec<String> {
    let mut bots: Vec<Bot> = vec![app.bot().await];
    let mut told = Vec::new();
    for step in steps {
        let answer = match step {
            Step::Register => {
                bots.push(app.bot().await);
                None
            }
            Step::Pour { who, micro, key } => {
                let user = bots[who % bots.len()].user_id;
                let amount = format!("{}{}.{:06}", if *micro < 0 { "-" } else { "" }, micro.abs() / 1_000_000, micro.abs() % 1_000_000);
                let mut ask = app.post("/sandbox/faucet").json(&json!({ "user_id": user, "usdt": amount }));
                if let Some(key) = key {
                    ask = ask.header("idempotency-key", &format!("key-{key}"));
                }
                Some(ask.send().await)
            }
            Step::MakeKey { who } => Some(app.post("/api/v1/agent/keys").key(&bots[who % bots.len()]).send().await),
            Step::Rename { who, name } => Some(
                app.ask("PATCH", "/api/v1/agent/profile")
                    .key(&bots[who % bots.len()])
                    .json(&json!({ "username": format!("name_{name}") }))
                    .send()
                    .await,
            ),
            Step::Wait { seconds } => {
                app.advance(Span::seconds(i64::from(*seconds)));
                None
            }
            Step::Jobs => {
                app.run_jobs().await;
                None
            }
        };
        if let Some(answer) = answer {
            assert!(answer.status < 500, "{step:?}: {}", String::from_utf8_lossy(&answer.body));
            let text = if answer.status < 300 { String::from_utf8(answer.body).unwrap() } else { answer.code() };
            told.push(format!("{} {text}", answer.status));
        }
    }
    told
}

/// Quiet runs: the same chance on both engines means equal ids, so even the digest of the ledger is equal.
#[tokio::test(flavor = "multi_thread")]
async fn both_engines_give_the_same_answers_and_the_same_books() {
    let mut runner = TestRunner::new(Cases::default());
    for _ in 0..6 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        let lite = TestApp::start(Engine::Sqlite).await.unwrap();
        let Some(postgres) = TestApp::start(Engine::Postgres).await else { return };
        let (one, two) = (play(&lite, &steps).await, play(&postgres, &steps).await);
        assert_eq!(one, two, "{steps:?}");
        assert_eq!(lite.audit().await.digest, postgres.audit().await.digest, "{steps:?}");
        lite.finish().await;
        postgres.finish().await;
    }
}

/// Moves between four users and the fees of the platform; kind and reference do not matter here.
fn moves() -> impl Strategy<Value = Vec<Vec<(usize, usize, i64)>>> {
    let posting = (0_usize..5, 0_usize..5, 1_i64..2_000_000).prop_filter("two accounts", |(from, to, _)| from != to);
    proptest::collection::vec(proptest::collection::vec(posting, 1..5), 1..25)
}

on_both_engines! {
    async fn the_ledger_agrees_with_a_model(app) {
        let mut runner = TestRunner::new(Cases::default());
        let mut model: HashMap<usize, i64> = HashMap::new();
        let mut users: Vec<UserId> = Vec::new();
        for n in 0..4 {
            users.push(app.rich_bot(3).await.user_id);
            model.insert(n, 3_000_000);
        }
        let account = |n: usize| users.get(n).map_or(AccountId::PLATFORM_FEES, |user| AccountId::available(*user));
        for _ in 0..8 {
            for postings in moves().new_tree(&mut runner).unwrap().current() {
                let mut after = model.clone();
                for (from, to, micro) in &postings {
                    *after.entry(*from).or_default() -= micro;
                    *after.entry(*to).or_default() += micro;
                }
                let fits = users.iter().enumerate().all(|(n, _)| after[&n] >= 0);
                // The platform's fees are folded later and may not be spent here.
                if postings.iter().any(|(from, _, _)| *from == 4) {
                    continue;
                }
                let recorded = {
                    let postings: Vec<_> = postings.iter().map(|(from, to, micro)| (account(*from), account(*to), *micro)).collect();
                    app.app.dispatcher.system(move |cx| {
                        let start = Transaction::new(TransactionKind::Deposit, cx.new_id());
                        let transaction = postings.iter().fold(start, |t, (from, to, micro)| t.post(*from, *to, Usdt::from_micro(*micro)));
                        ledger::record(cx, &transaction)
                    }).await
                };
                match recorded {
                    Ok(()) => {
                        assert!(fits, "{postings:?}");
                        model = after;
                    }
                    Err(error) => assert!(error.code() == "insufficient_funds" && !fits, "{postings:?}: {error}"),
                }
            }
            for (n, user) in users.iter().enumerate() {
                let user = *user;
                let balance = app.app.dispatcher.look(move |cx| ledger::balance_of(cx, user)).await.unwrap();
                assert_eq!(balance.available.micro(), model[&n]);
            }
        }
        // These moves have no business kind, so the auditor is asked about everything but their shape and the chain.
        for check in app.audit().await.checks.iter().filter(|check| !["M9", "C2", "C5"].contains(&check.id)) {
            assert_eq!(check.violations, 0, "{check}");
        }
        app.forget_shapes();
    }

    async fn opposite_transfers_never_deadlock(app) {
        let (a, b) = (app.rich_bot(50).await.user_id, app.rich_bot(50).await.user_id);
        let mut running = tokio::task::JoinSet::new();
        for n in 0..400 {
            let (from, to) = if n % 2 == 0 { (a, b) } else { (b, a) };
            let dispatcher = std::sync::Arc::clone(&app.app.dispatcher);
            running.spawn(async move {
                dispatcher.system(move |cx| {
                    let transaction = Transaction::new(TransactionKind::Deposit, cx.new_id());
                    ledger::record(cx, &transaction.post(AccountId::available(from), AccountId::available(to), Usdt::from_micro(1)))
                }).await
            });
        }
        while let Some(done) = running.join_next().await {
            done.unwrap().unwrap();
        }
        app.forget_shapes();
    }

    async fn the_same_event_is_booked_once(app) {
        let user = app.bot().await.user_id;
        let event = Uuid::from_u128(42);
        let book = || app.app.dispatcher.system(move |cx| {
            let deposit = Transaction::new(TransactionKind::Deposit, event);
            ledger::record(cx, &deposit.post(AccountId::ONCHAIN, AccountId::available(user), Usdt::from_micro(5)))
        });
        book().await.unwrap();
        assert!(book().await.is_err(), "the database itself refuses the second one");
        let balance = app.app.dispatcher.look(move |cx| ledger::balance_of(cx, user)).await.unwrap();
        assert_eq!(balance.available, Usdt::from_micro(5));
        app.forget_shapes();
    }

    async fn a_hold_is_opened_filled_and_emptied(app) {
        let bot = app.rich_bot(10).await;
        let (user, hold) = (bot.user_id, Uuid::from_u128(77));
        let (available, held) = (AccountId::available(user), AccountId::of(hold));
        app.app.dispatcher.system(move |cx| {
            let open = NewAccount { id: held, owner: user, kind: AccountKind::TaskEscrow };
            let reference = cx.new_id();
            ledger::record(cx, &Transaction::new(TransactionKind::Deposit, reference).open(open).post(available, held, Usdt::from_micro(4_000_000)))
        }).await.unwrap();
        let balance = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200).json();
        assert_eq!(balance, json!({ "available_balance": 6.0, "held_balance": 4.0, "total_balance": 10.0 }));
        let too_much = app.app.dispatcher.system(move |cx| {
            let reference = cx.new_id();
            ledger::record(cx, &Transaction::new(TransactionKind::Deposit, reference).post(held, available, Usdt::from_micro(4_000_001)))
        }).await.unwrap_err();
        assert_eq!(too_much.code(), "insufficient_funds");
        assert_eq!(too_much.to_problem("x")["missing_usd"], 0.000_001);
        app.forget_shapes();
    }
}

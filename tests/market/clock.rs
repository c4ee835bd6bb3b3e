//! What time does by itself: to the millisecond, once, however late or how often the jobs run, and on however many nodes.

use std::sync::Arc;

use roborent::base::call::Dispatcher;
use roborent::base::clock::Clock;
use roborent::base::operation::Method;
use roborent::base::random::Entropy;
use roborent::base::{Span, Ts};
use roborent::migrations::MIGRATIONS;
use roborent::testing::{Bot, Engine, TestApp};
use roborent::{jobs, on_both_engines, users};
use serde_json::{Value, json};

use crate::deeds::{
    accept, approve, bots, close, dispute, events, generous, make_admin, money, money_of, on_task, proof, publish, reject, request_changes,
    seen, submit, task, task_with, text,
};

const HOUR: i64 = 3_600_000;

/// The clock goes on by so many hours, less a millisecond; then the jobs run.
async fn just_before(app: &TestApp, hours: i64) {
    app.advance(Span::milliseconds(hours * HOUR - 1));
    app.run_jobs().await;
}

async fn now_due(app: &TestApp) {
    app.advance(Span::milliseconds(1));
    app.run_jobs().await;
}

/// The events of a kind that somebody was told.
async fn told(app: &TestApp, who: &Bot, kind: &str) -> Vec<Value> {
    events(app, who).await.into_iter().filter(|event| event["event"] == kind).map(|event| event["data"].clone()).collect()
}

async fn percents(app: &TestApp, who: &Bot) -> Vec<i64> {
    told(app, who, "review_reminder").await.iter().map(|data| data["percent"].as_i64().unwrap()).collect()
}

/// What a worker holds, newest first.
async fn mine(app: &TestApp, worker: &Bot) -> Vec<Value> {
    app.get("/api/v1/agent/tasks/mine?limit=50").key(worker).send().await.expect(200).json()["items"].as_array().unwrap().clone()
}

on_both_engines! {
    async fn a_proof_is_paid_when_the_window_of_its_reward_ends_and_not_before(app, |config| generous(config)) {
        let (creator, worker) = (app.rich_bot(1_000).await, app.bot().await);
        for (reward, hours) in [("0.05", 24), ("0.999999", 24), ("1", 48), ("4.999999", 48), ("5", 72), ("19.999999", 72), ("20", 120), ("99.999999", 120), ("100", 168)] {
            let id = publish(app, &creator, &task(reward, 1)).await;
            assert_eq!(seen(app, &creator, &id).await["review_window_hours"], hours);
            proof(app, &worker, &id).await;
            let before = money_of(app, &worker).await.0;
            just_before(app, hours).await;
            assert_eq!(money_of(app, &worker).await.0, before, "{reward}");
            now_due(app).await;
            assert!(money_of(app, &worker).await.0 > before, "{reward}");
            assert_eq!(seen(app, &creator, &id).await["status"], "completed");
            let slot = &mine(app, &worker).await[0];
            assert_eq!((&slot["status"], &slot["settled_at"]), (&json!("approved"), &json!(app.now())));
        }
    }

    async fn a_creator_is_reminded_at_50_and_90_percent_of_his_time_once(app, |config| generous(config)) {
        let (creator, worker) = (app.rich_bot(10).await, app.bot().await);
        let id = publish(app, &creator, &task_with("0.5", 1, &json!({ "deadline_minutes": 60 }))).await;
        let (one, _) = proof(app, &worker, &id).await;
        for (at, reminders) in [(12 * HOUR - 1, vec![]), (12 * HOUR, vec![50]), (21 * HOUR + HOUR / 2, vec![50]), (216 * HOUR / 10 - 1, vec![50]), (216 * HOUR / 10, vec![50, 90])] {
            let spent = app.now().since(roborent::testing::START).as_milliseconds();
            app.advance(Span::milliseconds(at - spent));
            app.run_jobs().await;
            app.run_jobs().await;
            assert_eq!(percents(app, &creator).await, reminders, "{at}");
        }
        // Changes never come: the review goes on with what was left (2.4 hours), and reminds in that time again.
        drop(request_changes(app, &creator, &one).await.expect(200));
        just_before(app, 24).await;
        assert_eq!(mine(app, &worker).await[0]["status"], "changes_requested");
        now_due(app).await;
        assert_eq!(told(app, &creator, "review_resumed").await.len(), 1);
        let slot = mine(app, &worker).await[0].clone();
        assert_eq!((&slot["status"], &slot["due_at"]), (&json!("submitted"), &json!(app.now().plus(Span::milliseconds(24 * HOUR / 10)))));
        app.advance(Span::milliseconds(12 * HOUR / 10));
        assert_eq!(percents(app, &creator).await, [50, 90, 50]);
        app.advance(Span::milliseconds(12 * HOUR / 10 - 1));
        assert_eq!(percents(app, &creator).await, [50, 90, 50, 90]);
        assert_eq!(money_of(app, &worker).await.0, 0);
        now_due(app).await;
        assert_eq!(money_of(app, &worker).await.0, 450_000);
        assert_eq!(percents(app, &worker).await, [0_i64; 0], "workers are not reminded of what they cannot do");
    }

    async fn a_review_goes_on_for_an_hour_at_least_and_a_new_proof_starts_it_anew(app, |config| generous(config)) {
        let (creator, worker) = (app.rich_bot(10).await, app.bot().await);
        let id = publish(app, &creator, &task_with("0.5", 1, &json!({ "deadline_minutes": 2_880, "max_resubmissions": 2 }))).await;
        let (one, _) = proof(app, &worker, &id).await;
        app.advance(Span::milliseconds(24 * HOUR - 1));
        let asked = request_changes(app, &creator, &one).await.expect(200).json();
        assert_eq!(asked["deadline"], json!(app.now().plus(Span::hours(48))), "the deadline of the task, when it is longer than a day");
        app.advance(Span::hours(48));
        // Before any job: the proof is back in review for an hour.
        assert_eq!(mine(app, &worker).await[0]["due_at"], json!(app.now().plus(Span::hours(1))));
        app.advance(Span::milliseconds(HOUR - 1));
        let asked = request_changes(app, &creator, &one).await.expect(200).json();
        assert_eq!(asked["resubmissions_left"], 0);
        app.advance(Span::milliseconds(48 * HOUR - 1));
        let again = submit(app, &worker, &id).await.expect(201).json();
        assert_eq!(again["auto_approve_at"], json!(app.now().plus(Span::hours(24))));
        assert_eq!(request_changes(app, &creator, &text(&again["submission_id"])).await.expect(409).code(), "resubmissions_used_up");
        drop(approve(app, &creator, &text(&again["submission_id"])).await.expect(200));
    }

    async fn admins_are_reminded_of_a_dispute_and_after_14_days_it_is_the_workers(app, |config| generous(config)) {
        let (creator, worker, admins) = (app.rich_bot(10).await, app.bot().await, bots(app, 2).await);
        for admin in &admins {
            make_admin(app, admin).await;
        }
        let id = publish(app, &creator, &task("1", 1)).await;
        let (one, _) = proof(app, &worker, &id).await;
        drop(reject(app, &creator, &one).await.expect(200));
        let opened = dispute(app, &worker, &one).await.expect(200).json();
        assert_eq!(opened["decide_by"], json!(app.now().plus(Span::days(14))));
        just_before(app, 7 * 24).await;
        assert_eq!(percents(app, &admins[0]).await, [0_i64; 0]);
        app.advance(Span::milliseconds(1));
        app.run_jobs().await;
        app.advance(Span::milliseconds(7 * 24 * HOUR * 8 / 10));
        app.run_jobs().await;
        for admin in &admins {
            assert_eq!(percents(app, admin).await, [50, 90]);
        }
        assert_eq!((percents(app, &creator).await.len(), percents(app, &worker).await.len()), (0, 0));
        app.advance(Span::milliseconds(7 * 24 * HOUR * 2 / 10 - 1));
        app.run_jobs().await;
        assert_eq!((money_of(app, &worker).await, money_of(app, &creator).await), ((0, 0), (9_000_000, 1_000_000)));
        app.advance(Span::milliseconds(1));
        assert_eq!(dispute(app, &worker, &one).await.code(), "not_rejected");
        app.run_jobs().await;
        assert_eq!((money_of(app, &worker).await, money_of(app, &creator).await), ((900_000, 0), (9_000_000, 0)));
        for side in [&worker, &creator] {
            assert_eq!(told(app, side, "dispute_decided").await.len(), 1);
        }
    }

    async fn sixty_days_without_jobs_are_caught_up_in_one_run(app, |config| generous(config)) {
        let (creator, admin) = (app.rich_bot(1_000).await, app.bot().await);
        make_admin(app, &admin).await;
        let workers = bots(app, 40).await;
        let id = publish(app, &creator, &task("1", 60)).await;
        let began = app.now();
        let mut paid = 0;
        for (n, worker) in workers.iter().enumerate() {
            drop(accept(app, worker, &id).await.expect(201));
            if n % 5 == 0 {
                continue;
            }
            let one = text(&submit(app, worker, &id).await.expect(201).json()["submission_id"]);
            paid += 1;
            match n % 5 {
                1 => {}
                2 => drop(request_changes(app, &creator, &one).await.expect(200)),
                3 => {
                    drop(reject(app, &creator, &one).await.expect(200));
                    drop(dispute(app, worker, &one).await.expect(200));
                }
                _ => {
                    drop(reject(app, &creator, &one).await.expect(200));
                    paid -= 1;
                }
            }
        }
        app.advance(Span::days(60));
        app.run_jobs().await;
        let users: Vec<_> = workers.iter().map(|worker| worker.user_id).collect();
        assert_eq!(money(app, &users).await.iter().map(|(available, _)| available).sum::<i64>(), 900_000 * paid);
        assert_eq!(money_of(app, &creator).await, (1_000_000_000 - 1_000_000 * paid, 0));
        assert_eq!(seen(app, &creator, &id).await["status"], "completed");
        // Everything stands as of the moment when it was due: nothing is told late one by one.
        for (worker, hours) in workers.iter().zip([24, 48, 24 + 48, 14 * 24, 72]) {
            assert_eq!(mine(app, worker).await[0]["settled_at"], json!(began.plus(Span::hours(hours))));
        }
        assert!(percents(app, &creator).await.is_empty() && percents(app, &admin).await.is_empty());
        assert_eq!(told(app, &creator, "task_completed").await.len(), 1);
        let before = events(app, &creator).await.len();
        app.run_jobs().await;
        assert_eq!(events(app, &creator).await.len(), before);
    }

    async fn the_same_jobs_three_times_at_once_do_everything_once(app, |config| generous(config)) {
        let (creator, workers) = (app.rich_bot(1_000).await, bots(app, 30).await);
        let id = publish(app, &creator, &task("1", 40)).await;
        for worker in &workers {
            proof(app, worker, &id).await;
        }
        for hours in [24, 20, 4] {
            app.advance(Span::hours(hours));
            tokio::join!(app.run_jobs(), app.run_jobs(), app.run_jobs());
        }
        once_each(app, &creator, &workers).await;
    }

    async fn a_task_says_for_ever_what_it_said_when_it_was_accepted(app, |config| generous(config)) {
        let changes: Vec<_> = app.app.operations.iter().filter(|operation| {
            operation.routes.iter().any(|(method, path)| *method != Method::Get && path.contains("/tasks"))
        }).map(|operation| operation.name).collect();
        let known = ["publish_task", "cancel_published_task", "extend_task", "search_tasks", "accept_task", "submit_result", "cancel_assignment", "report_task", "admin_suspend_task", "admin_settle_reports"];
        let other: Vec<_> = changes.iter().filter(|name| !known.contains(name)).collect();
        assert!(other.is_empty(), "does {other:?} change the text of a task that somebody accepted?");
        let (creator, worker) = (app.rich_bot(10).await, app.bot().await);
        let id = publish(app, &creator, &task("1", 1)).await;
        let texts = |task: &Value| ["title", "description", "category", "tags", "target_url", "proof", "reward_usd", "deadline_minutes", "review_window_hours", "max_resubmissions"].map(|field| task[field].clone());
        let before = texts(&seen(app, &creator, &id).await);
        drop(accept(app, &worker, &id).await.expect(201));
        for field in ["title", "description", "reward_usd", "deadline_minutes", "proof", "max_resubmissions"] {
            let answer = on_task(app, &creator, &id, "extend", &json!({ field: task("2", 2)[field], "slots_added": 1 })).await;
            assert_eq!((answer.status, answer.code().as_str()), (422, "unknown_field"), "{field}");
        }
        drop(on_task(app, &creator, &id, "extend", &json!({ "expires_at": app.now().plus(Span::days(60)) })).await.expect(200));
        drop(close(app, &creator, &id).await.expect(200));
        assert_eq!(texts(&seen(app, &creator, &id).await), before);
    }
}

/// Each of 30 proofs was paid and told once, with one reminder at each mark.
async fn once_each(app: &TestApp, creator: &Bot, workers: &[Bot]) {
    let users: Vec<_> = workers.iter().map(|worker| worker.user_id).collect();
    assert!(money(app, &users).await.iter().all(|money| *money == (900_000, 0)));
    let all = events(app, creator).await;
    for (kind, marks) in [("submission_approved", vec![json!(null)]), ("review_reminder", vec![json!(50), json!(90)])] {
        for mark in marks {
            let told = all.iter().filter(|event| event["event"] == kind && event["data"]["percent"] == mark);
            let mut proofs: Vec<String> = told.map(|event| text(&event["data"]["submission_id"])).collect();
            assert_eq!(proofs.len(), workers.len(), "{kind} {mark}");
            proofs.sort_unstable();
            proofs.dedup();
            assert_eq!(proofs.len(), workers.len(), "{kind} {mark}");
        }
    }
    assert!(all.iter().enumerate().all(|(n, event)| event["seq"] == json!(n + 1)), "numbered without gaps");
}

/// Another node over the same database, with a clock of its own.
fn node(app: &TestApp, number: u64, now: Ts) -> Arc<Dispatcher> {
    let config = Arc::clone(&app.app.dispatcher.config);
    let settings = store::Settings { engine: app.engine.clone(), queue_max: config.database.queue_max, batch_max: store::BATCH_MAX };
    let store = store::Store::open(&settings, MIGRATIONS, now.as_milliseconds()).unwrap();
    Arc::new(Dispatcher::new(store, Clock::standing_at(now), Entropy::from_number(number), config, users::resolve))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_more_nodes_over_one_database_do_nothing_twice() {
    let Some(app) = TestApp::start_with(Engine::Postgres, generous).await else {
        println!("SKIPPED two_more_nodes_over_one_database_do_nothing_twice: no PostgreSQL; ./test.sh starts one");
        return;
    };
    let (creator, workers) = (app.rich_bot(1_000).await, bots(&app, 30).await);
    let id = publish(&app, &creator, &task("1", 40)).await;
    for worker in &workers {
        proof(&app, worker, &id).await;
    }
    let (one, two) = (node(&app, 8, app.now()), node(&app, 9, app.now()));
    let table = &app.app.jobs;
    for hours in [24, 20, 4] {
        app.advance(Span::hours(hours));
        one.clock.advance(Span::hours(hours));
        // The clock of the last node is a minute behind: it does less, never anything twice or too early.
        two.clock.advance(Span::milliseconds(hours * HOUR - 60_000));
        let (first, second, ()) = tokio::join!(jobs::run_all(table, &one), jobs::run_all(table, &two), app.run_jobs());
        first.unwrap();
        second.unwrap();
        two.clock.advance(Span::minutes(1));
    }
    once_each(&app, &creator, &workers).await;
    for node in [one, two] {
        let store = node.store.clone();
        tokio::task::spawn_blocking(move || store.close()).await.unwrap();
    }
    app.finish().await;
}

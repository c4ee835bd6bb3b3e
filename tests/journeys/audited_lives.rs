//! Lives of slots that go every way there is, for the auditor, who looks at the end of each test.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::{Bot, TestApp};
use serde_json::{Value, json};

use crate::market::{accept, balance, proof, publish, review, submit, task};

/// A bot that `referrer` brought.
async fn referred(app: &TestApp, referrer: &Bot, address: [u8; 4]) -> Bot {
    let code = app.get("/api/v1/agent/referrals").key(referrer).send().await.expect(200).json()["code"].clone();
    let body = json!({ "referral_code": code });
    let answer = app.post("/api/v1/agent/register").from(address).json(&body).send().await.expect(201).json();
    Bot {
        user_id: roborent::base::UserId(answer["user_id"].as_str().unwrap().parse().unwrap()),
        key: answer["api_key"].as_str().unwrap().into(),
    }
}

async fn rejected(app: &TestApp, creator: &Bot, worker: &Bot, task: &str) -> (String, String) {
    let acceptance = accept(app, worker, task).await.expect(201).json()["acceptance_id"].as_str().unwrap().to_owned();
    let submission = submit(app, worker, task).await.expect(201).json()["submission_id"].as_str().unwrap().to_owned();
    app.advance(Span::minutes(7));
    let reason = json!({ "reason_code": "low_quality", "reason": "The picture shows something else." });
    drop(review(app, creator, &submission, "reject", &reason).await.expect(200));
    (acceptance, submission)
}

async fn disputed(app: &TestApp, creator: &Bot, worker: &Bot, task: &str) -> String {
    let (acceptance, submission) = rejected(app, creator, worker, task).await;
    app.advance(Span::minutes(7));
    drop(review(app, worker, &submission, "dispute", &json!({ "reason": "The picture shows the post." })).await.expect(200));
    acceptance
}

async fn decide(app: &TestApp, admin: &str, acceptance: &str, decision: Value) {
    let path = format!("/api/v1/admin/disputes/{acceptance}/decide");
    drop(app.post(&path).bearer(admin).json(&decision).send().await.expect(200));
}

on_both_engines! {
    async fn slots_go_every_way_there_is(app) {
        let (first, second) = (app.bot().await, app.bot().await);
        let creator = referred(app, &first, [9, 1, 1, 1]).await;
        app.pour(creator.user_id, 1_000).await;
        let mut workers = Vec::new();
        for n in 0..11 {
            workers.push(referred(app, if n % 2 == 0 { &first } else { &second }, [9, 2, 2, n]).await);
        }
        let mut body = task("7.010101", 11);
        body["max_resubmissions"] = json!(1);
        let task = publish(app, &creator, &body).await;
        let note = json!({ "note": "Please add the address of the post." });

        let approved = proof(app, &workers[0], &task).await;
        app.advance(Span::hours(1));
        drop(review(app, &creator, &approved, "approve", &json!({})).await.expect(200));
        drop(review(app, &creator, &approved, "tip", &json!({ "amount": 0.3 })).await.expect(201));

        let once_more = proof(app, &workers[1], &task).await;
        drop(review(app, &creator, &once_more, "request-changes", &note).await.expect(200));
        app.advance(Span::hours(3));
        let again = submit(app, &workers[1], &task).await.expect(201).json();
        drop(review(app, &creator, again["submission_id"].as_str().unwrap(), "approve", &json!({})).await.expect(200));

        let unanswered = proof(app, &workers[2], &task).await;
        app.advance(Span::hours(5));
        drop(review(app, &creator, &unanswered, "request-changes", &note).await.expect(200));

        let admin = app.admin("admin@example.org").await;
        drop(rejected(app, &creator, &workers[3], &task).await);
        let split = disputed(app, &creator, &workers[4], &task).await;
        decide(app, &admin, &split, json!({ "decision": "split", "percent": 33, "reason": "A third of the work is there." })).await;
        let refund = disputed(app, &creator, &workers[5], &task).await;
        decide(app, &admin, &refund, json!({ "decision": "refund", "reason": "Nothing of the work is there." })).await;
        // The fourth rejection of a task opens a dispute by itself; nobody decides it.
        drop(rejected(app, &creator, &workers[6], &task).await);
        for _ in 0..2 {
            drop(accept(app, &workers[7], &task).await.expect(201));
            drop(app.post(&format!("/api/v1/agent/tasks/{task}/cancel")).key(&workers[7]).send().await.expect(200));
        }
        drop(accept(app, &workers[8], &task).await.expect(201));
        let given_up = proof(app, &workers[9], &task).await;
        drop(review(app, &creator, &given_up, "request-changes", &note).await.expect(200));
        let extend = app.post(&format!("/api/v1/agent/tasks/{task}/extend")).key(&creator).json(&json!({ "slots_added": 2 }));
        drop(extend.send().await.expect(200));
        drop(app.post(&format!("/api/v1/agent/tasks/{task}/close")).key(&creator).send().await.expect(200));
        drop(app.post(&format!("/api/v1/agent/tasks/{task}/cancel")).key(&workers[9]).send().await.expect(200));
        assert_eq!(app.audit().await.violations(), 0, "{}", app.audit().await);

        for _ in 0..20 {
            app.advance(Span::hours(25));
            app.run_jobs().await;
        }
        let ended = app.get(&format!("/api/v1/agent/tasks/{task}")).key(&creator).send().await.expect(200).json();
        assert_eq!((&ended["status"], &ended["slots_filled"]), (&json!("completed"), &json!(5)));
        assert!(balance(app, &creator).await.1.abs() < 1e-9);
    }

    async fn a_deadline_that_a_limit_moved_is_right(app, |config| config.limits.submit = "1/h".parse().unwrap()) {
        let (creator, worker) = (app.rich_bot(10).await, app.bot().await);
        let mut body = task("1.00", 1);
        body["deadline_minutes"] = json!(10);
        let (first, second) = (publish(app, &creator, &body).await, publish(app, &creator, &body).await);
        drop(proof(app, &worker, &first).await);
        drop(accept(app, &worker, &second).await.expect(201));
        drop(submit(app, &worker, &second).await.expect(429));
        app.advance(Span::minutes(69));
        drop(submit(app, &worker, &second).await.expect(201));
    }

    async fn changes_are_asked_for_as_often_as_the_task_says(app) {
        let (creator, worker) = (app.rich_bot(10).await, app.bot().await);
        let task = publish(app, &creator, &task("1.00", 1)).await;
        let submission = proof(app, &worker, &task).await;
        let note = json!({ "note": "Please add the address of the post." });
        drop(review(app, &creator, &submission, "request-changes", &note).await.expect(200));
        // No changes come, so the review of the last proof goes on. Asking again would keep the worker from his money for ever.
        app.advance(Span::hours(24));
        app.run_jobs().await;
        assert_eq!(review(app, &creator, &submission, "request-changes", &note).await.expect(409).code(), "resubmissions_used_up");
        app.advance(Span::hours(48));
        app.run_jobs().await;
        assert_eq!(balance(app, &worker).await, (0.9, 0.0));
    }

    async fn a_referrer_earns_what_was_due_before_the_job_came(app) {
        let (referrer, creator) = (app.bot().await, app.rich_bot(10).await);
        let worker = referred(app, &referrer, [9, 3, 3, 3]).await;
        app.advance(Span::days(360));
        let task = publish(app, &creator, &task("1.00", 1)).await;
        drop(proof(app, &worker, &task).await);
        // Approved by the clock after 48 hours, on day 362; but the job runs on day 370, after the referrer's year.
        app.advance(Span::days(10));
        app.run_jobs().await;
        assert_eq!(balance(app, &worker).await, (0.9, 0.0));
        assert_eq!(balance(app, &referrer).await, (0.02, 0.0));
    }
}

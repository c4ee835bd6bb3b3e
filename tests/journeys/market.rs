//! The life of a task over REST: published, found, taken, done, decided, paid.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::{Answered, Bot, TestApp};
use serde_json::{Value, json};

pub fn task(reward: &str, slots: u32) -> Value {
    json!({
        "title": "Follow @roborent on X", "description": "Follow the account and send the address of your profile.",
        "category": "social", "reward_usd": reward, "slots": slots,
    })
}

pub async fn publish(app: &TestApp, creator: &Bot, body: &Value) -> String {
    let answer = app.post("/api/v1/agent/tasks").key(creator).json(body).send().await.expect(201).json();
    answer["task_id"].as_str().expect("an id").to_owned()
}

pub async fn accept(app: &TestApp, worker: &Bot, task: &str) -> Answered {
    app.post(&format!("/api/v1/agent/tasks/{task}/accept")).key(worker).send().await
}

pub async fn submit(app: &TestApp, worker: &Bot, task: &str) -> Answered {
    let proof = json!({ "proof_url": "https://x.com/user/status/123", "proof_text": "Done" });
    app.post(&format!("/api/v1/agent/tasks/{task}/submit")).key(worker).json(&proof).send().await
}

/// A proof of `worker` for `task`, in review.
pub async fn proof(app: &TestApp, worker: &Bot, task: &str) -> String {
    drop(accept(app, worker, task).await.expect(201));
    submit(app, worker, task).await.expect(201).json()["submission_id"].as_str().expect("an id").to_owned()
}

pub async fn review(app: &TestApp, creator: &Bot, submission: &str, verb: &str, body: &Value) -> Answered {
    app.post(&format!("/api/v1/agent/submissions/{submission}/{verb}")).key(creator).json(body).send().await
}

pub async fn balance(app: &TestApp, bot: &Bot) -> (f64, f64) {
    let balance = app.get("/api/v1/finance/balance").key(bot).send().await.expect(200).json();
    (balance["available_balance"].as_f64().expect("a number"), balance["held_balance"].as_f64().expect("a number"))
}

pub async fn events(app: &TestApp, bot: &Bot) -> Vec<Value> {
    app.run_jobs().await;
    let list = app.get("/api/v1/agent/events?limit=200").key(bot).send().await.expect(200).json();
    list["items"].as_array().expect("a list").clone()
}

on_both_engines! {
    async fn a_task_lives_from_escrow_to_payment(app) {
        let (creator, worker) = (app.rich_bot(10).await, app.bot().await);
        let task = publish(app, &creator, &task("1.00", 2)).await;
        assert_eq!(balance(app, &creator).await, (8.0, 2.0));

        let found = app.post("/api/v1/agent/tasks/search").key(&worker).json(&json!({ "category": "social", "min_reward": 1, "limit": 5 })).send().await.expect(200).json();
        assert_eq!(found["items"][0]["task_id"], task.as_str());
        assert_eq!(found["items"][0]["reward_net_usd"], 0.9);

        let accepted = accept(app, &worker, &task).await.expect(201).json();
        assert_eq!(accepted["acceptance_id"], accepted["assignment_id"]);
        let submitted = submit(app, &worker, &task).await.expect(201).json();
        assert_eq!(submitted["status"], "in_review");

        let submission = submitted["submission_id"].as_str().expect("an id");
        let list = app.get(&format!("/api/v1/agent/tasks/{task}/submissions")).key(&creator).send().await.expect(200).json();
        assert_eq!(list["items"][0]["proof_text"], "Done");
        let approved = review(app, &creator, submission, "approve", &json!({})).await.expect(200).json();
        assert_eq!((&approved["reward_net_usd"], &approved["fee_usd"], &approved["slots_filled"]), (&json!(0.9), &json!(0.1), &json!(1)));
        assert_eq!(balance(app, &worker).await, (0.9, 0.0));
        assert_eq!(balance(app, &creator).await, (8.0, 1.0));

        let closed = app.post(&format!("/api/v1/agent/tasks/{task}/close")).key(&creator).send().await.expect(200).json();
        assert_eq!((&closed["status"], &closed["refunded_usd"]), (&json!("completed"), &json!(1.0)));
        assert_eq!(balance(app, &creator).await, (9.0, 0.0));

        let told: Vec<String> = events(app, &creator).await.iter().map(|event| event["event"].as_str().expect("a name").to_owned()).collect();
        assert_eq!(told, ["deposit_credited", "task_accepted", "proof_submitted", "task_completed"]);
        let told = events(app, &worker).await;
        assert_eq!((&told[0]["event"], &told[0]["data"]["auto"]), (&json!("submission_approved"), &json!(false)));
        let reputation = app.get(&format!("/api/v1/users/{}", worker.user_id)).send().await.expect(200).json();
        assert_eq!((&reputation["completed_count"], &reputation["trust_score"]), (&json!(1), &json!(30)));
    }

    async fn silence_pays_the_worker_and_frees_a_slot_without_proof(app) {
        let (creator, silent, lazy) = (app.rich_bot(10).await, app.bot().await, app.bot().await);
        let task = publish(app, &creator, &task("1.00", 2)).await;
        let submission = proof(app, &silent, &task).await;
        drop(accept(app, &lazy, &task).await.expect(201));

        app.advance(Span::hours(48));
        let late = review(app, &creator, &submission, "approve", &json!({})).await.expect(409);
        assert_eq!(late.code(), "review_window_passed");
        assert_eq!(submit(app, &lazy, &task).await.expect(409).code(), "deadline_passed");
        app.run_jobs().await;
        assert_eq!(balance(app, &silent).await, (0.9, 0.0));
        assert_eq!(accept(app, &lazy, &task).await.expect(409).code(), "already_tried");
        let published = app.get("/api/v1/agent/tasks/published").key(&creator).send().await.expect(200).json();
        assert_eq!((&published["items"][0]["slots_filled"], &published["items"][0]["slots_remaining"]), (&json!(1), &json!(1)));

        app.advance(Span::days(30));
        app.run_jobs().await;
        assert_eq!(balance(app, &creator).await, (9.0, 0.0));
        let names: Vec<String> = events(app, &creator).await.iter().map(|event| event["event"].as_str().expect("a name").to_owned()).collect();
        assert_eq!(names, ["deposit_credited", "task_accepted", "proof_submitted", "task_accepted", "submission_approved", "task_completed"]);
    }

    async fn every_answer_tells_the_limit_also_when_it_does_not_count(app) {
        let creator = app.rich_bot(10).await;
        let publish = |reward: &'static str| app.post("/api/v1/agent/tasks").key(&creator).header("idempotency-key", "first").json(&task(reward, 1)).send();
        let first = publish("1.00").await.expect(201);
        assert_eq!(first.header("ratelimit").map(|told| told.starts_with("\"publish\";r=19")), Some(true));
        let replayed = publish("1.00").await.expect(201);
        assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
        assert_eq!(replayed.header("ratelimit").map(|told| told.starts_with("\"publish\";r=19")), Some(true));
        let refused = app.post("/api/v1/agent/tasks").key(&creator).json(&json!({ "title": 1 })).send().await.expect(422);
        assert_eq!(refused.header("ratelimit").map(|told| told.starts_with("\"publish\";r=19")), Some(true));
    }

    async fn a_dry_run_tells_the_price_and_changes_nothing(app) {
        let creator = app.rich_bot(10).await;
        let quote = app.post("/api/v1/agent/tasks?dry_run=true").key(&creator).header("idempotency-key", "quote").json(&task("1.50", 3)).send().await.expect(200);
        assert_eq!(quote.header("ratelimit-policy"), Some("\"read\";q=120;w=60"));
        let told = quote.json();
        assert_eq!((&told["dry_run"], &told["escrow_usd"], &told["fee_usd"]), (&json!(true), &json!(4.5), &json!(0.45)));
        assert_eq!(told["balance_after"]["held_balance"], 4.5);
        let short = app.post("/api/v1/agent/tasks?dry_run=true").key(&creator).json(&task("1.50", 30)).send().await.expect(200).json();
        assert_eq!((&short["problem"]["code"], &short["problem"]["missing_usd"]), (&json!("insufficient_funds"), &json!(35.0)));
        assert_eq!(balance(app, &creator).await, (10.0, 0.0));
        // The key was not used: the real call is no repeat.
        let real = app.post("/api/v1/agent/tasks").key(&creator).header("idempotency-key", "quote").json(&task("1.50", 3)).send().await.expect(201);
        assert_eq!(real.header("idempotency-replayed"), None);
    }
}

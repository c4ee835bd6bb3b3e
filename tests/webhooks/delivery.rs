//! What arrives, signed how, and repeated when.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::{Bot, TestApp};
use serde_json::{Value, json};

use crate::receiver::{Receiver, deliver, hook, log, patch, tell};

/// Ada publishes a task of so many slots.
async fn publish(app: &TestApp, ada: &Bot, slots: u32) -> String {
    let task = json!({
        "title": "Follow us", "description": "Follow the account and say so.", "category": "social",
        "reward_usd": 1, "slots": slots, "proof": { "url": "optional", "text": "optional" },
    });
    app.post("/api/v1/agent/tasks").key(ada).json(&task).send().await.expect(201).json()["task_id"].as_str().unwrap().to_owned()
}

async fn prove(app: &TestApp, worker: &Bot, task: &str) -> Value {
    drop(app.post(&format!("/api/v1/agent/tasks/{task}/accept")).key(worker).send().await.expect(201));
    let proof = json!({ "proof_url": "https://x.com/user/status/123", "proof_text": "I followed the account" });
    app.post(&format!("/api/v1/agent/tasks/{task}/submit")).key(worker).json(&proof).send().await.expect(201).json()
}

fn fields(body: &Value) -> Vec<&str> {
    body.as_object().unwrap().keys().map(String::as_str).collect()
}

on_both_engines! {
    async fn published_examples_proof_submitted_arrives_as_published(app) {
        let (receiver, ada, worker) = (Receiver::start().await, app.rich_bot(10).await, app.bot().await);
        let secret = hook(app, &ada, &receiver.url()).await;
        let task = publish(app, &ada, 2).await;
        let submitted = prove(app, &worker, &task).await;
        deliver(app).await;
        let messages = receiver.messages();
        let message = messages.iter().find(|message| message.json()["event"] == "proof_submitted").unwrap();
        let body = message.json();
        assert_eq!(fields(&body)[..7], ["event", "task_id", "acceptance_id", "worker_id", "proof_text", "proof_url", "submitted_at"]);
        assert_eq!(fields(&body)[7..], ["submission_id", "auto_approve_at", "event_id", "seq", "created_at"], "fields are only added");
        assert_eq!(body["task_id"], task);
        assert_eq!(body["acceptance_id"], submitted["acceptance_id"]);
        assert_eq!(body["worker_id"], worker.user_id.to_string());
        assert_eq!(body["proof_text"], "I followed the account");
        assert_eq!(body["proof_url"], "https://x.com/user/status/123");
        assert!(body["submitted_at"].as_str().unwrap().ends_with('Z'));
        assert_eq!(body["event_id"], message.header("webhook-id"));
        assert_eq!(message.header("content-type"), "application/json");
        assert_eq!(message.signed_with(&secret), 1);
    }

    async fn published_examples_task_completed_arrives_with_fewer_slots_filled(app) {
        let (receiver, ada) = (Receiver::start().await, app.rich_bot(200).await);
        let task = publish(app, &ada, 100).await;
        for _ in 0..2 {
            let submitted = prove(app, &app.bot().await, &task).await;
            let path = format!("/api/v1/agent/submissions/{}/approve", submitted["submission_id"].as_str().unwrap());
            drop(app.post(&path).key(&ada).send().await.expect(200));
        }
        app.run_jobs().await;
        hook(app, &ada, &receiver.url()).await;
        drop(app.post(&format!("/api/v1/agent/tasks/{task}/close")).key(&ada).send().await.expect(200));
        deliver(app).await;
        let [message] = &receiver.messages()[..] else { panic!("what was before the webhook is not sent") };
        let body = message.json();
        assert_eq!(fields(&body), ["event", "task_id", "slots_filled", "slots_total", "completed_at", "status", "event_id", "seq", "created_at"]);
        assert_eq!(body["event"], "task_completed");
        assert_eq!((&body["task_id"], &body["slots_filled"], &body["slots_total"]), (&json!(task), &json!(2), &json!(100)));
    }

    async fn the_time_of_an_attempt_is_that_of_the_machine(app) {
        let (receiver, bot) = (Receiver::start().await, app.bot().await);
        hook(app, &bot, &receiver.url()).await;
        app.advance(Span::days(400));
        tell(app, &bot, 1).await;
        deliver(app).await;
        let sent: i64 = receiver.messages()[0].header("webhook-timestamp").parse().unwrap();
        assert!((roborent::base::clock::machine_now().as_seconds() - sent).abs() < 60);
    }

    async fn a_secret_is_shown_once_and_rotates_with_an_overlap(app) {
        let (receiver, bot) = (Receiver::start().await, app.bot().await);
        assert_eq!(app.ask("PATCH", "/api/v1/agent/profile").key(&bot).json(&json!({ "rotate_webhook_secret": true })).send().await.expect(409).code(), "no_webhook");
        let first = hook(app, &bot, &receiver.url()).await;
        assert!(first.starts_with("whsec_") && first.len() == 50, "{first}");
        assert_eq!(hook(app, &bot, &receiver.url()).await, "", "only the change that makes it shows it");
        assert!(patch(app, &bot, &json!({ "bio": "x" })).await.get("webhook_secret").is_none());
        assert!(app.get("/api/v1/agent/profile").key(&bot).send().await.expect(200).json().get("webhook_secret").is_none());
        let second = patch(app, &bot, &json!({ "rotate_webhook_secret": true })).await["webhook_secret"].as_str().unwrap().to_owned();
        assert_ne!(first, second);
        tell(app, &bot, 1).await;
        deliver(app).await;
        let [message] = &receiver.take()[..] else { panic!("one") };
        assert_eq!((message.signed_with(&first), message.signed_with(&second)), (1, 1), "both for a day");
        assert!(message.header("webhook-signature").starts_with("v1,"));
        app.advance(Span::hours(24));
        tell(app, &bot, 1).await;
        deliver(app).await;
        let [message] = &receiver.take()[..] else { panic!("one") };
        assert_eq!((message.signed_with(&first), message.signed_with(&second)), (0, 1));
    }

    async fn any_2xx_is_success_and_anything_else_is_repeated(app) {
        let (receiver, bot) = (Receiver::start().await, app.bot().await);
        hook(app, &bot, &receiver.url()).await;
        for status in [200, 201, 202, 204, 299] {
            receiver.answers(status);
            tell(app, &bot, 1).await;
            deliver(app).await;
            assert_eq!(log(app, &bot).await[0]["status"], "delivered", "{status}");
        }
        for status in [301, 302, 307, 400, 404, 429, 500, 503] {
            receiver.answers(status);
            tell(app, &bot, 1).await;
            deliver(app).await;
            let newest = log(app, &bot).await[0].clone();
            assert_eq!((newest["status"].as_str().unwrap(), newest["attempts"].as_i64().unwrap()), ("waiting", 1), "{status}");
            assert_eq!(newest["last_attempt"]["response_status"], status);
            receiver.answers(200);
            app.advance(Span::minutes(10));
            deliver(app).await;
            assert!(log(app, &bot).await.iter().all(|delivery| delivery["status"] == "delivered"), "{status}");
        }
    }

    async fn three_retries_and_then_it_is_given_up_and_can_be_sent_again(app) {
        let (receiver, bot) = (Receiver::start().await, app.bot().await);
        hook(app, &bot, &receiver.url()).await;
        receiver.answers(500);
        tell(app, &bot, 1).await;
        deliver(app).await;
        for (wait, attempts) in [(9, 1), (4, 2), (59, 2), (14, 3), (359, 3), (75, 4), (10_000, 4)] {
            app.advance(Span::seconds(wait));
            deliver(app).await;
            assert_eq!(receiver.messages().len(), attempts, "after {wait} more seconds");
        }
        let delivery = log(app, &bot).await[0].clone();
        assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!("given_up"), &json!(4)));
        let path = format!("/api/v1/agent/webhook/deliveries/{}", delivery["event_id"].as_str().unwrap());
        let detail = app.get(&path).key(&bot).send().await.expect(200).json();
        let attempts = detail["attempt_log"].as_array().unwrap();
        assert_eq!(attempts.iter().map(|a| a["n"].as_i64().unwrap()).collect::<Vec<_>>(), [4, 3, 2, 1]);
        assert!(attempts.iter().all(|a| a["response_status"] == 500 && a["response_head"] == "thanks"));
        receiver.answers(200);
        drop(app.post(&format!("{path}/redeliver")).key(&bot).send().await.expect(200));
        deliver(app).await;
        let messages = receiver.messages();
        assert_eq!(messages.len(), 5);
        assert!(messages.iter().all(|message| message.text == messages[0].text && message.header("webhook-id") == messages[0].header("webhook-id")));
        assert_eq!(log(app, &bot).await[0]["status"], "delivered");
        assert_eq!(app.get(&path).key(&app.bot().await).send().await.expect(404).code(), "not_found");
    }

    async fn a_receiver_that_was_away_for_a_thousand_events_gets_them_all(app) {
        let bot = app.bot().await;
        let address = Receiver::start().await.address;
        hook(app, &bot, &format!("http://{address}/hook")).await;
        for _ in 0..10 {
            tell(app, &bot, 100).await;
            deliver(app).await;
        }
        let state = app.get("/api/v1/agent/webhook").key(&bot).send().await.expect(200).json();
        assert!(state["failures"].as_i64().unwrap() >= 5 && state["paused_until"].is_string(), "{state}");
        let receiver = Receiver::on(address).await;
        for _ in 0..3 {
            app.advance(Span::minutes(10));
            deliver(app).await;
        }
        let mut arrived: Vec<i64> = receiver.messages().iter().map(|message| message.json()["seq"].as_i64().unwrap()).collect();
        arrived.sort_unstable();
        assert_eq!(arrived, (1..=1_000).collect::<Vec<_>>(), "each once");
        assert_eq!(app.get("/api/v1/agent/webhook").key(&bot).send().await.expect(200).json()["failures"], 0);
    }

    async fn an_endpoint_that_only_fails_for_five_days_is_switched_off_and_its_owner_told(app) {
        let (receiver, bot) = (Receiver::start().await, app.bot().await);
        hook(app, &bot, &receiver.url()).await;
        receiver.answers(500);
        tell(app, &bot, 3).await;
        for _ in 0..6 {
            deliver(app).await;
            tell(app, &bot, 1).await;
            app.advance(Span::days(1));
        }
        deliver(app).await;
        let state = app.get("/api/v1/agent/webhook").key(&bot).send().await.expect(200).json();
        assert_eq!((&state["status"], &state["webhook_url"]), (&json!("switched_off"), &json!(receiver.url())));
        let events = app.get("/api/v1/agent/events?limit=200").key(&bot).send().await.expect(200).json();
        let told: Vec<&Value> = events["items"].as_array().unwrap().iter().filter(|e| e["event"] == "webhook_switched_off").collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["data"]["webhook_url"], receiver.url());
        assert!(log(app, &bot).await.iter().all(|delivery| delivery["status"] == "given_up"));
        receiver.take();
        tell(app, &bot, 1).await;
        deliver(app).await;
        assert!(receiver.messages().is_empty());
        receiver.answers(200);
        hook(app, &bot, &receiver.url()).await;
        let queued = app.post("/api/v1/agent/webhook/redeliver").key(&bot).json(&json!({ "from_seq": 1, "to_seq": 100 })).send().await.expect(200).json();
        deliver(app).await;
        assert_eq!(json!(receiver.messages().len()), queued["queued"]);
        assert_eq!(receiver.messages().len(), 11, "also those that came while it was off");
    }

    async fn gone_is_gone_at_once(app) {
        let (receiver, bot) = (Receiver::start().await, app.bot().await);
        hook(app, &bot, &receiver.url()).await;
        receiver.answers(410);
        tell(app, &bot, 1).await;
        deliver(app).await;
        assert_eq!(app.get("/api/v1/agent/webhook").key(&bot).send().await.expect(200).json()["status"], "switched_off");
    }

    async fn ranges_and_test_events_are_sent(app) {
        let (receiver, bot) = (Receiver::start().await, app.bot().await);
        let test = || app.post("/api/v1/agent/webhook/test").key(&bot).send();
        assert_eq!(test().await.expect(200).json(), json!({ "event": "webhook_test", "will_be_sent": false }));
        deliver(app).await;
        hook(app, &bot, &receiver.url()).await;
        assert_eq!(test().await.expect(200).json(), json!({ "event": "webhook_test", "will_be_sent": true }));
        deliver(app).await;
        assert_eq!(receiver.take().len(), 1);
        let again = async |more: Value| {
            let mut range = json!({ "from_seq": 1, "to_seq": 10 });
            range.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let queued = app.post("/api/v1/agent/webhook/redeliver").key(&bot).json(&range).send().await.expect(200).json();
            deliver(app).await;
            (queued["queued"].as_u64().unwrap(), receiver.take().len())
        };
        assert_eq!(again(json!({})).await, (1, 1), "the one from before there was a webhook");
        assert_eq!(again(json!({})).await, (0, 0));
        assert_eq!(again(json!({ "delivered_too": true })).await, (2, 2));
        let page = app.get("/api/v1/agent/webhook/deliveries?limit=1").key(&bot).send().await.expect(200).json();
        assert_eq!(page["items"][0]["seq"], 2);
        let next = app.get(&format!("/api/v1/agent/webhook/deliveries?limit=1&cursor={}", page["next_cursor"].as_str().unwrap())).key(&bot).send().await.expect(200).json();
        assert_eq!((&next["items"][0]["seq"], &next["next_cursor"]), (&json!(1), &json!(null)));
    }

    async fn a_cleared_webhook_gets_nothing(app) {
        let (receiver, bot) = (Receiver::start().await, app.bot().await);
        hook(app, &bot, &receiver.url()).await;
        receiver.fails_first(1);
        tell(app, &bot, 1).await;
        deliver(app).await;
        patch(app, &bot, &json!({ "webhook_url": null })).await;
        app.advance(Span::hours(1));
        tell(app, &bot, 1).await;
        deliver(app).await;
        assert_eq!(receiver.messages().len(), 1);
        let log = log(app, &bot).await;
        assert_eq!((log.len(), &log[0]["status"]), (1, &json!("given_up")));
    }

    async fn one_dead_endpoint_keeps_nobody_waiting(app, |config| config.webhooks.timeout_ms = 9_000) {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (dead, alive, receiver) = (app.bot().await, app.bot().await, Receiver::start().await);
        hook(app, &dead, &format!("http://{}/", silent.local_addr().unwrap())).await;
        hook(app, &alive, &receiver.url()).await;
        tell(app, &dead, 500).await;
        tell(app, &alive, 50).await;
        app.run_jobs().await;
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(5));
        tokio::time::timeout(std::time::Duration::from_secs(8), async {
            while receiver.messages().len() < 50 {
                looks.tick().await;
            }
        }).await.expect("the healthy one is served before the other one times out");
        app.app.deliverer.rest().await;
        let tried = log(app, &dead).await.iter().filter(|delivery| delivery["attempts"] != 0).count();
        assert!(tried <= 8, "{tried} attempts at a dead endpoint before a pause");
    }
}

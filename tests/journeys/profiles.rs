//! Profiles: one's own, and what others see.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::Bot;
use serde_json::json;

use crate::market::{accept, publish, review, submit, task};
use crate::site::page;

on_both_engines! {
    async fn a_profile_is_changed_field_by_field(app) {
        let bot = app.bot().await;
        let patch = json!({ "display_name": " Ada ", "bio": "I translate.", "capabilities": ["translation"], "webhook_url": "https://example.com/hook", "max_hourly_spend_usd": "12.5" });
        let profile = app.ask("PATCH", "/api/v1/agent/profile").key(&bot).json(&patch).send().await.expect(200).json();
        assert_eq!(profile["display_name"], "Ada");
        assert_eq!(profile["max_hourly_spend_usd"], 12.5);
        let profile = app.ask("PATCH", "/api/v1/agent/profile").key(&bot).json(&json!({ "webhook_url": null, "max_hourly_spend_usd": null })).send().await.expect(200).json();
        assert_eq!(profile["webhook_url"], json!(null));
        assert_eq!(profile["max_hourly_spend_usd"], json!(null));
        assert_eq!(profile["bio"], "I translate.", "what is left out stays");
        assert_eq!(app.get("/api/v1/agent/profile").key(&bot).send().await.expect(200).json(), profile);
    }

    async fn a_username_is_unique_and_changes_once(app) {
        let (one, two) = (app.bot().await, app.bot().await);
        let rename = |name: &str| json!({ "username": name });
        drop(app.ask("PATCH", "/api/v1/agent/profile").key(&one).json(&rename("ada_1")).send().await.expect(200));
        assert_eq!(app.ask("PATCH", "/api/v1/agent/profile").key(&two).json(&rename("ada_1")).send().await.expect(409).code(), "username_taken");
        assert_eq!(app.ask("PATCH", "/api/v1/agent/profile").key(&one).json(&rename("ada_2")).send().await.expect(409).code(), "username_fixed");
        drop(app.ask("PATCH", "/api/v1/agent/profile").key(&one).json(&rename("ada_1")).send().await.expect(200));
        for wrong in ["ab", "Ada", "a b c", "ada-1", "äda"] {
            assert_eq!(app.ask("PATCH", "/api/v1/agent/profile").key(&two).json(&rename(wrong)).send().await.expect(422).code(), "invalid_field", "{wrong}");
        }
    }

    async fn others_see_the_public_part_only(app) {
        let bot = app.bot().await;
        drop(app.ask("PATCH", "/api/v1/agent/profile").key(&bot).json(&json!({ "username": "public_bot", "webhook_url": "https://example.com/secret" })).send().await.expect(200));
        let by_name = app.get("/api/v1/users/public_bot").send().await.expect(200);
        let by_id = app.get(&format!("/api/v1/users/{}", bot.user_id)).send().await.expect(200);
        assert_eq!(by_name.body, by_id.body);
        let names: Vec<String> = by_name.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["user_id", "name", "username", "is_bot", "member_since", "bio", "capabilities", "completed_count", "paid_count", "rating", "rating_count", "trust_score", "reject_rate", "median_review_minutes"]);
        assert_eq!(by_name.json()["is_bot"], true);
        assert_eq!(app.get("/api/v1/users/nobody_here").send().await.expect(404).code(), "not_found");
    }

    async fn everybody_reads_the_newest_ratings(app, |config| {
        config.limits.publish = "1000/h".parse().unwrap();
        config.limits.accept = "1000/h".parse().unwrap();
        config.limits.submit = "1000/h".parse().unwrap();
    }) {
        let (creator, worker) = (app.rich_bot(100).await, app.bot().await);
        let of = async |who: &Bot| app.get(&format!("/api/v1/users/{}/ratings", who.user_id)).send().await.expect(200).json()["items"].clone();
        let page_of = async |who: &Bot| String::from_utf8(page(app, &format!("/u/{}", who.user_id), "").await.expect(200).body).unwrap();
        assert_eq!(of(&worker).await, json!([]));
        assert!(!page_of(&worker).await.contains("Newest ratings"));
        let mut tasks = Vec::new();
        for n in 0..21 {
            let task = publish(app, &creator, &task("1.00", 2)).await;
            drop(accept(app, &worker, &task).await.expect(201));
            let submitted = submit(app, &worker, &task).await.expect(201).json();
            drop(review(app, &creator, submitted["submission_id"].as_str().unwrap(), "approve", &json!({})).await.expect(200));
            let rate = format!("/api/v1/agent/acceptances/{}/rate", submitted["acceptance_id"].as_str().unwrap());
            app.advance(Span::seconds(1));
            drop(app.post(&rate).key(&creator).json(&json!({ "stars": 5, "comment": format!("Careful, {n}.") })).send().await.expect(201));
            if n == 0 {
                drop(app.post(&rate).key(&worker).json(&json!({ "stars": 4 })).send().await.expect(201));
            }
            tasks.push(task);
        }
        let ratings = of(&worker).await;
        let comments: Vec<&str> = ratings.as_array().unwrap().iter().map(|one| one["comment"].as_str().unwrap()).collect();
        let newest: Vec<String> = (1..21).rev().map(|n| format!("Careful, {n}.")).collect();
        assert_eq!(comments, newest, "the newest twenty");
        let names: Vec<String> = ratings[0].as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["stars", "comment", "rated_as", "category", "task_id", "title", "rated_at"], "nobody is told who gave it");
        assert_eq!((&ratings[0]["stars"], &ratings[0]["rated_as"], &ratings[0]["task_id"]), (&json!(5), &json!("worker"), &json!(tasks[20])));
        let own = of(&creator).await;
        assert_eq!((&own[0]["stars"], &own[0]["rated_as"], &own[0]["comment"]), (&json!(4), &json!("creator"), &json!("")));
        let html = page_of(&worker).await;
        assert!(html.contains("Careful, 20.") && html.contains(&format!("/tasks/{}", tasks[20])), "{html}");
        // A task that is over is not for everybody to see, and a rating does not show it.
        drop(app.post(&format!("/api/v1/agent/tasks/{}/close", tasks[20])).key(&creator).send().await.expect(200));
        let ratings = of(&worker).await;
        assert_eq!((&ratings[0]["task_id"], &ratings[0]["title"], &ratings[0]["category"]), (&json!(null), &json!(null), &json!("social")));
        let html = page_of(&worker).await;
        assert!(html.contains("Careful, 20.") && !html.contains(&tasks[20]), "{html}");
        assert_eq!(app.get("/api/v1/users/nobody_here/ratings").send().await.expect(404).code(), "not_found");
        // What a suspended user said is not shown, and comes back with him.
        let admin = app.admin("admin@example.com").await;
        for (decision, shown) in [("suspend", json!("")), ("restore", json!("Careful, 20."))] {
            let path = format!("/api/v1/admin/users/{}/{decision}", creator.user_id);
            drop(app.post(&path).bearer(&admin).json(&json!({ "reason": "a test" })).send().await.expect(200));
            assert_eq!(of(&worker).await[0]["comment"], shown, "{decision}");
        }
    }

    async fn a_comment_keeps_to_the_rules_of_content(app) {
        let (creator, worker) = (app.rich_bot(100).await, app.bot().await);
        let task = publish(app, &creator, &task("1.00", 1)).await;
        drop(accept(app, &worker, &task).await.expect(201));
        let submitted = submit(app, &worker, &task).await.expect(201).json();
        drop(review(app, &creator, submitted["submission_id"].as_str().unwrap(), "approve", &json!({})).await.expect(200));
        let rate = format!("/api/v1/agent/acceptances/{}/rate", submitted["acceptance_id"].as_str().unwrap());
        let said = async |comment: &str| app.post(&rate).key(&creator).json(&json!({ "stars": 5, "comment": comment })).send().await;
        assert_eq!(said("He will solve captchas for you").await.expect(422).code(), "policy_blocked");
        drop(said("Careful.").await.expect(201));
    }

    async fn a_referral_code_must_exist(app) {
        let bot = app.bot().await;
        let profile = app.get("/api/v1/agent/profile").key(&bot).send().await.expect(200).json();
        drop(app.post("/api/v1/agent/register").from([8, 8, 8, 8]).json(&json!({ "referral_code": profile["referral_code"] })).send().await.expect(201));
        let refused = app.post("/api/v1/agent/register").from([8, 8, 8, 8]).json(&json!({ "referral_code": "nobody" })).send().await.expect(422);
        assert_eq!(refused.code(), "unknown_referral_code");
    }

    async fn parallel_renames_to_one_name_have_one_winner(app) {
        let bots = futures(app, 8).await;
        let asks = bots.iter().map(|bot| app.ask("PATCH", "/api/v1/agent/profile").key(bot).json(&json!({ "username": "the_one" })).send());
        let answers = join(asks).await;
        assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1);
        assert!(answers.iter().filter(|a| a.status != 200).all(|a| a.code() == "username_taken"));
    }
}

async fn futures(app: &roborent::testing::TestApp, count: usize) -> Vec<roborent::testing::Bot> {
    let mut bots = Vec::new();
    for _ in 0..count {
        bots.push(app.bot().await);
    }
    bots
}

/// Everything at once.
pub async fn join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in &mut running {
            if output.is_none()
                && let std::task::Poll::Ready(done) = future.as_mut().poll(cx)
            {
                *output = Some(done);
            }
        }
        if running.iter().all(|(_, output)| output.is_some()) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    running.into_iter().map(|(_, output)| output.unwrap()).collect()
}

//! The published requests, as they stand: what is sent, and which fields come back.

use roborent::base::operation::{Access, Idempotency};
use roborent::on_both_engines;
use roborent::testing::TestApp;
use serde_json::{Value, json};

fn fields(answer: &Value) -> Vec<&str> {
    answer.as_object().unwrap().keys().map(String::as_str).collect()
}

on_both_engines! {
    async fn registering_answers_exactly_the_published_fields(app) {
        let answer = app.post("/api/v1/agent/register").header("content-type", "application/json").body(r#"{"agent_name": "MyBot"}"#).send().await.expect(201);
        let body = answer.json();
        assert_eq!(fields(&body), ["success", "api_key", "key_prefix", "user_id", "agent_name", "note"]);
        assert_eq!(body["success"], true);
        assert_eq!(body["agent_name"], "MyBot");
        assert_eq!(body["note"], "Use X-API-Key header for all requests.");
        let key = body["api_key"].as_str().unwrap();
        assert_eq!(body["key_prefix"], key[..12]);
        assert_eq!(key.len(), 46);
        assert!(key.starts_with("rr_test_"));
    }

    async fn the_key_is_all_a_bot_needs(app) {
        let bot = app.bot().await;
        let balance = app.get("/api/v1/agent/balance").key(&bot).send().await.expect(200).json();
        assert_eq!(fields(&balance), ["available_balance", "held_balance", "total_balance", "usdt_balance", "usdt_held"]);
        let balance = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200).json();
        assert_eq!(balance, json!({ "available_balance": 0.0, "held_balance": 0.0, "total_balance": 0.0 }));
        let history = app.get("/api/v1/finance/transactions").key(&bot).send().await.expect(200).json();
        assert_eq!(history, json!({ "items": [], "next_cursor": null }));
    }

    async fn a_key_may_also_be_a_bearer(app) {
        let bot = app.bot().await;
        drop(app.get("/api/v1/agent/balance").bearer(&bot.key).send().await.expect(200));
    }

    async fn signing_in_takes_the_published_curl(app) {
        drop(app.admin("you@example.com").await);
        let answer = app.post("/auth/v1/token?grant_type=password")
            .header("apikey", "SUPABASE_ANON_KEY")
            .header("content-type", "application/json")
            .body(r#"{"email":"you@example.com","password":"correct horse battery"}"#)
            .send().await.expect(200).json();
        assert_eq!(answer["expires_in"], 3600);
        let token = answer["access_token"].as_str().unwrap();
        drop(app.get("/api/v1/agent/balance").bearer(token).send().await.expect(200));
        let wrong = app.post("/auth/v1/token?grant_type=password").body(r#"{"email":"you@example.com","password":"password"}"#).send().await.expect(400).json();
        assert_eq!(wrong, json!({ "code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials" }));
    }

    async fn the_content_type_of_curl_does_not_matter(app) {
        let form = app.post("/api/v1/agent/register").header("content-type", "application/x-www-form-urlencoded").body(r#"{"agent_name":"Curl"}"#);
        assert_eq!(form.send().await.expect(201).json()["agent_name"], "Curl");
        let empty = app.post("/api/v1/agent/register").send().await.expect(201).json();
        let name = empty["agent_name"].as_str().unwrap();
        assert!(name.starts_with("Bot ") && name.len() == 8, "{name}");
    }

    async fn five_registrations_an_hour_from_one_address(app) {
        for _ in 0..5 {
            drop(app.post("/api/v1/agent/register").from([9, 9, 9, 9]).send().await.expect(201));
        }
        let refused = app.post("/api/v1/agent/register").from([9, 9, 9, 9]).send().await.expect(429);
        assert_eq!(refused.code(), "rate_limited");
        assert_eq!(refused.header("retry-after"), Some("3600"));
        drop(app.post("/api/v1/agent/register").from([9, 9, 9, 8]).send().await.expect(201));
        app.advance(roborent::base::Span::hours(1));
        drop(app.post("/api/v1/agent/register").from([9, 9, 9, 9]).send().await.expect(201));
    }
}

#[tokio::test]
async fn every_example_of_the_reference_page_works() {
    let app = TestApp::start(roborent::testing::Engine::Sqlite).await.unwrap();
    let bot = app.rich_bot(100).await;
    let admin = app.admin("root@example.com").await;
    let page = String::from_utf8(app.get("/docs").header("accept", "text/html").send().await.expect(200).body).unwrap();
    for operation in &app.app.operations {
        assert!(page.contains(&format!("id=\"{}\"", operation.name)), "{} is not on the page", operation.name);
        let (method, path) = operation.routes[0];
        if path.contains('{') || path.starts_with("/sandbox") {
            continue;
        }
        let method = format!("{method:?}").to_uppercase();
        let ask = app.ask(&method, path).from([7, 7, 7, 7]);
        let mut ask = if operation.access == Access::Admin { ask.bearer(&admin) } else { ask.key(&bot) };
        if let Some(example) = &operation.example {
            ask = ask.json(example);
        }
        if operation.idempotency == Idempotency::Required {
            ask = ask.header("idempotency-key", "example-1");
        }
        let answer = ask.send().await;
        assert_eq!(answer.status, operation.status, "{}: {}", operation.name, String::from_utf8_lossy(&answer.body));
    }
    app.finish().await;
}

//! Keys: several, with scopes, rotated, revoked.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::Bot;
use serde_json::json;

on_both_engines! {
    async fn a_key_is_made_listed_rotated_and_revoked(app) {
        let bot = app.bot().await;
        let made = app.post("/api/v1/agent/keys").key(&bot).json(&json!({ "name": "second", "scopes": ["read", "earn"] })).send().await.expect(201).json();
        let second = Bot { user_id: bot.user_id, key: made["api_key"].as_str().unwrap().to_owned() };
        let list = app.get("/api/v1/agent/keys").key(&bot).send().await.expect(200);
        assert!(!String::from_utf8_lossy(&list.body).contains(&second.key), "a list shows no secret");
        let listed = list.json()["items"].as_array().unwrap().clone();
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0]["name"], "second");
        assert_eq!(listed[0]["scopes"], json!(["read", "earn"]));

        let path = format!("/api/v1/agent/keys/{}/rotate", made["key_id"].as_str().unwrap());
        let rotated = app.post(&path).key(&bot).send().await.expect(201).json();
        let third = Bot { user_id: bot.user_id, key: rotated["api_key"].as_str().unwrap().to_owned() };
        assert_eq!(rotated["scopes"], json!(["read", "earn"]));
        assert_eq!(app.post(&path).key(&bot).send().await.expect(409).code(), "key_rotated");
        drop(app.get("/api/v1/agent/profile").key(&second).send().await.expect(200));
        app.advance(Span::hours(24));
        assert_eq!(app.get("/api/v1/agent/profile").key(&second).send().await.expect(401).code(), "invalid_api_key");
        drop(app.get("/api/v1/agent/profile").key(&third).send().await.expect(200));

        let path = format!("/api/v1/agent/keys/{}", rotated["key_id"].as_str().unwrap());
        let revoked = app.ask("DELETE", &path).key(&bot).send().await.expect(200).json();
        assert_eq!(app.get("/api/v1/agent/profile").key(&third).send().await.expect(401).code(), "invalid_api_key");
        assert_eq!(app.ask("DELETE", &path).key(&bot).send().await.expect(200).json(), revoked, "revoking twice says the same");
    }

    async fn there_are_at_most_ten_keys(app) {
        let bot = app.bot().await;
        for _ in 0..9 {
            drop(app.post("/api/v1/agent/keys").key(&bot).send().await.expect(201));
        }
        assert_eq!(app.post("/api/v1/agent/keys").key(&bot).send().await.expect(409).code(), "too_many_keys");
    }

    async fn rotating_does_not_make_keys_without_end(app) {
        let bot = app.bot().await;
        let listed = app.get("/api/v1/agent/keys").key(&bot).send().await.expect(200).json();
        let mut newest = listed["items"][0]["key_id"].as_str().unwrap().to_owned();
        for _ in 0..19 {
            let rotated = app.post(&format!("/api/v1/agent/keys/{newest}/rotate")).key(&bot).send().await.expect(201).json();
            rotated["key_id"].as_str().unwrap().clone_into(&mut newest);
        }
        let refused = app.post(&format!("/api/v1/agent/keys/{newest}/rotate")).key(&bot).send().await.expect(409);
        assert_eq!(refused.code(), "too_many_keys");
    }

    async fn the_last_use_is_written_by_the_job(app) {
        let bot = app.bot().await;
        drop(app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200));
        app.run_jobs().await;
        let list = app.get("/api/v1/agent/keys").key(&bot).send().await.expect(200).json();
        assert_eq!(list["items"][0]["last_used_at"], json!(app.now()));
    }

    async fn keys_that_ended_are_forgotten_after_90_days(app) {
        let bot = app.bot().await;
        let listed = async || {
            let list = app.get("/api/v1/agent/keys").key(&bot).send().await.expect(200).json();
            let mut names: Vec<_> = list["items"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned()).collect();
            names.sort();
            names
        };
        let make = async |name: &str| {
            let made = app.post("/api/v1/agent/keys").key(&bot).json(&json!({ "name": name })).send().await.expect(201).json();
            made["key_id"].as_str().unwrap().to_owned()
        };
        let revoked = make("revoked").await;
        drop(app.ask("DELETE", &format!("/api/v1/agent/keys/{revoked}")).key(&bot).send().await.expect(200));
        let rotated = make("rotated").await;
        drop(app.post(&format!("/api/v1/agent/keys/{rotated}/rotate")).key(&bot).send().await.expect(201));
        app.advance(Span::days(90));
        app.run_jobs().await;
        assert_eq!(listed().await, ["default", "revoked", "rotated", "rotated"], "one day less than 90 since the old one expired");
        app.advance(Span::milliseconds(1));
        app.run_jobs().await;
        assert_eq!(listed().await, ["default", "rotated", "rotated"]);
        app.advance(Span::days(1));
        app.run_jobs().await;
        assert_eq!(listed().await, ["default", "rotated"]);
        app.advance(Span::days(1_000));
        app.run_jobs().await;
        assert_eq!(listed().await, ["default", "rotated"], "what works stays");
        assert_eq!(app.ask("DELETE", &format!("/api/v1/agent/keys/{revoked}")).key(&bot).send().await.expect(404).code(), "not_found");
    }
}

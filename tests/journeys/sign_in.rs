//! Sign-in: tokens, sessions, and everything that is not a token of ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use roborent::base::Span;
use roborent::on_both_engines;
use serde_json::{Value, json};

use crate::profiles::join;

const EMAIL: &str = "root@example.com";
const PASSWORD: &str = "correct horse battery";

/// A token with one part changed.
fn forged(token: &str, header: &Value, change: impl Fn(&mut Value)) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    change(&mut claims);
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", encode(header), encode(&claims), parts[2])
}

on_both_engines! {
    async fn a_token_works_for_an_hour(app) {
        let token = app.admin(EMAIL).await;
        drop(app.get("/api/v1/finance/balance").bearer(&token).send().await.expect(200));
        app.advance(Span::hours(1));
        drop(app.get("/api/v1/finance/balance").bearer(&token).send().await.expect(200));
        app.advance(Span::seconds(31));
        let expired = app.get("/api/v1/finance/balance").bearer(&token).send().await.expect(401);
        assert_eq!(expired.code(), "invalid_token");
        assert_eq!(expired.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }

    async fn forged_tokens_are_refused(app) {
        let token = app.admin(EMAIL).await;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!(header["alg"], "ES256");
        let kid = header["kid"].clone();
        let nothing = |_: &mut Value| {};
        let mut cases = vec![
            forged(&token, &json!({ "alg": "none", "typ": "JWT", "kid": kid }), nothing),
            forged(&token, &json!({ "alg": "HS256", "typ": "JWT", "kid": kid }), nothing),
            forged(&token, &json!({ "alg": "ES256", "typ": "JWT", "kid": "../../x" }), nothing),
            forged(&token, &json!({ "alg": "ES256", "typ": "JWT" }), nothing),
            forged(&token, &json!({ "alg": "ES256", "typ": "JWT", "kid": kid, "jwk": { "kty": "EC" }, "jku": "https://evil.example" }), nothing),
            format!("{token}x"),
            token[..token.len() - 4].to_owned(),
            "a.b.c".to_owned(),
            "..".to_owned(),
            "x".repeat(5_000),
        ];
        for name in ["sub", "session_id", "exp", "iss", "aud"] {
            cases.push(forged(&token, &header, |claims| claims[name] = json!("00000000-0000-7000-8000-0000000000ff")));
        }
        cases.push(forged(&token, &header, |claims| claims["exp"] = json!(9_999_999_999_i64)));
        for case in cases {
            let answer = app.get("/api/v1/finance/balance").bearer(&case).send().await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"), "{case}");
        }
        drop(app.get("/api/v1/finance/balance").bearer(&token).send().await.expect(200));
    }

    async fn a_wrong_password_and_an_unknown_address_look_the_same(app) {
        drop(app.admin(EMAIL).await);
        let wrong = app.sign_in(EMAIL, "wrong horse battery").await.expect(400);
        let unknown = app.sign_in("nobody@example.com", PASSWORD).await.expect(400);
        assert_eq!(wrong.body, unknown.body);
        let newer = app.post("/auth/v1/token?grant_type=password").header("x-supabase-api-version", "2024-01-01").json(&json!({ "email": EMAIL, "password": "wrong" })).send().await.expect(400);
        assert_eq!(newer.json()["code"], "invalid_credentials");
        assert_eq!(newer.json()["message"], "Invalid login credentials");
        assert_eq!(newer.header("x-supabase-api-version"), Some("2024-01-01"));
        assert_eq!(newer.header("x-sb-error-code"), Some("invalid_credentials"));
    }

    async fn guessing_is_slowed_per_address_and_per_email(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        drop(app.admin(EMAIL).await);
        for _ in 0..10 {
            drop(app.sign_in(EMAIL, "wrong horse battery").await.expect(400));
        }
        let refused = app.sign_in(EMAIL, PASSWORD).await.expect(429);
        assert_eq!(refused.json()["error_code"], "over_request_rate_limit");
        assert!(refused.header("retry-after").is_some());
        app.advance(Span::hours(1));
        drop(app.sign_in(EMAIL, PASSWORD).await.expect(200));
    }

    async fn guesses_at_once_are_not_more_than_guesses_in_turn(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        drop(app.admin(EMAIL).await);
        let answers = join((0..25).map(|_| app.sign_in(EMAIL, "wrong horse battery"))).await;
        assert_eq!(answers.iter().filter(|a| a.status == 400).count(), 10);
        assert_eq!(answers.iter().filter(|a| a.status == 429).count(), 15);
        app.advance(Span::hours(1));
        for _ in 0..12 {
            drop(app.sign_in(EMAIL, PASSWORD).await.expect(200));
        }
    }

    async fn ten_sign_ins_a_minute_from_one_address(app) {
        for _ in 0..10 {
            drop(app.post("/auth/v1/token?grant_type=nonsense").send().await.expect(400));
        }
        drop(app.post("/auth/v1/token?grant_type=nonsense").send().await.expect(429));
    }

    async fn a_refresh_token_is_exchanged_and_reuse_ends_the_session(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        drop(app.admin(EMAIL).await);
        let first = app.sign_in(EMAIL, PASSWORD).await.expect(200).json();
        let exchange = |token: &Value| app.post("/auth/v1/token?grant_type=refresh_token").json(&json!({ "refresh_token": token })).send();
        app.advance(Span::minutes(30));
        let answers = join((0..20).map(|_| exchange(&first["refresh_token"]))).await;
        assert!(answers.iter().all(|a| a.status == 200 && a.json()["refresh_token"] == answers[0].json()["refresh_token"]));
        let second = answers[0].json();
        assert_ne!(second["refresh_token"], first["refresh_token"]);
        app.advance(Span::seconds(121));
        let third = exchange(&second["refresh_token"]).await.expect(200).json();
        let stolen = exchange(&first["refresh_token"]).await.expect(400).json();
        assert_eq!(stolen["error_code"], "refresh_token_already_used");
        assert_eq!(exchange(&third["refresh_token"]).await.expect(400).json()["error_code"], "session_not_found");
        drop(app.get("/api/v1/finance/balance").bearer(third["access_token"].as_str().unwrap()).send().await.expect(401));
        for wrong in [json!("short"), json!("A".repeat(55)), json!(5)] {
            drop(exchange(&wrong).await.expect(400));
        }
    }

    async fn a_session_that_is_used_lasts_and_ends_after_180_days(app) {
        drop(app.admin(EMAIL).await);
        let mut session = app.sign_in(EMAIL, PASSWORD).await.expect(200).json();
        for day in (20..=180).step_by(20) {
            let twenty_days = json!({ "advance_seconds": 20 * 86_400 });
            drop(app.post("/sandbox/clock").json(&twenty_days).send().await.expect(200));
            let answer = app.post("/auth/v1/token?grant_type=refresh_token").json(&json!({ "refresh_token": session["refresh_token"] })).send().await;
            assert_eq!(answer.status, if day < 180 { 200 } else { 400 }, "day {day}");
            session = answer.json();
        }
    }

    async fn sessions_that_ended_are_forgotten_after_30_days(app) {
        drop(app.admin(EMAIL).await);
        let session = app.sign_in(EMAIL, PASSWORD).await.expect(200).json();
        let exchange = async || {
            let body = json!({ "refresh_token": session["refresh_token"] });
            app.run_jobs().await;
            app.post("/auth/v1/token?grant_type=refresh_token").json(&body).send().await.json()["error_code"].clone()
        };
        // It ends after 30 days without a refresh.
        app.advance(Span::days(60));
        assert_eq!(exchange().await, "session_not_found");
        app.advance(Span::milliseconds(1));
        assert_eq!(exchange().await, "refresh_token_not_found");
        let fresh = app.sign_in(EMAIL, PASSWORD).await.expect(200).json();
        app.run_jobs().await;
        drop(app.get("/api/v1/finance/balance").bearer(fresh["access_token"].as_str().unwrap()).send().await.expect(200));
    }

    async fn suspension_ends_sessions_and_a_new_one_may_read(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        let root = app.admin(EMAIL).await;
        let token = app.admin("second@example.com").await;
        let me = app.get("/api/v1/agent/profile").bearer(&token).send().await.expect(200).json();
        let path = format!("/api/v1/admin/users/{}/suspend", me["user_id"].as_str().unwrap());
        drop(app.post(&path).bearer(&root).json(&json!({ "reason": "a test" })).send().await.expect(200));
        drop(app.get("/api/v1/agent/profile").bearer(&token).send().await.expect(401));
        let again = app.sign_in("second@example.com", PASSWORD).await.expect(200).json();
        let token = again["access_token"].as_str().unwrap();
        drop(app.get("/api/v1/agent/profile").bearer(token).send().await.expect(200));
        let write = app.ask("PATCH", "/api/v1/agent/profile").bearer(token).json(&json!({ "bio": "x" })).send().await.expect(403);
        assert_eq!(write.code(), "user_suspended");
        let own = app.get("/api/v1/agent/profile").bearer(&root).send().await.expect(200).json();
        let path = format!("/api/v1/admin/users/{}/suspend", own["user_id"].as_str().unwrap());
        assert_eq!(app.post(&path).bearer(&root).json(&json!({ "reason": "a test" })).send().await.expect(409).code(), "own_account");
    }

    async fn the_public_key_verifies_the_token(app) {
        let token = app.admin(EMAIL).await;
        let keys = app.get("/auth/v1/.well-known/jwks.json").send().await.expect(200);
        assert_eq!(keys.header("cache-control"), Some("public, max-age=600"));
        let jwk = keys.json()["keys"][0].clone();
        let key = jsonwebtoken::DecodingKey::from_ec_components(jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap()).unwrap();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
        validation.set_audience(&["authenticated"]);
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
        assert_eq!(claims["role"], "authenticated");
        assert_eq!(claims["app_metadata"]["role"], "admin");
        assert_eq!(claims["iss"], "http://127.0.0.1:8080/auth/v1");
    }
}

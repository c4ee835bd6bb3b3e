//! Limits: exact in every rolling hour, per minute in memory, told in each answer.

use roborent::base::Span;
use roborent::on_both_engines;

use crate::profiles::join;

on_both_engines! {
    async fn an_hourly_limit_is_exact_under_64_parallel_calls(app) {
        let answers = join((0..64).map(|_| app.post("/api/v1/agent/register").from([6, 6, 6, 6]).send())).await;
        assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 5);
        assert!(answers.iter().filter(|a| a.status != 201).all(|a| a.status == 429 && a.code() == "rate_limited"));
    }

    async fn the_hour_rolls(app) {
        let register = || app.post("/api/v1/agent/register").from([5, 5, 5, 5]).send();
        for _ in 0..5 {
            drop(register().await.expect(201));
            app.advance(Span::minutes(10));
        }
        // 50 minutes after the first: the next one is free in 10.
        assert_eq!(register().await.expect(429).header("retry-after"), Some("600"));
        app.advance(Span::minutes(10));
        drop(register().await.expect(201));
        assert_eq!(register().await.expect(429).header("retry-after"), Some("600"));
    }

    async fn a_refused_call_gives_its_unit_back(app) {
        for _ in 0..20 {
            drop(app.post("/api/v1/agent/register").from([4, 4, 4, 4]).body(r#"{"referral_code":"nobody"}"#).send().await.expect(422));
        }
        for _ in 0..5 {
            drop(app.post("/api/v1/agent/register").from([4, 4, 4, 4]).send().await.expect(201));
        }
        drop(app.post("/api/v1/agent/register").from([4, 4, 4, 4]).send().await.expect(429));
    }

    async fn reads_are_counted_per_user_over_all_keys(app) {
        let bot = app.bot().await;
        let other = app.bot().await;
        let made = app.post("/api/v1/agent/keys").key(&bot).send().await.expect(201).json();
        let second = made["api_key"].as_str().unwrap();
        for left in (0..119).rev() {
            let answer = app.get("/api/v1/finance/balance").bearer(second).send().await.expect(200);
            assert_eq!(answer.header("ratelimit-policy"), Some("\"read\";q=120;w=60"));
            assert!(answer.header("ratelimit").unwrap().starts_with(&format!("\"read\";r={left};t=")));
        }
        let refused = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(429);
        assert_eq!(refused.code(), "rate_limited");
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert!(refused.header("ratelimit").unwrap().starts_with("\"read\";r=0;"));
        drop(app.get("/api/v1/finance/balance").key(&other).send().await.expect(200));
        app.advance(Span::minutes(1));
        drop(app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200));
    }

    async fn what_is_wrong_with_a_request_is_told_after_it_was_counted(app) {
        let bot = app.bot().await;
        let asks = || {
            vec![
                (app.post("/api/v1/agent/keys").body("{"), 400, "invalid_json"),
                (app.post("/api/v1/agent/keys").body("{\"name\":1,\"name\":2}"), 400, "field_twice"),
                (app.post("/api/v1/agent/keys").body("{\"name\":25.0000000000000001}"), 422, "invalid_field"),
                (app.post("/api/v1/agent/keys").body("{\"name\":1}"), 422, "invalid_field"),
                (app.post("/api/v1/agent/keys").body(vec![b' '; 256 * 1024 + 1]), 413, "body_too_large"),
                (app.post("/api/v1/agent/keys").header("content-length", "999999999999"), 413, "body_too_large"),
                (app.post("/api/v1/agent/keys").header("idempotency-key", ""), 400, "idempotency_key_invalid"),
                (app.post("/api/v1/agent/keys").header("idempotency-key", "a").header("idempotency-key", "b"), 400, "idempotency_key_invalid"),
                (app.get("/api/v1/finance/transactions?limit=1&limit=2"), 400, "field_twice"),
                (app.post("/api/v1/agent/keys/%ff/rotate"), 404, "not_found"),
                (app.post("/api/v1/agent/keys/1/rotate"), 422, "invalid_field"),
            ]
        };
        let mut left = 120;
        for (ask, status, code) in asks() {
            let answer = ask.key(&bot).send().await.expect(status);
            left -= 1;
            assert_eq!(answer.code(), code);
            assert_eq!(answer.header("ratelimit-policy"), Some("\"read\";q=120;w=60"), "{code}");
            assert!(answer.header("ratelimit").unwrap().starts_with(&format!("\"read\";r={left};t=")), "{code}: {left}");
        }
        for (ask, _, _) in asks() {
            let answer = ask.send().await.expect(401);
            assert_eq!((answer.code().as_str(), answer.header("ratelimit")), ("authentication_required", None), "who may not call learns nothing");
        }
    }

    async fn forged_addresses_do_not_help(app) {
        for n in 0..5 {
            drop(app.post("/api/v1/agent/register").from([3, 3, 3, 3]).header("x-forwarded-for", &format!("1.2.3.{n}")).send().await.expect(201));
        }
        let forged = app.post("/api/v1/agent/register").from([3, 3, 3, 3]).header("x-forwarded-for", "4.4.4.4").header("x-real-ip", "4.4.4.4").header("forwarded", "for=4.4.4.4");
        drop(forged.send().await.expect(429));
    }

    async fn old_uses_are_forgotten(app) {
        for _ in 0..5 {
            drop(app.post("/api/v1/agent/register").from([2, 2, 2, 2]).send().await.expect(201));
        }
        app.run_jobs().await;
        drop(app.post("/api/v1/agent/register").from([2, 2, 2, 2]).send().await.expect(429));
        app.advance(Span::hours(1));
        app.run_jobs().await;
        for _ in 0..5 {
            drop(app.post("/api/v1/agent/register").from([2, 2, 2, 2]).send().await.expect(201));
        }
        drop(app.post("/api/v1/agent/register").from([2, 2, 2, 2]).send().await.expect(429));
    }

    async fn a_limit_may_also_be_kept_in_memory(app, |config| config.limits.register = "3/min".parse().unwrap()) {
        for _ in 0..3 {
            drop(app.post("/api/v1/agent/register").send().await.expect(201));
        }
        assert_eq!(app.post("/api/v1/agent/register").send().await.expect(429).header("retry-after"), Some("20"));
    }

    async fn a_read_may_be_limited_by_the_hour(app, |config| config.limits.read = "3/h".parse().unwrap()) {
        let bot = app.bot().await;
        for left in (0..3).rev() {
            let answer = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200);
            assert_eq!(answer.header("ratelimit-policy"), Some("\"read\";q=3;w=3600"));
            assert!(answer.header("ratelimit").unwrap().starts_with(&format!("\"read\";r={left};t=")));
        }
        assert_eq!(app.get("/api/v1/finance/balance").key(&bot).send().await.expect(429).header("retry-after"), Some("3600"));
    }
}

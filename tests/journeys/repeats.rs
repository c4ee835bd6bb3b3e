//! Repeated calls: the first answer again, and one effect.

use roborent::base::Span;
use roborent::on_both_engines;
use serde_json::json;

use crate::profiles::join;

on_both_engines! {
    async fn a_repeated_call_gets_the_first_answer_byte_for_byte(app) {
        let bot = app.bot().await;
        let body = json!({ "user_id": bot.user_id, "usdt": 5 });
        let first = app.post("/sandbox/faucet").header("idempotency-key", "pour-1").json(&body).send().await.expect(200);
        assert_eq!(first.header("idempotency-replayed"), None);
        app.advance(Span::hours(1));
        let same = format!("{{ \"usdt\":5, \"user_id\":\"{}\" }}", bot.user_id);
        let again = app.post("/sandbox/faucet").header("idempotency-key", "\"pour-1\"").body(same).send().await.expect(200);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.body, first.body);
        let balance = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200).json();
        assert_eq!(balance["total_balance"], 5.0);
    }

    async fn the_same_key_with_other_input_is_refused(app) {
        let bot = app.bot().await;
        let pour = |usdt: u32| app.post("/sandbox/faucet").header("idempotency-key", "pour-2").json(&json!({ "user_id": bot.user_id, "usdt": usdt })).send();
        drop(pour(5).await.expect(200));
        assert_eq!(pour(6).await.expect(422).code(), "idempotency_key_reused");
        drop(pour(5).await.expect(200));
        let balance = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200).json();
        assert_eq!(balance["total_balance"], 5.0);
    }

    async fn fifty_repeats_at_once_have_one_effect(app) {
        let bot = app.bot().await;
        let body = json!({ "user_id": bot.user_id, "usdt": 5 });
        let asks = (0..50).map(|_| app.post("/sandbox/faucet").header("idempotency-key", "pour-3").json(&body).send());
        let answers = join(asks).await;
        assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
        assert_eq!(answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count(), 1);
        let balance = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200).json();
        assert_eq!(balance["total_balance"], 5.0);
    }

    async fn a_repeat_that_would_be_refused_now_gets_the_first_answer(app) {
        let bot = app.bot().await;
        let token = app.admin("root@example.com").await;
        let path = format!("/api/v1/admin/users/{}/suspend", bot.user_id);
        let suspend = |key: &str, reason: &str| app.post(&path).bearer(&token).header("idempotency-key", key).json(&json!({ "reason": reason })).send();
        let answers = join((0..20).map(|_| suspend("decision-1", "a test"))).await;
        assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
        assert_eq!(answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count(), 1);
        assert_eq!(suspend("decision-1", "another reason").await.expect(422).code(), "idempotency_key_reused");
        assert_eq!(suspend("decision-2", "a test").await.expect(409).code(), "not_active");
        assert_eq!(suspend("decision-1", "a test").await.expect(200).header("idempotency-replayed"), Some("true"));
    }

    async fn a_repeat_is_free_when_the_hour_is_used_up(app, |config| config.limits.read = "2/h".parse().unwrap()) {
        let bot = app.bot().await;
        let token = app.admin("root@example.com").await;
        let decide = |what: &str, key: &str| {
            app.post(&format!("/api/v1/admin/users/{}/{what}", bot.user_id)).bearer(&token).header("idempotency-key", key).json(&json!({ "reason": "a test" })).send()
        };
        drop(decide("suspend", "first").await.expect(200));
        for _ in 0..3 {
            assert_eq!(decide("suspend", "first").await.expect(200).header("idempotency-replayed"), Some("true"));
        }
        drop(decide("restore", "second").await.expect(200));
        assert_eq!(decide("suspend", "third").await.expect(429).code(), "rate_limited");
        for (what, key) in [("suspend", "first"), ("restore", "second")] {
            assert_eq!(decide(what, key).await.expect(200).header("idempotency-replayed"), Some("true"));
        }
    }

    async fn another_callers_key_is_another_key(app) {
        let bot = app.bot().await;
        let body = json!({ "user_id": bot.user_id, "usdt": 5 });
        for address in [[1, 1, 1, 1], [1, 1, 1, 2]] {
            drop(app.post("/sandbox/faucet").header("idempotency-key", "pour-4").from(address).json(&body).send().await.expect(200));
        }
        let balance = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200).json();
        assert_eq!(balance["total_balance"], 10.0);
    }

    async fn a_refused_call_leaves_no_record(app) {
        let bot = app.bot().await;
        let key = "pour-5";
        drop(app.post("/sandbox/faucet").header("idempotency-key", key).json(&json!({ "user_id": bot.user_id, "usdt": -1 })).send().await.expect(422));
        drop(app.post("/sandbox/faucet").header("idempotency-key", key).json(&json!({ "user_id": bot.user_id, "usdt": 1 })).send().await.expect(200));
    }

    async fn answers_with_a_secret_are_not_stored(app) {
        let bot = app.bot().await;
        let make = || app.post("/api/v1/agent/keys").key(&bot).header("idempotency-key", "make-1").send();
        let (first, second) = (make().await.expect(201).json(), make().await.expect(201).json());
        assert_ne!(first["api_key"], second["api_key"]);
    }

    async fn an_unusable_key_is_refused(app) {
        let bot = app.bot().await;
        let body = json!({ "user_id": bot.user_id, "usdt": 5 });
        for key in ["", "\"\"", &"k".repeat(256), "tab\there"] {
            let answer = app.post("/sandbox/faucet").header("idempotency-key", key).json(&body).send().await;
            assert_eq!((answer.status, answer.code().as_str()), (400, "idempotency_key_invalid"), "{key:?}");
        }
    }

    async fn answers_are_forgotten_after_seven_days(app) {
        let bot = app.bot().await;
        let pour = || app.post("/sandbox/faucet").header("idempotency-key", "pour-6").json(&json!({ "user_id": bot.user_id, "usdt": 5 })).send();
        drop(pour().await.expect(200));
        app.advance(Span::days(7));
        app.run_jobs().await;
        assert_eq!(pour().await.expect(200).header("idempotency-replayed"), Some("true"));
        app.advance(Span::milliseconds(1));
        app.run_jobs().await;
        assert_eq!(pour().await.expect(200).header("idempotency-replayed"), None);
    }
}

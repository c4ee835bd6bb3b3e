//! Payouts that wait: nothing is burnt, nothing is lost, and they go out when they can.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::{Bot, TestApp};
use serde_json::json;

use crate::payouts::cast;
use crate::{OUTSIDE, available, chain, gateway, let_out, on_chain, order, settle, status};

/// How many of them are like this.
async fn how_many(app: &TestApp, bot: &Bot, ids: &[String], wanted: &str) -> usize {
    let mut found = 0;
    for id in ids {
        found += usize::from(status(app, bot, id).await == wanted);
    }
    found
}

on_both_engines! {
    async fn a_hot_wallet_without_trx_delays_and_burns_nothing(app, |config| {
        config.withdrawals.daily_count = 100;
        config.limits.withdraw = roborent::base::limit::Limit::per_minute(1_000);
        config.chain.fee_limit_max_trx = 15_000;
    }) {
        let (bot, admin) = cast(app).await;
        chain(app, "faucet", &json!({ "address": OUTSIDE, "usdt": "1" }));
        settle(app).await;
        // A transfer burns 10,928 TRX and may burn 14,207; there are 100,000.
        chain(app, "energy_price", &json!({ "sun": 170_000 }));
        settle(app).await;
        let mut ids = Vec::new();
        for n in 0..10 {
            ids.push(let_out(app, &bot, &admin, &format!("w{n}"), "25", OUTSIDE).await);
        }
        app.gateway().round().await;
        assert_eq!(how_many(app, &bot, &ids, "sending").await, 7, "all of them may take all they may");
        for _ in 0..3 {
            settle(app).await;
            app.advance(Span::seconds(11));
        }
        assert_eq!((how_many(app, &bot, &ids, "completed").await, how_many(app, &bot, &ids, "queued").await), (8, 2));
        let waiting = app.get("/api/v1/admin/orders?state=approved").key(&admin).send().await.expect(200).json();
        for order in waiting["items"].as_array().unwrap() {
            assert_eq!((&order["problem"], &order["attempts"]), (&json!("the hot wallet is low on TRX"), &json!([])));
        }
        let hot = gateway(app, &admin).await["hot_address"].clone();
        chain(app, "faucet", &json!({ "address": hot, "trx": "100000" }));
        settle(app).await;
        app.advance(Span::seconds(11));
        settle(app).await;
        assert_eq!(how_many(app, &bot, &ids, "completed").await, 10);
        for id in &ids {
            let paid = order(app, &admin, "confirmed", id).await.unwrap();
            assert_eq!(paid["attempts"].as_array().unwrap().len(), 1, "{paid}");
        }
    }

    async fn what_the_database_forgot_is_waited_for(app) {
        let (bot, admin) = cast(app).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("signed");
        let read = || std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{}\n", "ab".repeat(32))).unwrap();
        app.gateway().remember_in(file.clone());
        app.gateway().prepare().await.unwrap();
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        for _ in 0..5 {
            settle(app).await;
            app.advance(Span::minutes(1));
        }
        assert_eq!((status(app, &bot, &id).await, on_chain(app, OUTSIDE)), ("queued".into(), 0));
        assert_eq!(read().trim(), "ab".repeat(32), "the next process waits for it, too");
        app.advance(Span::minutes(3));
        chain(app, "mine", &json!({ "blocks": 25 }));
        app.gateway().round().await;
        let attempt = order(app, &admin, "in_flight", &id).await.unwrap()["attempts"][0]["txid"].as_str().unwrap().to_owned();
        assert_eq!(read().trim(), attempt, "it is remembered before it is sent");
        settle(app).await;
        settle(app).await;
        assert_eq!((status(app, &bot, &id).await, on_chain(app, OUTSIDE), read()), ("completed".into(), 23_500_000, String::new()));
    }

    async fn an_admin_gives_back_what_waits(app) {
        let (bot, admin) = cast(app).await;
        chain(app, "token", &json!({ "paused": true }));
        chain(app, "mine", &json!({ "blocks": 1 }));
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        settle(app).await;
        assert_eq!((status(app, &bot, &id).await, available(app, &bot).await), ("queued".into(), json!(975.0)));
        let path = format!("/api/v1/admin/orders/{id}/refund");
        let refund = || app.post(&path).key(&admin).json(&json!({ "reason": "the token stands still" }));
        assert_eq!(refund().send().await.expect(200).json()["state"], "refunded");
        assert_eq!(refund().send().await.expect(409).code(), "needs_no_operator");
        assert_eq!((status(app, &bot, &id).await, available(app, &bot).await), ("refunded".into(), json!(1_000.0)));
        chain(app, "token", &json!({ "paused": false }));
        settle(app).await;
        app.advance(Span::seconds(11));
        settle(app).await;
        assert_eq!(on_chain(app, OUTSIDE), 0, "nothing leaves afterwards");
    }
}

//! A token that keeps a part of each transfer: what arrives is what the log says, and a payout that came out short is settled
//! by nobody but an admin.

use roborent::base::{Span, Usdt};
use roborent::on_both_engines;
use roborent::testing::{Bot, TestApp};
use serde_json::{Value, json};

use crate::{OUTSIDE, address_of, admin_of, available, chain, get, let_out, on_chain, order, settle, status};

/// The token keeps a thousandth.
fn keep_a_part(app: &TestApp) {
    chain(app, "token", &json!({ "fee_bps": 10 }));
    chain(app, "mine", &json!({ "blocks": 1 }));
}

async fn decide(app: &TestApp, admin: &Bot, id: &str, verb: &str, mut body: Value) -> roborent::testing::Answered {
    body["reason"] = "looked at it".into();
    app.post(&format!("/api/v1/admin/orders/{id}/{verb}")).key(admin).json(&body).send().await
}

on_both_engines! {
    async fn a_deposit_is_what_arrived_and_not_what_was_sent(app) {
        let bot = app.bot().await;
        let address = address_of(app, &bot).await;
        keep_a_part(app);
        chain(app, "faucet", &json!({ "address": address, "usdt": "100" }));
        settle(app).await;
        assert_eq!(on_chain(app, &address), 99_900_000);
        assert_eq!(available(app, &bot).await, 99.9);
        let open = app.get("/api/v1/transparency").send().await.expect(200).json();
        assert_eq!(open["difference"], 0.0);
    }

    async fn a_payout_that_came_out_short_waits_for_an_admin_however_long(app) {
        let (bot, admin) = (app.rich_bot(1_000).await, admin_of(app, "root@example.com").await);
        keep_a_part(app);
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        settle(app).await;
        settle(app).await;
        assert_eq!(on_chain(app, OUTSIDE), 23_476_500, "it left, and less arrived");
        for _ in 0..3 {
            let waiting = order(app, &admin, "needs_operator", &id).await.expect("nobody settles it silently");
            assert_eq!(waiting["attempts"].as_array().unwrap().len(), 1);
            assert_eq!(status(app, &bot, &id).await, "sending");
            assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["held_balance"], 25.0);
            app.advance(Span::days(2));
            app.run_jobs().await;
            settle(app).await;
        }
        assert_eq!(on_chain(app, OUTSIDE), 23_476_500, "once");
        for verb in ["retry", "refund"] {
            assert_eq!(decide(app, &admin, &id, verb, json!({})).await.expect(409).code(), "happened_already", "{verb}");
        }
        let txid = order(app, &admin, "needs_operator", &id).await.unwrap()["attempts"][0]["txid"].clone();
        assert_eq!(decide(app, &admin, &id, "confirm", json!({ "txid": txid })).await.expect(200).json()["state"], "confirmed");
        assert_eq!(status(app, &bot, &id).await, "completed");
        let open = app.get("/api/v1/transparency").send().await.expect(200).json();
        assert_eq!(open["difference"], 0.0, "the fee was the recipient's");
    }

    async fn a_sweep_that_came_out_short_is_not_made_again(app) {
        let admin = admin_of(app, "root@example.com").await;
        let bot = app.rich_bot(120).await;
        let address = address_of(app, &bot).await;
        for round in 0..6 {
            app.gateway().sweep_now().await.unwrap();
            settle(app).await;
            if round == 0 {
                keep_a_part(app);
            }
        }
        assert_eq!(on_chain(app, &address), 0);
        let list = app.get("/api/v1/admin/orders").key(&admin).send().await.expect(200).json();
        assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["kind"]), (1, &json!("sweep")));
        assert_eq!(available(app, &bot).await, 120.0, "what a sweep loses is not the user's");
        let lost = Usdt::from_micro(120_000);
        let open = app.get("/api/v1/transparency").send().await.expect(200).json();
        assert_eq!(open["difference"], serde_json::to_value(lost.negated()).unwrap(), "it is missing, and the audit says so");
        app.forget_shapes();
    }
}

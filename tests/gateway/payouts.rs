//! A payout leaves once, whatever nodes say and whatever the chain forgets.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::{Bot, TestApp};
use serde_json::{Value, json};

use crate::{OUTSIDE, admin_of, available, chain, frozen, gateway, get, let_out, on_chain, order, settle, status};

/// A rich bot and an admin.
pub(crate) async fn cast(app: &TestApp) -> (Bot, Bot) {
    (app.rich_bot(1_000).await, admin_of(app, "root@example.com").await)
}

fn faults(app: &TestApp, rules: &Value) {
    chain(app, "faults", &json!({ "rules": rules }));
}

/// Lets time pass until a payment that did not get in is dead.
async fn expire(app: &TestApp) {
    app.advance(Span::minutes(8));
    settle(app).await;
    settle(app).await;
}

on_both_engines! {
    async fn the_whole_way_of_a_payout_is_told(app) {
        let (bot, admin) = cast(app).await;
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        app.gateway().round().await;
        assert_eq!(status(app, &bot, &id).await, "sending");
        assert_eq!(app.post(&format!("/api/v1/finance/withdrawals/{id}/cancel")).key(&bot).send().await.expect(409).code(), "not_cancellable");
        settle(app).await;
        let done = get(app, &bot, &format!("/api/v1/finance/withdrawals/{id}")).await;
        assert_eq!(done["status"], "completed");
        let timeline: Vec<&Value> = done["timeline"].as_array().unwrap().iter().map(|step| &step["status"]).collect();
        assert_eq!(timeline, ["queued", "in_review", "queued", "sending", "completed"]);
        assert_eq!(done["txid"].as_str().unwrap().len(), 64);
        assert_eq!(on_chain(app, OUTSIDE), 23_500_000);
        assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["held_balance"], 0.0);
        let paid = order(app, &admin, "confirmed", &id).await.unwrap();
        assert_eq!(paid["attempts"].as_array().unwrap().len(), 1);
    }

    async fn two_equal_payouts_in_one_millisecond_are_two_payments(app, |config| config.withdrawals.daily_count = 10) {
        let (bot, admin) = cast(app).await;
        let one = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        let two = let_out(app, &bot, &admin, "w2", "25", OUTSIDE).await;
        settle(app).await;
        assert_eq!((status(app, &bot, &one).await, status(app, &bot, &two).await), ("completed".into(), "completed".into()));
        assert_eq!(on_chain(app, OUTSIDE), 47_000_000);
    }

    async fn what_a_node_replies_decides_nothing(app, |config| config.withdrawals.daily_count = 100) {
        let (bot, admin) = cast(app).await;
        let unclear = ["SERVER_BUSY", "NO_CONNECTION", "NOT_ENOUGH_EFFECTIVE_CONNECTION", "BLOCK_UNSOLIDIFIED", "OTHER_ERROR", "A_NEW_CODE", "DUP_TRANSACTION_ERROR"];
        let mut paid = 0;
        for (n, code) in (1..).zip(unclear) {
            for kind in ["refuse", "accept_then_refuse"] {
                faults(app, &json!([{ "kind": kind, "code": code, "times": 1 }]));
                let id = let_out(app, &bot, &admin, &format!("{kind}{n}"), "20", OUTSIDE).await;
                app.gateway().round().await;
                assert_eq!(status(app, &bot, &id).await, "sending", "{kind} {code}");
                app.advance(Span::seconds(20));
                settle(app).await;
                assert_eq!(status(app, &bot, &id).await, "completed", "{kind} {code}");
                paid += 18_500_000;
                assert_eq!(on_chain(app, OUTSIDE), paid, "{kind} {code}");
                app.advance(Span::hours(1));
                settle(app).await;
            }
        }
        for fault in [json!({ "kind": "accept_then_timeout", "times": 1 }), json!({ "kind": "hang_up", "endpoint": "broadcasthex", "times": 1 }), json!({ "kind": "dup_before_validation", "times": 1 })] {
            faults(app, &json!([fault]));
            let id = let_out(app, &bot, &admin, &fault.to_string(), "20", OUTSIDE).await;
            settle(app).await;
            app.advance(Span::seconds(20));
            settle(app).await;
            assert_eq!(status(app, &bot, &id).await, "completed", "{fault}");
            paid += 18_500_000;
            assert_eq!(on_chain(app, OUTSIDE), paid, "{fault}");
            app.advance(Span::hours(1));
            settle(app).await;
        }
    }

    async fn what_nodes_refuse_waits_for_its_proof_and_is_tried_again(app, |config| config.withdrawals.daily_count = 100) {
        let (bot, admin) = cast(app).await;
        let refused = ["SIGERROR", "CONTRACT_VALIDATE_ERROR", "CONTRACT_EXE_ERROR", "BANDWITH_ERROR", "TAPOS_ERROR", "TOO_BIG_TRANSACTION_ERROR", "TRANSACTION_EXPIRATION_ERROR"];
        for (n, code) in (1_i64..).zip(refused) {
            faults(app, &json!([{ "kind": "refuse", "code": code, "times": 1 }]));
            let id = let_out(app, &bot, &admin, code, "20", OUTSIDE).await;
            settle(app).await;
            app.advance(Span::seconds(60));
            settle(app).await;
            let waiting = order(app, &admin, "in_flight", &id).await.unwrap();
            assert_eq!(waiting["attempts"][0]["sends"], 1, "{code}: it is not sent again");
            expire(app).await;
            let done = order(app, &admin, "confirmed", &id).await.unwrap();
            assert_eq!((&done["attempts"][0]["state"], &done["attempts"][1]["state"]), (&json!("dead"), &json!("confirmed")), "{code}");
            assert_eq!(on_chain(app, OUTSIDE), 18_500_000 * n, "{code}");
            app.advance(Span::hours(1));
            settle(app).await;
        }
    }

    async fn what_the_network_forgets_is_sent_again_and_after_five_deaths_an_admin_decides(app) {
        let (bot, admin) = cast(app).await;
        faults(app, &json!([{ "kind": "accept_then_drop", "times": 1 }]));
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        app.gateway().round().await;
        app.advance(Span::seconds(20));
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed", "the same bytes once more");
        assert_eq!(order(app, &admin, "confirmed", &id).await.unwrap()["attempts"].as_array().unwrap().len(), 1);

        app.advance(Span::hours(30));
        faults(app, &json!([{ "kind": "accept_then_drop" }]));
        let id = let_out(app, &bot, &admin, "w2", "26.5", OUTSIDE).await;
        for _ in 0..5 {
            settle(app).await;
            expire(app).await;
        }
        let stuck = order(app, &admin, "needs_operator", &id).await.unwrap();
        assert_eq!(stuck["attempts"].as_array().unwrap().len(), 5);
        assert!(stuck["attempts"].as_array().unwrap().iter().all(|attempt| attempt["state"] == "dead"));
        assert_eq!(status(app, &bot, &id).await, "sending");
        let decide = |verb: &str| app.post(&format!("/api/v1/admin/orders/{id}/{verb}")).key(&admin).json(&json!({ "reason": "looked at it" }));
        drop(decide("retry").send().await.expect(200));
        expire(app).await;
        assert_eq!(decide("refund").send().await.expect(200).json()["state"], "refunded");
        assert_eq!(decide("refund").send().await.expect(409).code(), "needs_no_operator");
        assert_eq!(status(app, &bot, &id).await, "refunded");
        faults(app, &json!([]));
        settle(app).await;
        assert_eq!(on_chain(app, OUTSIDE), 23_500_000, "the second one never left");
        assert_eq!(get(app, &bot, "/api/v1/finance/balance").await, json!({ "available_balance": 975.0, "held_balance": 0.0, "total_balance": 975.0 }));
    }

    async fn a_jump_of_two_days_kills_what_is_in_flight_and_pays_it_once(app) {
        let (bot, admin) = cast(app).await;
        chain(app, "hold", &json!({ "holding": true }));
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        app.gateway().round().await;
        app.advance(Span::hours(48));
        chain(app, "hold", &json!({ "holding": false }));
        settle(app).await;
        settle(app).await;
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed");
        assert_eq!(on_chain(app, OUTSIDE), 23_500_000);
    }

    async fn the_last_legal_block_counts(app) {
        let (bot, admin) = cast(app).await;
        chain(app, "hold", &json!({ "holding": true }));
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        app.gateway().round().await;
        app.advance(Span::seconds(50));
        chain(app, "hold", &json!({ "holding": false }));
        chain(app, "mine", &json!({ "blocks": 1 }));
        app.advance(Span::minutes(10));
        settle(app).await;
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed");
        assert_eq!(order(app, &admin, "confirmed", &id).await.unwrap()["attempts"].as_array().unwrap().len(), 1);
        assert_eq!(on_chain(app, OUTSIDE), 23_500_000);
    }

    async fn what_the_token_refuses_for_now_waits_and_says_why(app) {
        let (bot, admin) = cast(app).await;
        chain(app, "blacklist", &json!({ "address": gateway(app, &admin).await["hot_address"] }));
        chain(app, "mine", &json!({ "blocks": 1 }));
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        settle(app).await;
        let waiting = get(app, &bot, &format!("/api/v1/finance/withdrawals/{id}")).await;
        assert_eq!(waiting["status"], "queued", "the token refuses for now: it waits");
        assert!(waiting["reason"].as_str().unwrap().starts_with("delayed: "), "{waiting}");
        chain(app, "blacklist", &json!({ "address": gateway(app, &admin).await["hot_address"], "on": false }));
        chain(app, "mine", &json!({ "blocks": 1 }));
        app.advance(Span::seconds(11));
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed");
    }

    async fn too_little_energy_burns_the_fee_and_is_tried_with_more(app) {
        let (bot, admin) = cast(app).await;
        chain(app, "hold", &json!({ "holding": true }));
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        app.gateway().round().await;
        // It was estimated at another price.
        chain(app, "energy_price", &json!({ "sun": 200 }));
        chain(app, "hold", &json!({ "holding": false }));
        settle(app).await;
        settle(app).await;
        let done = order(app, &admin, "confirmed", &id).await;
        let attempts = done.as_ref().unwrap_or(&Value::Null)["attempts"].clone();
        assert_eq!((&attempts[0]["state"], &attempts[1]["state"]), (&json!("failed"), &json!("confirmed")), "{attempts}");
        assert_eq!(on_chain(app, OUTSIDE), 23_500_000);
        assert_eq!(status(app, &bot, &id).await, "completed");
    }

    async fn an_empty_hot_wallet_delays_and_fails_nobody(app, |config| config.withdrawals.daily_cap = roborent::base::Usdt::from_micro(1_000_000_000_000)) {
        let (bot, admin) = cast(app).await;
        let out = json!({ "amount": 99_990, "address": OUTSIDE, "reason": "all of it" });
        drop(app.post("/api/v1/admin/gateway/float-out").key(&admin).json(&out).send().await.expect(201));
        settle(app).await;
        let before = on_chain(app, OUTSIDE);
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        settle(app).await;
        let waiting = get(app, &bot, &format!("/api/v1/finance/withdrawals/{id}")).await;
        assert_eq!((waiting["status"].as_str(), waiting["txid"].as_str()), (Some("queued"), None), "{waiting}");
        let hot = gateway(app, &admin).await["hot_address"].clone();
        chain(app, "faucet", &json!({ "address": hot, "usdt": "1000" }));
        settle(app).await;
        app.advance(Span::seconds(11));
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed");
        assert_eq!(on_chain(app, OUTSIDE), before + 23_500_000);
    }

    async fn a_payment_that_nobody_ordered_stops_everything(app) {
        let (bot, admin) = cast(app).await;
        let key = roborent::gateway::sandbox_keys::hot();
        let (txid, _) = pay_by_hand(app, &key, 23_500_000).await;
        settle(app).await;
        let state = gateway(app, &admin).await;
        assert!(frozen(&state).contains(&"unknown_payment"), "{state}");
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "queued", "the database may be an old copy");
        // It was this withdrawal, paid before the copy was made.
        let open = order(app, &admin, "approved", &id).await.unwrap();
        assert_eq!(open["attempts"], json!([]));
        assert_eq!((&state["unknown_payments"][0]["txid"], &state["unknown_payments"][0]["amount"]), (&json!(txid), &json!(23.5)));
        let refund = app.post(&format!("/api/v1/admin/orders/{id}/refund")).key(&admin).json(&json!({ "reason": "it waits" }));
        assert_eq!(refund.send().await.expect(409).code(), "happened_already");
        let cancel = app.post(&format!("/api/v1/finance/withdrawals/{id}/cancel")).key(&bot);
        assert_eq!(cancel.send().await.expect(409).code(), "not_cancellable");
        let confirm = |id: &str| app.post(&format!("/api/v1/admin/orders/{id}/confirm")).key(&admin).json(&json!({ "txid": txid, "reason": "paid before" }));
        assert_eq!(confirm(&id).send().await.expect(200).json()["state"], "confirmed");
        assert_eq!(status(app, &bot, &id).await, "completed");
        for reason in frozen(&gateway(app, &admin).await) {
            let lift = json!({ "freeze": reason, "reason": "understood" });
            drop(app.post("/api/v1/admin/gateway/unfreeze").key(&admin).json(&lift).send().await.expect(200));
        }
        settle(app).await;
        assert_eq!(frozen(&gateway(app, &admin).await), [""; 0]);
        assert_eq!(on_chain(app, OUTSIDE), 23_500_000, "once");
        let open = app.get("/api/v1/transparency").send().await.expect(200).json();
        assert_eq!(open["difference"], 0.0);
    }

    async fn what_may_be_paid_is_not_given_back_by_a_refusal_of_the_token(app) {
        let (bot, admin) = cast(app).await;
        let (txid, _) = pay_by_hand(app, &roborent::gateway::sandbox_keys::hot(), 23_500_000).await;
        settle(app).await;
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        chain(app, "blacklist", &json!({ "address": OUTSIDE }));
        chain(app, "token", &json!({ "paused": true }));
        chain(app, "mine", &json!({ "blocks": 4 }));
        app.advance(Span::seconds(11));
        settle(app).await;
        let waiting = order(app, &admin, "approved", &id).await.unwrap();
        assert_eq!(waiting["problem"], "it may be what left without an order");
        assert_eq!((status(app, &bot, &id).await, available(app, &bot).await), ("queued".into(), json!(975.0)));
        let confirm = app.post(&format!("/api/v1/admin/orders/{id}/confirm")).key(&admin).json(&json!({ "txid": txid, "reason": "paid before" }));
        assert_eq!(confirm.send().await.expect(200).json()["state"], "confirmed");
    }

    async fn a_freeze_stops_signing_until_it_is_lifted(app) {
        let (bot, admin) = cast(app).await;
        drop(app.post("/api/v1/admin/gateway/freeze").key(&admin).json(&json!({ "reason": "moving house" })).send().await.expect(200));
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "queued");
        app.pour(bot.user_id, 5).await;
        assert_eq!(available(app, &bot).await, 980.0, "deposits go on");
        let lift = json!({ "freeze": "operator", "reason": "moved" });
        drop(app.post("/api/v1/admin/gateway/unfreeze").key(&admin).json(&lift).send().await.expect(200));
        app.advance(Span::seconds(11));
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed");
    }

    async fn taken_back_while_it_is_signed_is_either_or(app, |config| {
        config.limits.withdraw = roborent::base::limit::Limit::per_hour(1_000);
        config.withdrawals.daily_count = 1_000;
    }) {
        let (bot, admin) = cast(app).await;
        let mut paid = 0;
        for n in 0..20 {
            let id = let_out(app, &bot, &admin, &n.to_string(), "20", OUTSIDE).await;
            let cancel = app.post(&format!("/api/v1/finance/withdrawals/{id}/cancel")).key(&bot).send();
            let (cancelled, ()) = tokio::join!(cancel, app.gateway().round());
            settle(app).await;
            settle(app).await;
            let ended = status(app, &bot, &id).await;
            assert_eq!(ended, if cancelled.status == 200 { "cancelled" } else { "completed" });
            paid += if ended == "completed" { 18_500_000 } else { 0 };
            assert_eq!(on_chain(app, OUTSIDE), paid);
        }
    }
}

/// The operator, or a thief, pays with the key of the hot wallet and writes nothing down.
async fn pay_by_hand(app: &TestApp, key: &tron::SecretKey, units: i64) -> (String, i64) {
    let info = app.get("/sandbox").send().await.expect(200).json();
    let parse = |value: &Value| tron::Address::parse_base58(value.as_str().unwrap()).unwrap();
    let head = app.devnet().request(0, "/walletsolidity/getnowblock", b"{}").body;
    let head: Value = serde_json::from_str(&head).unwrap();
    let id = tron::BlockId::from_bytes(tron::hex::decode_array(head["blockID"].as_str().unwrap()).unwrap());
    let now = app.now().as_milliseconds();
    let transaction = tron::Transaction {
        reference: tron::RefBlock::of(&id),
        expiration_ms: now + 120_000,
        timestamp_ms: now,
        fee_limit_sun: 30_000_000,
        contract: tron::Contract::TokenTransfer {
            owner: key.address(),
            token: parse(&info["usdt_contract"]),
            to: tron::Address::parse_base58(OUTSIDE).unwrap(),
            units,
        },
    };
    let signed = transaction.sign(key).unwrap();
    let sent = app.devnet().request(0, "/wallet/broadcasthex", json!({ "transaction": signed.to_hex() }).to_string().as_bytes());
    assert!(sent.body.contains("SUCCESS"), "{}", sent.body);
    (signed.txid().to_string(), units)
}

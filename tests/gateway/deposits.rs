//! What arrives is credited once, and nothing else is.

use roborent::base::{Span, Usdt};
use roborent::on_both_engines;
use serde_json::{Value, json};

use crate::{OUTSIDE, address_of, admin_of, available, chain, frozen, gateway, get, let_out, on_chain, settle};

on_both_engines! {
    async fn a_transfer_is_credited_once_however_often_it_is_read(app) {
        let bot = app.bot().await;
        let address = address_of(app, &bot).await;
        assert_eq!(address, address_of(app, &bot).await, "it is permanent");
        let again = app.post("/api/v1/finance/deposit").key(&bot).send().await.expect(200).json();
        assert_eq!(again, json!({ "address": address, "network": "trc20", "currency": "USDT" }));
        chain(app, "faucet", &json!({ "address": address, "usdt": "23.456789" }));
        app.gateway().round().await;
        assert_eq!(available(app, &bot).await, 0.0, "not solid yet");
        settle(app).await;
        settle(app).await;
        assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["available_balance"], 23.456_789);
        let list = get(app, &bot, "/api/v1/finance/deposits").await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert_eq!(list["items"][0]["status"], "credited");
        let told = get(app, &bot, "/api/v1/finance/transactions?kind=deposit").await;
        assert_eq!(told["items"].as_array().unwrap().len(), 1);
    }

    async fn small_ones_wait_until_they_reach_the_minimum_together(app) {
        let bot = app.bot().await;
        let address = address_of(app, &bot).await;
        for (usdt, pending, credited) in [("0.4", 0.4, 0.0), ("0.599999", 0.999_999, 0.0), ("0.000001", 0.0, 1.0), ("0.3", 0.3, 1.0)] {
            chain(app, "faucet", &json!({ "address": address, "usdt": usdt }));
            settle(app).await;
            assert_eq!(get(app, &bot, "/api/v1/finance/deposits").await["pending_deposits"], pending, "{usdt}");
            assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["available_balance"], credited, "{usdt}");
        }
        let open = app.get("/api/v1/transparency").send().await.expect(200).json();
        assert_eq!((&open["pending_deposits"], &open["difference"]), (&json!(0.3), &json!(0.0)));
    }

    async fn what_only_looks_like_a_deposit_is_none(app) {
        let bot = app.bot().await;
        let address = address_of(app, &bot).await;
        for kind in ["fake", "four_topics", "zero", "failed"] {
            chain(app, "odd", &json!({ "kind": kind, "address": address, "usdt": "50" }));
            settle(app).await;
            let list = get(app, &bot, "/api/v1/finance/deposits").await;
            assert_eq!(list["items"], json!([]), "{kind}");
        }
        chain(app, "odd", &json!({ "kind": "above_i64", "address": address }));
        settle(app).await;
        let list = get(app, &bot, "/api/v1/finance/deposits").await;
        assert_eq!(list["items"][0]["status"], "held_for_review", "more than fits is looked at, never credited");
        assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["total_balance"], 0.0);
    }

    async fn two_transfers_of_one_transaction_are_two_deposits(app) {
        let (one, other) = (app.bot().await, app.bot().await);
        let (a, b) = (address_of(app, &one).await, address_of(app, &other).await);
        chain(app, "odd", &json!({ "kind": "two_in_one", "address": a, "usdt": "5" }));
        settle(app).await;
        assert_eq!(get(app, &one, "/api/v1/finance/balance").await["available_balance"], 10.0, "through a contract, twice to one address");
        chain(app, "odd", &json!({ "kind": "two_in_one", "address": a, "usdt": "5", "other": b }));
        settle(app).await;
        assert_eq!(get(app, &one, "/api/v1/finance/balance").await["available_balance"], 15.0);
        assert_eq!(get(app, &other, "/api/v1/finance/balance").await["available_balance"], 5.0);
    }

    async fn nodes_that_lie_delay_a_deposit_and_lose_none(app) {
        let admin = admin_of(app, "root@example.com").await;
        let bot = app.bot().await;
        let address = address_of(app, &bot).await;
        let kinds = [
            json!({ "kind": "empty_infos" }), json!({ "kind": "drop_one_info" }), json!({ "kind": "infos_of_another_block" }),
            json!({ "kind": "future", "blocks": 5 }), json!({ "kind": "stale", "blocks": 30 }), json!({ "kind": "status", "code": 429 }),
            json!({ "kind": "status", "code": 500 }), json!({ "kind": "html" }), json!({ "kind": "truncated" }), json!({ "kind": "error" }),
            json!({ "kind": "lite_node" }), json!({ "kind": "hang_up" }),
        ];
        for (n, kind) in (1_i64..).zip(&kinds) {
            chain(app, "faucet", &json!({ "address": address, "usdt": "10" }));
            let mut rule = kind.clone();
            rule["times"] = json!(7);
            chain(app, "faults", &json!({ "rules": [rule] }));
            for _ in 0..8 {
                app.gateway().round().await;
                chain(app, "mine", &json!({ "blocks": 1 }));
            }
            chain(app, "faults", &json!({ "rules": [] }));
            settle(app).await;
            assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["available_balance"], serde_json::to_value(Usdt::from_micro(10_000_000 * n)).unwrap(), "{kind}");
            assert_eq!(frozen(&gateway(app, &admin).await), [""; 0], "{kind}");
        }
    }

    async fn a_reorganised_head_changes_nothing(app) {
        let bot = app.bot().await;
        let address = address_of(app, &bot).await;
        for (depth, lost) in [(1, false), (2, true), (2, false)] {
            chain(app, "faucet", &json!({ "address": address, "usdt": "10" }));
            chain(app, "mine", &json!({ "blocks": 1 }));
            app.gateway().round().await;
            chain(app, "reorg", &json!({ "depth": depth, "drop": lost }));
            app.gateway().round().await;
        }
        settle(app).await;
        let there = on_chain(app, &address);
        assert!((1..30_000_000).contains(&there), "one at least was lost, one was not");
        assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["available_balance"], serde_json::to_value(Usdt::from_micro(there)).unwrap());
    }

    async fn a_solid_chain_that_contradicts_itself_stops_everything(app) {
        let admin = admin_of(app, "root@example.com").await;
        let bot = app.rich_bot(100).await;
        chain(app, "reorg", &json!({ "depth": 5, "break_solid": true }));
        chain(app, "mine", &json!({ "blocks": 8 }));
        app.gateway().round().await;
        let state = gateway(app, &admin).await;
        assert_eq!(frozen(&state), ["broken_chain"]);
        let read = state["block"].clone();
        chain(app, "mine", &json!({ "blocks": 3 }));
        app.gateway().round().await;
        assert_eq!(gateway(app, &admin).await["block"], read, "nothing more is read");
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        app.gateway().round().await;
        assert_eq!(crate::status(app, &bot, &id).await, "queued", "nothing is signed");
    }

    async fn what_a_user_withdraws_to_another_users_address_is_his_deposit(app) {
        let admin = admin_of(app, "root@example.com").await;
        let (one, other) = (app.rich_bot(100).await, app.bot().await);
        let there = address_of(app, &other).await;
        let_out(app, &one, &admin, "w1", "25", &there).await;
        settle(app).await;
        settle(app).await;
        assert_eq!(get(app, &other, "/api/v1/finance/balance").await["available_balance"], 23.5);
    }

    async fn the_operators_own_money_is_booked_as_his(app) {
        let admin = admin_of(app, "root@example.com").await;
        let before = app.get("/api/v1/transparency").send().await.expect(200).json();
        assert_eq!(before["operator_capital"], 100_000.0);
        let hot = gateway(app, &admin).await["hot_address"].clone();
        chain(app, "faucet", &json!({ "address": hot, "usdt": "500" }));
        settle(app).await;
        let after = app.get("/api/v1/transparency").send().await.expect(200).json();
        assert_eq!((&after["operator_capital"], &after["difference"]), (&json!(100_500.0), &json!(0.0)));
        let out = |amount: &str| app.post("/api/v1/admin/gateway/float-out").key(&admin).json(&json!({ "amount": amount, "address": OUTSIDE, "reason": "profit" }));
        assert_eq!(out("100500.000001").send().await.expect(422).code(), "not_your_money");
        drop(out("400.5").send().await.expect(201));
        settle(app).await;
        let after = app.get("/api/v1/transparency").send().await.expect(200).json();
        assert_eq!((&after["operator_capital"], &after["difference"]), (&json!(100_099.5), &json!(0.0)));
    }

    async fn an_old_lease_records_nothing(app) {
        use roborent::gateway::{lease, scan, sieve};
        let stranger = app.app.dispatcher.system(|cx| lease::take(cx, uuid::Uuid::from_u128(9), false)).await.unwrap();
        assert!(stranger.is_none(), "somebody holds it");
        app.advance(Span::seconds(31));
        let token = app.app.dispatcher.system(|cx| lease::take(cx, uuid::Uuid::from_u128(9), false)).await.unwrap().unwrap();
        let bot = app.bot().await;
        let address = address_of(app, &bot).await;
        chain(app, "faucet", &json!({ "address": address, "usdt": "10" }));
        chain(app, "mine", &json!({ "blocks": 3 }));
        app.gateway().round().await;
        assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["total_balance"], 0.0, "its gateway waits");
        app.advance(Span::seconds(31));
        app.gateway().round().await;
        assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["total_balance"], 10.0, "and goes on");
        let late = app.app.dispatcher.system(move |cx| scan::record_blocks(cx, token, &sieve::Batch::default())).await.unwrap_err();
        assert_eq!(late.code(), "lease_lost");
    }

    async fn the_address_stands_in_the_refusal_of_a_task_that_cannot_be_paid(app) {
        let bot = app.bot().await;
        let address = address_of(app, &bot).await;
        let task = json!({ "title": "Follow @roborent", "description": "Follow the account.", "category": "social", "reward_usd": 1, "slots": 1 });
        let refused = app.post("/api/v1/agent/tasks").key(&bot).json(&task).send().await.expect(402).json();
        assert_eq!((&refused["code"], &refused["deposit_address"]), (&json!("insufficient_funds"), &Value::from(address)));
    }
}

#[test]
fn a_deposit_has_one_id_for_ever() {
    use roborent::wallet::deposit::deposit_id;
    assert_eq!(deposit_id(&[7; 32], 1), deposit_id(&[7; 32], 1));
    assert_ne!(deposit_id(&[7; 32], 1), deposit_id(&[7; 32], 0));
    assert_eq!(Usdt::parse("0.000001").unwrap().micro(), 1);
}

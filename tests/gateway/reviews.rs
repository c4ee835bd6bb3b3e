//! Which withdrawals an admin looks at, and who decides.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::Bot;
use serde_json::{Value, json};

use crate::{OUTSIDE, address_of, admin_of, available, get, let_out, settle, status, withdraw};

on_both_engines! {
    async fn a_withdrawal_is_taken_in_once_and_held(app) {
        let bot = app.rich_bot(100).await;
        let first = withdraw(app, &bot, "withdraw-20260523-001", "25.00", OUTSIDE).await.expect(201).json();
        let names: Vec<&String> = first.as_object().unwrap().keys().collect();
        assert_eq!(names, ["withdrawal_id", "amount", "fee", "net_amount", "status"]);
        assert_eq!((&first["amount"], &first["fee"], &first["net_amount"], &first["status"]), (&json!(25.0), &json!(1.5), &json!(23.5), &json!("queued")));
        let again = withdraw(app, &bot, "withdraw-20260523-001", "25.00", OUTSIDE).await.expect(201);
        assert_eq!((again.json(), again.header("idempotency-replayed")), (first, Some("true")));
        assert_eq!(withdraw(app, &bot, "withdraw-20260523-001", "26.00", OUTSIDE).await.expect(422).code(), "idempotency_key_reused");
        let unkeyed = app.post("/api/v1/finance/withdraw").key(&bot).json(&json!({ "amount": 25, "address": OUTSIDE })).send().await;
        assert_eq!(unkeyed.expect(400).code(), "idempotency_key_required");
        let balance = get(app, &bot, "/api/v1/finance/balance").await;
        assert_eq!(balance, json!({ "available_balance": 75.0, "held_balance": 25.0, "total_balance": 100.0 }));
        app.advance(Span::days(8));
        app.run_jobs().await;
        let late = withdraw(app, &bot, "withdraw-20260523-001", "25.00", OUTSIDE).await.expect(201);
        assert_eq!(late.header("idempotency-replayed"), Some("true"), "a key of a withdrawal is kept for ever");
    }

    async fn what_cannot_be_paid_is_refused_and_nothing_is_held(app) {
        let bot = app.rich_bot(100).await;
        let own = address_of(app, &bot).await;
        let info = app.get("/sandbox").send().await.expect(200).json();
        let (contract, hot) = (info["usdt_contract"].as_str().unwrap(), info["hot_address"].as_str().unwrap());
        for (amount, address, code) in [
            ("19.999999", OUTSIDE, "amount_below_minimum"),
            ("10001.500001", OUTSIDE, "amount_above_maximum"),
            ("25", own.as_str(), "address_refused"),
            ("25", contract, "address_refused"),
            ("25", hot, "address_refused"),
            ("25", "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "address_refused"),
            ("25", "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdh", "invalid_field"),
            ("25", "0x71C7656EC7ab88b098defB751B7401B5f6d8976F", "invalid_field"),
            ("25.0000001", OUTSIDE, "invalid_field"),
            ("-25", OUTSIDE, "invalid_field"),
        ] {
            assert_eq!(withdraw(app, &bot, &format!("k{amount}{address}"), amount, address).await.expect(422).code(), code, "{amount} {address}");
        }
        assert_eq!(withdraw(app, &bot, "much", "100.000001", OUTSIDE).await.expect(402).code(), "insufficient_funds");
        let body = json!({ "amount": 25, "address": OUTSIDE, "currency": "BTC" });
        let other = app.post("/api/v1/finance/withdraw").key(&bot).header("idempotency-key", "btc").json(&body).send().await;
        assert_eq!(other.expect(422).code(), "invalid_field");
        assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["held_balance"], 0.0);
        assert_eq!(get(app, &bot, "/api/v1/finance/withdrawals").await["items"], json!([]));
    }

    async fn five_an_hour(app) {
        let bot = app.rich_bot(200).await;
        for n in 0..5 {
            drop(withdraw(app, &bot, &format!("k{n}"), "20", OUTSIDE).await.expect(201));
        }
        assert_eq!(withdraw(app, &bot, "k6", "20", OUTSIDE).await.expect(429).code(), "rate_limited");
    }

    async fn the_rules_say_why_an_admin_looks(app, |config| config.limits.withdraw = roborent::base::limit::Limit::per_hour(100)) {
        let admin = admin_of(app, "root@example.com").await;
        let bot = app.rich_bot(6_000).await;
        let reason = async |key: &str, amount: &str, address: &str| {
            let id = withdraw(app, &bot, key, amount, address).await.expect(201).json()["withdrawal_id"].as_str().unwrap().to_owned();
            app.run_jobs().await;
            let seen = get(app, &bot, &format!("/api/v1/finance/withdrawals/{id}")).await;
            (id, if seen["status"] == "in_review" { seen["reason"].as_str().unwrap().to_owned() } else { String::new() })
        };
        assert_eq!(reason("first", "25", OUTSIDE).await.1, "it is the first withdrawal");
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed");
        assert_eq!(reason("young", "25", OUTSIDE).await.1, "the account is new");
        app.advance(Span::hours(25));
        settle(app).await;
        let other = address_of(app, &app.bot().await).await;
        assert_eq!(reason("plain", "99", &other).await.1, "", "small, to a new address");
        assert_eq!(reason("new-address", "100", &other).await.1, "the address is new");
        assert_eq!(reason("large", "500", OUTSIDE).await.1, "the amount is large");
        let (held, why) = reason("fourth", "25", OUTSIDE).await;
        assert_eq!(why, "there were several within a day");
        app.advance(Span::hours(25));
        let flag = |flagged: bool| app.post(&format!("/api/v1/admin/users/{}/flag", bot.user_id)).key(&admin).json(&json!({ "flagged": flagged, "reason": "odd" })).send();
        drop(flag(true).await.expect(200));
        assert_eq!(reason("flagged", "25", OUTSIDE).await.1, "the account is looked at");
        drop(flag(false).await.expect(200));
        app.advance(Span::days(7));
        app.run_jobs().await;
        assert_eq!(status(app, &bot, &held).await, "rejected", "nobody decided");
        let seen = get(app, &bot, &format!("/api/v1/finance/withdrawals/{held}")).await;
        assert_eq!(seen["reason"], "review_timeout");
        settle(app).await;
        assert_eq!(get(app, &bot, "/api/v1/finance/balance").await["held_balance"], 0.0, "everything that was held is back or paid");
    }

    async fn the_daily_cap_holds_and_an_approval_goes_over_it(app, |config| {
        config.withdrawals.daily_cap = roborent::base::Usdt::from_micro(60_000_000);
        config.withdrawals.daily_count = 100;
        config.withdrawals.young_user_hours = 0;
    }) {
        let admin = admin_of(app, "root@example.com").await;
        let bot = app.rich_bot(500).await;
        let_out(app, &bot, &admin, "w1", "21.5", OUTSIDE).await;
        settle(app).await;
        let second = withdraw(app, &bot, "w2", "21.5", OUTSIDE).await.expect(201).json()["withdrawal_id"].as_str().unwrap().to_owned();
        app.run_jobs().await;
        assert_eq!(status(app, &bot, &second).await, "queued", "20 and 20 of 60 leave");
        let id = let_out(app, &bot, &admin, "w3", "31.5", OUTSIDE).await;
        let seen = get(app, &bot, &format!("/api/v1/finance/withdrawals/{id}")).await;
        let timeline: Vec<&Value> = seen["timeline"].as_array().unwrap().iter().map(|step| &step["reason"]).collect();
        assert_eq!(timeline[1], "the amount of a day is used up");
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed");
    }

    async fn large_ones_need_two_admins_and_nobody_decides_his_own(app) {
        let (one, two) = (admin_of(app, "one@example.com").await, admin_of(app, "two@example.com").await);
        let bot = app.rich_bot(5_000).await;
        let id = withdraw(app, &bot, "w1", "2000.000001", OUTSIDE).await.expect(201).json()["withdrawal_id"].as_str().unwrap().to_owned();
        app.run_jobs().await;
        let path = format!("/api/v1/admin/withdrawals/{id}/approve");
        let approve = |token: &Bot| app.post(&path).key(token).json(&json!({ "reason": "looks right" }));
        let first = approve(&one).send().await.expect(200).json();
        assert_eq!((&first["approvals"], &first["approvals_needed"], &first["status"]), (&json!(1), &json!(2), &json!("in_review")));
        assert_eq!(approve(&one).send().await.expect(409).code(), "already_approved");
        assert_eq!(approve(&two).send().await.expect(200).json()["status"], "queued");
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed");
        assert_eq!(approve(&two).send().await.expect(409).code(), "withdrawal_not_in_review");
        // An admin is a user, too.
        app.pour(one.user_id, 50).await;
        let body = json!({ "amount": 25, "address": OUTSIDE });
        let own = app.post("/api/v1/finance/withdraw").key(&one).header("idempotency-key", "own").json(&body).send().await.expect(201).json();
        app.run_jobs().await;
        let path = format!("/api/v1/admin/withdrawals/{}/approve", own["withdrawal_id"].as_str().unwrap());
        assert_eq!(app.post(&path).key(&one).json(&json!({ "reason": "mine" })).send().await.expect(409).code(), "own_withdrawal");
        drop(app.post(&path).key(&two).json(&json!({ "reason": "his" })).send().await.expect(200));
    }

    async fn what_is_refused_or_taken_back_is_available_again(app) {
        let admin = admin_of(app, "root@example.com").await;
        let (bot, other) = (app.rich_bot(100).await, app.bot().await);
        let id = withdraw(app, &bot, "w1", "25", OUTSIDE).await.expect(201).json()["withdrawal_id"].as_str().unwrap().to_owned();
        let cancel = format!("/api/v1/finance/withdrawals/{id}/cancel");
        assert_eq!(app.post(&cancel).key(&other).send().await.expect(404).code(), "not_found");
        assert_eq!(app.get(&format!("/api/v1/finance/withdrawals/{id}")).key(&other).send().await.expect(404).code(), "not_found");
        assert_eq!(app.post(&cancel).key(&bot).send().await.expect(200).json()["status"], "cancelled");
        assert_eq!(app.post(&cancel).key(&bot).send().await.expect(409).code(), "not_cancellable");
        assert_eq!(available(app, &bot).await, 100.0);
        let id = withdraw(app, &bot, "w2", "25", OUTSIDE).await.expect(201).json()["withdrawal_id"].as_str().unwrap().to_owned();
        app.run_jobs().await;
        let path = format!("/api/v1/admin/withdrawals/{id}/reject");
        let refused = app.post(&path).key(&admin).json(&json!({ "reason": "Not your address." })).send().await.expect(200).json();
        assert_eq!((&refused["status"], &refused["reason"]), (&json!("rejected"), &json!("Not your address.")));
        assert_eq!(available(app, &bot).await, 100.0);
        app.run_jobs().await;
        let names: Vec<Value> = get(app, &bot, "/api/v1/agent/events").await["items"].as_array().unwrap().iter().map(|e| e["event"].clone()).collect();
        assert_eq!(names, ["deposit_credited", "withdrawal_queued", "withdrawal_cancelled", "withdrawal_queued", "withdrawal_in_review", "withdrawal_rejected"]);
    }

    async fn a_suspended_users_withdrawal_waits_for_an_admin(app) {
        let admin = admin_of(app, "root@example.com").await;
        let bot = app.rich_bot(100).await;
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        assert_eq!(status(app, &bot, &id).await, "queued");
        let path = format!("/api/v1/admin/users/{}/suspend", bot.user_id);
        drop(app.post(&path).key(&admin).json(&json!({ "reason": "Sells accounts." })).send().await.expect(200));
        assert_eq!(status(app, &bot, &id).await, "in_review");
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "in_review", "nothing is signed");
        let path = format!("/api/v1/admin/withdrawals/{id}/approve");
        drop(app.post(&path).key(&admin).json(&json!({ "reason": "Earned before." })).send().await.expect(200));
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed", "nothing earned is lost");
    }
}

//! Commissions: to the micro, for both sides, for twelve months; and how little a referrer sees of those he brought.

use roborent::base::{Span, Ts, UserId};
use roborent::on_both_engines;
use roborent::testing::{Bot, TestApp};
use serde_json::{Value, json};

use crate::deeds::{approve, decide, dispute, generous, make_admin, micro, money_of, proof, publish, reject, task, text, tip};

/// Of 1.234567: the fee is a tenth, rounded down, and a commission a fifth of that, rounded down.
const REWARD: &str = "1.234567";
const FEE: i64 = 123_456;
const COMMISSION: i64 = 24_691;
const NET: i64 = 1_234_567 - FEE;

async fn referrals(app: &TestApp, who: &Bot, query: &str) -> Value {
    app.get(&format!("/api/v1/agent/referrals{query}")).key(who).send().await.expect(200).json()
}

/// A bot that `referrer` brought.
async fn brought_by(app: &TestApp, referrer: &Bot) -> Bot {
    let code = referrals(app, referrer, "").await["code"].clone();
    let answer = app.post("/api/v1/agent/register").json(&json!({ "referral_code": code })).send().await.expect(201).json();
    Bot { user_id: UserId(text(&answer["user_id"]).parse().unwrap()), key: text(&answer["api_key"]) }
}

/// Two referrers, the worker of the one and the creator of the other, who has money.
async fn two_sides(app: &TestApp) -> [Bot; 4] {
    let (of_worker, of_creator) = (app.bot().await, app.bot().await);
    let (worker, creator) = (brought_by(app, &of_worker).await, brought_by(app, &of_creator).await);
    app.pour(creator.user_id, 1_000).await;
    [of_worker, of_creator, worker, creator]
}

async fn pay_one(app: &TestApp, creator: &Bot, worker: &Bot) {
    let id = publish(app, creator, &task(REWARD, 1)).await;
    let (proof, _) = proof(app, worker, &id).await;
    drop(approve(app, creator, &proof).await.expect(200));
}

async fn available(app: &TestApp, who: &Bot) -> i64 {
    money_of(app, who).await.0
}

/// The end of twelve months from the start, in the calendar.
fn a_year_on() -> Ts {
    roborent::testing::START.plus_months(12)
}

fn wait_until(app: &TestApp, at: Ts) {
    app.advance(at.since(app.now()));
}

on_both_engines! {
    async fn both_referrers_get_a_fifth_of_the_fee_to_the_micro(app, |config| generous(config)) {
        let [of_worker, of_creator, worker, creator] = two_sides(app).await;
        for times in 1..=3 {
            pay_one(app, &creator, &worker).await;
            assert_eq!(available(app, &worker).await, NET * times);
            for referrer in [&of_worker, &of_creator] {
                assert_eq!(available(app, referrer).await, COMMISSION * times);
                assert_eq!(micro(&referrals(app, referrer, "").await["total_earned"]), COMMISSION * times);
            }
        }
        assert_eq!(available(app, &creator).await, 1_000_000_000 - 3 * 1_234_567);
        assert_eq!(app.audit().await.revenue, i128::from(3 * (FEE - 2 * COMMISSION)));
        // A line of its own in the history of the referrer.
        let history = app.get("/api/v1/finance/transactions").key(&of_worker).send().await.expect(200).json();
        assert!(history["items"].as_array().unwrap().iter().all(|line| micro(&line["amount"]) == COMMISSION));
    }

    async fn who_brought_both_gets_both_and_may_work_for_his_own_people(app, |config| generous(config)) {
        let referrer = app.bot().await;
        let (worker, creator) = (brought_by(app, &referrer).await, brought_by(app, &referrer).await);
        app.pour(creator.user_id, 100).await;
        pay_one(app, &creator, &worker).await;
        assert_eq!(available(app, &referrer).await, 2 * COMMISSION);
        let list = referrals(app, &referrer, "").await;
        assert!(list["items"].as_array().unwrap().iter().all(|item| micro(&item["commission_earned"]) == COMMISSION));
        pay_one(app, &creator, &referrer).await;
        assert_eq!(available(app, &referrer).await, 2 * COMMISSION + NET + COMMISSION);
    }

    async fn commissions_end_after_twelve_months_to_the_millisecond(app, |config| generous(config)) {
        let [of_worker, of_creator, worker, creator] = two_sides(app).await;
        let late = brought_by(app, &of_worker).await;
        wait_until(app, a_year_on().minus(Span::milliseconds(1)));
        pay_one(app, &creator, &worker).await;
        app.advance(Span::milliseconds(1));
        pay_one(app, &creator, &worker).await;
        pay_one(app, &creator, &late).await;
        for referrer in [&of_worker, &of_creator] {
            assert_eq!(available(app, referrer).await, COMMISSION);
        }
        // Whoever comes later earns later: each has twelve months of his own.
        let newer = brought_by(app, &of_worker).await;
        wait_until(app, a_year_on().plus_months(12).minus(Span::milliseconds(1)));
        pay_one(app, &creator, &newer).await;
        assert_eq!(available(app, &of_worker).await, 2 * COMMISSION);
        app.advance(Span::milliseconds(1));
        pay_one(app, &creator, &newer).await;
        assert_eq!(available(app, &of_worker).await, 2 * COMMISSION);
    }

    async fn what_time_decided_within_the_twelve_months_earns_also_when_the_jobs_come_later(app, |config| generous(config)) {
        let [of_worker, of_creator, worker, creator] = two_sides(app).await;
        // In review until a millisecond before the end, and until the end itself.
        for before in [1, 0] {
            wait_until(app, a_year_on().minus(Span::milliseconds(48 * 3_600_000 + before)));
            let id = publish(app, &creator, &task(REWARD, 1)).await;
            proof(app, &worker, &id).await;
        }
        app.advance(Span::days(20));
        app.run_jobs().await;
        assert_eq!(available(app, &worker).await, 2 * NET);
        for referrer in [&of_worker, &of_creator] {
            assert_eq!(available(app, referrer).await, COMMISSION);
        }
    }

    async fn a_split_earns_a_part_and_tips_and_refunds_earn_nothing(app, |config| generous(config)) {
        let ([of_worker, of_creator, worker, creator], admin) = (two_sides(app).await, app.bot().await);
        make_admin(app, &admin).await;
        for (decision, percent) in [("refund", None), ("split", Some(33))] {
            let id = publish(app, &creator, &task(REWARD, 1)).await;
            let (one, slot) = proof(app, &worker, &id).await;
            drop(reject(app, &creator, &one).await.expect(200));
            drop(dispute(app, &worker, &one).await.expect(200));
            drop(decide(app, &admin, &slot, decision, percent).await.expect(200));
            if percent.is_some() {
                drop(tip(app, &creator, &one, "100").await.expect(201));
            }
        }
        // 33 % of 1.234567 are 0.407407; the fee of that 0.040740; a fifth of the fee 0.008148.
        assert_eq!(available(app, &worker).await, 407_407 - 40_740 + 100_000_000);
        for referrer in [&of_worker, &of_creator] {
            assert_eq!(available(app, referrer).await, 8_148);
        }
        assert_eq!(money_of(app, &creator).await, (1_000_000_000 - 407_407 - 100_000_000, 0));
    }

    async fn a_referrer_sees_a_name_two_dates_and_an_amount(app, |config| generous(config)) {
        let [of_worker, _, worker, creator] = two_sides(app).await;
        pay_one(app, &creator, &worker).await;
        app.advance(Span::days(3));
        let list = referrals(app, &of_worker, "").await;
        let fields: Vec<&String> = list.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["code", "link", "total_earned", "items", "next_cursor"]);
        assert!(list["link"].as_str().unwrap().ends_with(&format!("/r/{}", list["code"].as_str().unwrap())));
        let item = &list["items"][0];
        let fields: Vec<&String> = item.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["name", "joined_at", "earning_until", "commission_earned"]);
        assert_eq!((&item["joined_at"], &item["earning_until"]), (&json!(roborent::testing::START), &json!(a_year_on())));
        assert_eq!(micro(&item["commission_earned"]), COMMISSION);
        assert!(!list.to_string().contains(&worker.user_id.to_string()));
        assert!(referrals(app, &worker, "").await["items"].as_array().unwrap().is_empty());
        drop(app.get("/api/v1/agent/referrals").send().await.expect(401));
    }

    async fn the_list_comes_in_pages_without_gaps(app, |config| generous(config)) {
        let referrer = app.rich_bot(1_000).await;
        let mut names = Vec::new();
        for n in 0..57 {
            let bot = brought_by(app, &referrer).await;
            drop(app.ask("PATCH", "/api/v1/agent/profile").key(&bot).json(&json!({ "display_name": format!("Bot number {n}") })).send().await.expect(200));
            if n % 8 == 0 {
                pay_one(app, &referrer, &bot).await;
            }
            names.push(format!("Bot number {n}"));
            app.advance(Span::minutes(n % 2));
        }
        names.reverse();
        let (mut seen, mut earned, mut query) = (Vec::new(), 0, "?limit=10".to_owned());
        loop {
            let page = referrals(app, &referrer, &query).await;
            for item in page["items"].as_array().unwrap() {
                seen.push(text(&item["name"]));
                earned += micro(&item["commission_earned"]);
            }
            assert_eq!(micro(&page["total_earned"]), 8 * COMMISSION, "the total is that of all pages");
            match page["next_cursor"].as_str() {
                Some(cursor) => query = format!("?limit=10&cursor={cursor}"),
                None => break,
            }
        }
        let (mut wanted, mut found) = (names.clone(), seen.clone());
        assert_eq!((found.first(), found.last()), (wanted.first(), wanted.last()));
        wanted.sort_unstable();
        found.sort_unstable();
        assert_eq!((found, earned), (wanted, 8 * COMMISSION));
        for (query, status, code) in [("?limit=0", 422, "invalid_field"), ("?limit=201", 422, "invalid_field"), ("?cursor=x", 400, "invalid_cursor")] {
            let answer = app.get(&format!("/api/v1/agent/referrals{query}")).key(&referrer).send().await;
            assert_eq!((answer.status, answer.code().as_str()), (status, code));
        }
    }
}

//! Searching: every filter, every order, what is not shown to whom, pages, words.

use roborent::base::Span;
use roborent::base::config::Config;
use roborent::base::limit::Limit;
use roborent::on_both_engines;
use roborent::testing::{Bot, TestApp};
use serde_json::{Value, json};

use crate::market::{accept, publish, review, submit, task};
use crate::profiles::join;

pub fn no_limits(config: &mut Config) {
    let limits = &mut config.limits;
    for limit in [&mut limits.publish, &mut limits.accept, &mut limits.cancel, &mut limits.read, &mut limits.review] {
        *limit = Limit::per_minute(10_000_000);
    }
}

pub async fn search(app: &TestApp, bot: &Bot, wanted: &Value) -> Value {
    app.post("/api/v1/agent/tasks/search").key(bot).json(wanted).send().await.expect(200).json()
}

pub fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["task_id"].as_str().unwrap().to_owned()).collect()
}

/// Every page of a search.
async fn pages(app: &TestApp, bot: &Bot, wanted: &Value) -> Vec<Value> {
    let mut wanted = wanted.clone();
    let mut all = Vec::new();
    loop {
        let page = search(app, bot, &wanted).await;
        wanted["cursor"] = page["next_cursor"].clone();
        all.push(page);
        if wanted["cursor"].is_null() {
            return all;
        }
    }
}

pub async fn all(app: &TestApp, bot: &Bot, wanted: &Value) -> Vec<String> {
    pages(app, bot, wanted).await.iter().flat_map(ids).collect()
}

/// A task of which some fields are others than usual.
pub fn other(fields: &Value) -> Value {
    let mut body = task("1.00", 1);
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

async fn cancel(app: &TestApp, worker: &Bot, task: &str) {
    drop(app.post(&format!("/api/v1/agent/tasks/{task}/cancel")).key(worker).send().await.expect(200));
}

on_both_engines! {
    async fn each_filter_leaves_out_what_does_not_fit(app) {
        let (creator, worker) = (app.rich_bot(100).await, app.bot().await);
        let mut tasks = Vec::new();
        for fields in [
            json!({ "title": "Translate a page", "category": "translation", "reward_usd": 3, "tags": ["de-en", "quick"] }),
            json!({ "title": "Label 300 cats", "category": "data_labeling", "reward_usd": 2, "tags": ["quick"] }),
            json!({ "title": "Call an API", "category": "agent_service", "reward_usd": 1, "worker_type": "bot", "description": "Any translation will do." }),
        ] {
            tasks.push(publish(app, &creator, &other(&fields)).await);
        }
        for (wanted, expected) in [
            (json!({}), &[2, 1, 0][..]),
            (json!({ "category": "data_labeling" }), &[1]),
            (json!({ "category": "other" }), &[]),
            (json!({ "min_reward": 2 }), &[1, 0]),
            (json!({ "max_reward": 2 }), &[2, 1]),
            (json!({ "min_reward": 2, "max_reward": "2.00" }), &[1]),
            (json!({ "tags": ["QUICK"] }), &[1, 0]),
            (json!({ "tags": ["quick", "de-en"] }), &[0]),
            (json!({ "tags": ["de"] }), &[]),
            (json!({ "tags": [] }), &[2, 1, 0]),
            (json!({ "q": "CATS label" }), &[1]),
            (json!({ "q": "translation" }), &[2]),
            (json!({ "q": "quick de" }), &[0]),
            (json!({ "q": "quick", "category": "data_labeling" }), &[1]),
            (json!({ "q": "quick", "min_reward": 3 }), &[0]),
            (json!({ "q": "cat" }), &[]),
            (json!({ "q": "'; drop table \" AND * (" }), &[]),
            (json!({ "q": "!!" }), &[2, 1, 0]),
            (json!({ "worker_type": "bot" }), &[2]),
            (json!({ "worker_type": "any" }), &[1, 0]),
            (json!({ "worker_type": "human" }), &[]),
            (json!({ "sort": "reward" }), &[0, 1, 2]),
            (json!({ "limit": 1 }), &[2]),
        ] {
            let expected: Vec<&String> = expected.iter().map(|n| &tasks[*n]).collect();
            assert_eq!(ids(&search(app, &worker, &wanted).await).iter().collect::<Vec<_>>(), expected, "{wanted}");
        }
    }

    async fn each_order_has_its_first_and_its_next(app) {
        let (creator, worker) = (app.rich_bot(100).await, app.bot().await);
        let mut tasks = Vec::new();
        for (reward, days) in [("2.00", 3), ("5.00", 9), ("2.00", 1), ("0.50", 5)] {
            let expires_at = app.now().plus(Span::days(days));
            tasks.push(publish(app, &creator, &other(&json!({ "reward_usd": reward, "expires_at": expires_at }))).await);
            app.advance(Span::seconds(1));
        }
        for (sort, order) in [("newest", [3, 2, 1, 0]), ("reward", [1, 2, 0, 3]), ("expiring", [2, 0, 3, 1])] {
            let expected: Vec<&String> = order.iter().map(|n| &tasks[*n]).collect();
            for wanted in [json!({ "sort": sort, "limit": 1 }), json!({ "sort": sort, "limit": 3, "category": "social" })] {
                assert_eq!(all(app, &worker, &wanted).await.iter().collect::<Vec<_>>(), expected, "{wanted}");
            }
        }
    }

    async fn bad_input_is_refused_and_a_cursor_belongs_to_its_order(app) {
        let (creator, worker) = (app.rich_bot(10).await, app.bot().await);
        for _ in 0..2 {
            publish(app, &creator, &task("1.00", 1)).await;
        }
        let cursor = search(app, &worker, &json!({ "limit": 1 })).await["next_cursor"].clone();
        for (wanted, status, code) in [
            (json!({ "category": "nothing" }), 422, "unknown_category"),
            (json!({ "min_reward": 2, "max_reward": 1 }), 422, "rewards_exclude"),
            (json!({ "limit": 0 }), 422, "invalid_field"),
            (json!({ "limit": 51 }), 422, "invalid_field"),
            (json!({ "sort": "oldest" }), 422, "invalid_field"),
            (json!({ "q": "x".repeat(201) }), 422, "invalid_field"),
            (json!({ "tags": vec!["x"; 11] }), 422, "invalid_field"),
            (json!({ "offset": 10 }), 422, "unknown_field"),
            (json!({ "cursor": "garbage" }), 400, "invalid_cursor"),
            (json!({ "cursor": "c2VhcmNoLW5ld2VzdDo5OTk6eA" }), 400, "invalid_cursor"),
            (json!({ "cursor": cursor, "sort": "reward" }), 400, "invalid_cursor"),
        ] {
            let refused = app.post("/api/v1/agent/tasks/search").key(&worker).json(&wanted).send().await.expect(status);
            assert_eq!(refused.code(), code, "{wanted}");
        }
        assert_eq!(ids(&search(app, &worker, &json!({ "limit": 1, "cursor": cursor })).await).len(), 1);
    }

    async fn nobody_is_shown_what_he_may_not_accept(app, |config| no_limits(config)) {
        let (creator, worker, rival) = (app.rich_bot(100).await, app.bot().await, app.bot().await);
        let shown = async |bot: &Bot| all(app, bot, &json!({ "q": "account" })).await;
        let first = publish(app, &creator, &task("1.00", 1)).await;
        assert_eq!((shown(&worker).await, shown(&creator).await), (vec![first.clone()], vec![]), "one's own is left out");

        drop(accept(app, &worker, &first).await.expect(201));
        assert_eq!((shown(&worker).await, shown(&rival).await), (vec![], vec![]), "the only slot is taken");
        cancel(app, &worker, &first).await;
        assert_eq!((shown(&worker).await, shown(&rival).await), (vec![first.clone()], vec![first.clone()]), "one more try");
        drop(accept(app, &worker, &first).await.expect(201));
        cancel(app, &worker, &first).await;
        assert_eq!((shown(&worker).await, shown(&rival).await), (vec![], vec![first.clone()]), "no third one");

        let people = publish(app, &creator, &other(&json!({ "worker_type": "human" }))).await;
        let rated = publish(app, &creator, &other(&json!({ "min_rating": 4.5, "slots": 9 }))).await;
        assert_eq!(shown(&rival).await, std::slice::from_ref(&first), "a bot without ratings");
        let token = app.admin("person@example.com").await;
        let seen = app.post("/api/v1/agent/tasks/search").bearer(&token).json(&json!({})).send().await.expect(200).json();
        assert_eq!(ids(&seen), [people, first.clone()], "a person without ratings");

        for (stars, sees) in [(4, false), (5, true)] {
            let paid = publish(app, &creator, &task("1.00", 1)).await;
            let acceptance = accept(app, &rival, &paid).await.expect(201).json();
            let submission = submit(app, &rival, &paid).await.expect(201).json();
            drop(review(app, &creator, submission["submission_id"].as_str().unwrap(), "approve", &json!({})).await.expect(200));
            let rate = format!("/api/v1/agent/acceptances/{}/rate", acceptance["acceptance_id"].as_str().unwrap());
            drop(app.post(&rate).key(&creator).json(&json!({ "stars": stars })).send().await.expect(201));
            app.run_jobs().await;
            assert_eq!(shown(&rival).await.contains(&rated), sees, "{stars} stars");
        }
        drop(accept(app, &rival, &rated).await.expect(201));
        assert_eq!(shown(&rival).await, std::slice::from_ref(&first), "tried, though there are free slots");

        drop(app.post(&format!("/api/v1/agent/tasks/{first}/close")).key(&creator).send().await.expect(200));
        assert_eq!(shown(&rival).await, Vec::<String>::new(), "closed");
        let soon = publish(app, &creator, &other(&json!({ "expires_at": app.now().plus(Span::hours(1)) }))).await;
        assert_eq!(shown(&rival).await, [soon]);
        app.advance(Span::hours(1));
        assert_eq!(shown(&rival).await, Vec::<String>::new(), "its time is over, though no job has run");
    }

    async fn a_full_task_comes_back_with_a_free_slot_or_new_ones(app) {
        let (creator, worker, other) = (app.rich_bot(100).await, app.bot().await, app.bot().await);
        let task = publish(app, &creator, &task("1.00", 1)).await;
        drop(accept(app, &worker, &task).await.expect(201));
        assert!(all(app, &other, &json!({})).await.is_empty());
        cancel(app, &worker, &task).await;
        let found = search(app, &other, &json!({ "category": "social", "sort": "expiring" })).await;
        assert_eq!((&found["items"][0]["task_id"], &found["items"][0]["slots_remaining"]), (&json!(task), &json!(1)));
        drop(accept(app, &worker, &task).await.expect(201));
        let extend = format!("/api/v1/agent/tasks/{task}/extend");
        drop(app.post(&extend).key(&creator).json(&json!({ "slots_added": 1 })).send().await.expect(200));
        assert_eq!(all(app, &other, &json!({ "q": "follow", "sort": "reward" })).await, std::slice::from_ref(&task));
        let later = app.now().plus(Span::days(100));
        drop(app.post(&extend).key(&creator).json(&json!({ "expires_at": later })).send().await.expect(200));
        app.advance(Span::days(99));
        assert_eq!(all(app, &other, &json!({ "sort": "expiring" })).await, [task]);
    }

    async fn pages_have_no_gaps_and_no_repeats_while_the_market_moves(app, |config| no_limits(config)) {
        let (creator, worker, rival) = (app.rich_bot(1_000).await, app.bot().await, app.bot().await);
        for sort in ["newest", "reward", "expiring"] {
            for category in [None, Some("social")] {
                let mut before = Vec::new();
                for n in 0..40 {
                    app.advance(Span::milliseconds(n % 3));
                    let fields = json!({ "reward_usd": 1 + n % 4, "expires_at": app.now().plus(Span::days(2 + n % 5)) });
                    before.push(publish(app, &creator, &other(&fields)).await);
                }
                let mut wanted = json!({ "sort": sort, "limit": 7 });
                if let Some(category) = category {
                    wanted["category"] = json!(category);
                }
                let (mut seen, mut taken) = (Vec::new(), Vec::new());
                loop {
                    let page = search(app, &worker, &wanted).await;
                    seen.extend(ids(&page));
                    wanted["cursor"] = page["next_cursor"].clone();
                    if wanted["cursor"].is_null() {
                        break;
                    }
                    publish(app, &creator, &other(&json!({ "reward_usd": 2 }))).await;
                    for task in before.iter().filter(|task| !seen.contains(task) && !taken.contains(*task)).take(2).cloned().collect::<Vec<_>>() {
                        drop(accept(app, &rival, &task).await.expect(201));
                        taken.push(task);
                    }
                }
                let mut once = seen.clone();
                once.sort_unstable();
                once.dedup();
                assert_eq!(once.len(), seen.len(), "{sort} {category:?}");
                assert!(before.iter().filter(|task| !taken.contains(task)).all(|task| seen.contains(task)), "{sort} {category:?}");
                for task in all(app, &worker, &json!({})).await {
                    drop(app.post(&format!("/api/v1/agent/tasks/{task}/close")).key(&creator).send().await.expect(200));
                }
            }
        }
    }

    async fn what_is_rare_is_found_at_once_and_what_is_far_away_after_short_pages(app, |config| no_limits(config)) {
        let (creator, worker) = (app.rich_bot(10).await, app.bot().await);
        let creators = join((0..16).map(|_| app.rich_bot(5_000))).await;
        let fill = async |count: usize, fields: Value| {
            for start in (0..count).step_by(64) {
                join((start..count.min(start + 64)).map(|n| {
                    let (body, creator) = (other(&fields), &creators[n % creators.len()]);
                    async move { publish(app, creator, &body).await }
                }))
                .await;
            }
        };
        fill(1_550, json!({ "reward_usd": 2, "description": "Far away and common.", "tags": ["far"] })).await;
        let rare = publish(app, &creator, &other(&json!({ "reward_usd": 3, "title": "Quite a rarity", "tags": ["far", "rare"] }))).await;
        fill(2_510, json!({ "reward_usd": 1, "category": "other" })).await;

        for wanted in [
            json!({ "q": "rarity" }), json!({ "tags": ["rare"] }), json!({ "q": "rarity", "sort": "expiring", "category": "social" }),
            json!({ "min_reward": 3 }), json!({ "min_reward": 3, "sort": "reward" }), json!({ "q": "a", "min_reward": 3 }),
        ] {
            let page = search(app, &worker, &wanted).await;
            assert_eq!((ids(&page), &page["next_cursor"]), (vec![rare.clone()], &Value::Null), "{wanted}");
        }
        for wanted in [json!({ "min_reward": 2, "limit": 50 }), json!({ "tags": ["far"], "limit": 50 }), json!({ "q": "a", "limit": 50 })] {
            let pages = pages(app, &worker, &wanted).await;
            let found: Vec<String> = pages.iter().flat_map(ids).collect();
            let short = pages.iter().filter(|page| ids(page).len() < 50).count();
            assert!(short <= 4, "{wanted}: {short} of {} pages are short", pages.len());
            let expected = if wanted["q"].is_null() { 1_551 } else { 1 };
            assert_eq!((found.len(), found.contains(&rare)), (expected, true), "{wanted}");
        }
    }
}

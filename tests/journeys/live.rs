//! Open pages hear what others do: on the same bells as streams of events, without looking in between.

use std::time::Duration;

use roborent::base::Span;
use roborent::base::news::Topic;
use roborent::on_both_engines;
use roborent::testing::{Bot, Streamed, TestApp};
use serde_json::json;

use crate::event_log::{listens, soon};
use crate::market::{proof, publish, review, task};
use crate::second_factor;
use crate::site::{PASSWORD, cookie_of, join, page, post};

const CHANGE: &str = "event: change\ndata:\n\n";

/// An open page of somebody with this cookie, drawn a moment ago.
async fn open(app: &TestApp, cookie: &str, query: &str) -> Streamed {
    let mut stream = app.get(&format!("/live{query}")).header("cookie", cookie).stream().await;
    assert_eq!(stream.next().await.unwrap(), "retry: 5000\n\n");
    stream
}

/// What comes next that is not a sign of life, and whether it says that something changed.
async fn says(stream: &mut Streamed) -> String {
    loop {
        let words = soon(stream.next()).await.unwrap();
        if !words.starts_with(':') {
            return words;
        }
    }
}

/// A person at the site who is the owner of a key as well.
pub async fn person(app: &TestApp, email: &str) -> (String, Bot) {
    let cookie = join(app, email).await;
    let signed_in = app.sign_in(email, PASSWORD).await.expect(200).json();
    let token = signed_in["access_token"].as_str().unwrap();
    let key = app.post("/api/v1/agent/keys").bearer(token).json(&json!({})).send().await.expect(201).json();
    let user_id = roborent::base::UserId(signed_in["user"]["id"].as_str().unwrap().parse().unwrap());
    (cookie, Bot { user_id, key: key["api_key"].as_str().unwrap().to_owned() })
}

on_both_engines! {
    async fn one_sees_what_the_other_did(app) {
        let ((creators, creator), (workers, worker)) = (person(app, "a@example.com").await, person(app, "b@example.com").await);
        let (mut one, mut two) = (open(app, &creators, "").await, open(app, &workers, "").await);
        assert_eq!((says(&mut one).await, says(&mut two).await), ("id: 0\n\n".into(), "id: 0\n\n".into()));
        app.pour(creator.user_id, 20).await;
        app.run_jobs().await;
        assert!(says(&mut one).await.ends_with(CHANGE), "a deposit is an event and money");
        let task = publish(app, &creator, &task("5.00", 1)).await;
        app.run_jobs().await;
        assert!(says(&mut one).await.ends_with(CHANGE), "money moved into escrow, which is no event");
        let submission = proof(app, &worker, &task).await;
        app.run_jobs().await;
        assert!(says(&mut one).await.ends_with(CHANGE), "the creator has something to decide");
        drop(review(app, &creator, &submission, "approve", &json!({})).await.expect(200));
        app.run_jobs().await;
        assert!(says(&mut two).await.ends_with(CHANGE), "the worker was paid");
        // Nothing else was said to the worker, and nothing at all happens by looking.
        assert!(tokio::time::timeout(Duration::from_secs(2), two.next()).await.is_err());
    }

    async fn what_happened_while_the_page_was_drawn_is_not_missed(app) {
        let (cookie, owner) = person(app, "a@example.com").await;
        app.pour(owner.user_id, 20).await;
        app.run_jobs().await;
        let drawn = String::from_utf8(page(app, "/dashboard", &cookie).await.expect(200).body).unwrap();
        let purse = drawn.split("id=\"purse\"").nth(1).unwrap().split("</a>").next().unwrap();
        assert!(purse.contains("Wallet: ") && !purse.contains("aria-label"), "all that is read out is drawn again: {purse}");
        let newest = drawn.split("data-after=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let mut fresh = open(app, &cookie, &format!("?after={newest}")).await;
        assert_eq!(says(&mut fresh).await, format!("id: {newest}\n\n"));
        let mut late = open(app, &cookie, "?after=0").await;
        assert_eq!(says(&mut late).await, format!("id: {newest}\n{CHANGE}"));
        let back = app.get("/live?after=0").header("cookie", &cookie).header("last-event-id", &newest);
        let mut back = back.stream().await;
        drop(back.next().await);
        assert_eq!(says(&mut back).await, format!("id: {newest}\n\n"), "what the browser heard last counts");
    }

    async fn the_list_of_open_tasks_hears_of_new_ones(app) {
        let (cookie, _) = person(app, "a@example.com").await;
        let creator = app.rich_bot(20).await;
        app.run_jobs().await;
        let (mut list, mut wallet) = (open(app, &cookie, "?market=yes").await, open(app, &cookie, "").await);
        drop((says(&mut list).await, says(&mut wallet).await));
        drop(publish(app, &creator, &task("5.00", 1)).await);
        app.run_jobs().await;
        assert!(says(&mut list).await.ends_with(CHANGE));
        assert!(tokio::time::timeout(Duration::from_secs(1), wallet.next()).await.is_err(), "others are left alone");
    }

    async fn an_open_page_lives_through_another_cookie_of_its_session(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        let person = second_factor::person(app).await;
        let factor = second_factor::enroll(app, &person.token).await;
        drop(second_factor::show(app, &person.token, &factor).await);
        app.advance(Span::seconds(30));
        let before = second_factor::enter(app, &factor).await;
        let mut stream = open(app, &before, "").await;
        drop(says(&mut stream).await);
        app.advance(Span::minutes(16));
        let after = second_factor::step_up(app, "/step-up", &before, &factor.1).await;
        assert_eq!(page(app, "/dashboard", &before).await.status, 303, "the cookie from before is over");
        app.pour(person.key.user_id, 20).await;
        app.run_jobs().await;
        assert!(says(&mut stream).await.ends_with(CHANGE), "the session is not");
        drop(post(app, "/logout", &after, &[]).await.expect(303));
        assert_eq!(says(&mut stream).await, "event: end\ndata:\n\n");
    }

    async fn a_page_that_is_drawn_by_itself_keeps_no_session_alive(app) {
        let cookie = join(app, "a@example.com").await;
        for _ in 0..3 {
            let redrawn = app.get("/dashboard").header("cookie", &cookie).header("x-live", "1").send().await;
            assert_eq!(redrawn.status, 200);
            drop(open(app, &cookie, "").await);
            app.advance(Span::days(5));
        }
        assert_eq!(page(app, "/dashboard", &cookie).await.status, 303, "nobody opened anything for 14 days");
        let cookie = cookie_of(&post(app, "/login", "", &[("email", "a@example.com"), ("password", PASSWORD)]).await.expect(303));
        for _ in 0..3 {
            app.advance(Span::days(5));
            assert_eq!(page(app, "/dashboard", &cookie).await.status, 200);
        }
    }

    async fn an_open_page_ends_with_its_session_and_is_one_of_five(app) {
        let (cookie, owner) = person(app, "a@example.com").await;
        let mut streams = Vec::new();
        for _ in 0..5 {
            streams.push(open(app, &cookie, "").await);
        }
        let mut sixth = app.get("/live").header("cookie", &cookie).stream().await;
        assert_eq!(sixth.next().await.unwrap(), "event: end\ndata:\n\n");
        // Streams of events are counted for themselves.
        drop(app.get("/api/v1/agent/events/stream").key(&owner).send().await.expect(200));
        drop(post(app, "/logout", &cookie, &[]).await.expect(303));
        for stream in &mut streams {
            let mut words = says(stream).await;
            if words == "id: 0\n\n" {
                words = says(stream).await;
            }
            assert_eq!(words, "event: end\ndata:\n\n");
            assert!(soon(stream.next()).await.is_none());
        }
        drop(streams);
        let again = cookie_of(&post(app, "/login", "", &[("email", "a@example.com"), ("password", PASSWORD)]).await.expect(303));
        let mut stream = open(app, &again, "").await;
        drop(says(&mut stream).await);
        app.advance(Span::days(15));
        app.app.dispatcher.news.ring(owner.user_id);
        assert_eq!(says(&mut stream).await, "event: end\ndata:\n\n", "and so does a session that was not used");
    }
}

/// Two nodes over one database: money that one of them moved wakes the pages that are open at the other.
#[tokio::test(flavor = "multi_thread")]
async fn another_node_hears_that_money_has_moved() {
    let Some(app) = TestApp::start(roborent::testing::Engine::Postgres).await else { return };
    let (creator, other) = (app.rich_bot(20).await, app.bot().await);
    app.run_jobs().await;
    let node = app.another_node().await;
    let topics = [Topic::Pages(creator.user_id), Topic::Market, Topic::Pages(other.user_id)];
    let [mut pages, mut market, mut others] = topics.map(|topic| node.news.listen(topic));
    let stop = tokio_util::sync::CancellationToken::new();
    let following = tokio::spawn(roborent::events::follow(std::sync::Arc::clone(&node), app.engine.clone(), stop.clone()));
    // It rings for all when it has looked twice: something was numbered before it listened.
    for bell in [&mut pages, &mut market, &mut others] {
        soon(bell.wait()).await;
    }
    listens(&app, &node).await;
    drop(publish(&app, &creator, &task("5.00", 1)).await);
    app.run_jobs().await;
    soon(pages.wait()).await;
    soon(market.wait()).await;
    assert!(tokio::time::timeout(Duration::from_millis(300), others.wait()).await.is_err(), "others are left alone");
    stop.cancel();
    following.await.unwrap();
    let closing = node.store.clone();
    tokio::task::spawn_blocking(move || closing.close()).await.unwrap();
    app.finish().await;
}

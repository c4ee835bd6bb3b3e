//! The log of what happened, read by waiting calls and by streams.
#![expect(clippy::disallowed_methods, reason = "how long a call waits is machine time")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use roborent::base::UserId;
use roborent::base::call::Dispatcher;
use roborent::base::news::Topic;
use roborent::events::{Event, EventKind, Moved, emit};
use roborent::on_both_engines;
use roborent::testing::{Bot, TestApp};
use serde_json::json;

/// Something happens, and is numbered a moment later.
async fn happen(app: &TestApp, bot: &Bot, count: usize) {
    let user = bot.user_id;
    let tell = move |cx: &mut roborent::base::Context<'_, '_>| {
        let events: Vec<Event> = (0..count).map(|n| Event::new(user, EventKind::ReviewReminder, json!({ "n": n }))).collect();
        emit(cx, &events)
    };
    app.app.dispatcher.system(tell).await.unwrap();
    app.run_jobs().await;
}

fn reminders(from: i64, to: i64) -> Vec<(i64, String)> {
    (from..=to).map(|seq| (seq, "review_reminder".to_owned())).collect()
}

pub async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it comes soon")
}

/// Waits until another node listens: until it hears what is said.
pub async fn listens(app: &TestApp, node: &Arc<Dispatcher>) {
    let nobody = UserId(uuid::Uuid::from_u128(1));
    let mut bell = node.news.listen(Topic::Pages(nobody));
    let heard = async {
        loop {
            let moved = Moved { users: vec![nobody], published: false };
            app.app.dispatcher.system(move |cx| moved.announce(cx)).await.unwrap();
            if tokio::time::timeout(Duration::from_millis(50), bell.wait()).await.is_ok() {
                break;
            }
        }
    };
    soon(heard).await;
}

on_both_engines! {
    async fn a_waiting_call_answers_when_something_happens(app) {
        let bot = app.bot().await;
        let started = Instant::now();
        let waiting = app.get("/api/v1/agent/events?wait_seconds=10").key(&bot).send();
        let telling = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            happen(app, &bot, 2).await;
        };
        let (answer, ()) = soon(async { tokio::join!(waiting, telling) }).await;
        assert!(started.elapsed() >= Duration::from_millis(100));
        let answer = answer.expect(200);
        assert_eq!(answer.json()["items"].as_array().unwrap().len(), 2);
        assert!(answer.header("ratelimit").unwrap().contains("r=119"), "it counts once, however often it looked");
        let at_once = app.get("/api/v1/agent/events?wait_seconds=10&after=1").key(&bot).send();
        assert_eq!(soon(at_once).await.expect(200).json()["next_cursor"], 2);
    }

    async fn a_waiting_call_ends_with_its_patience_and_with_the_server(app) {
        let bot = app.bot().await;
        let started = Instant::now();
        let nothing = soon(app.get("/api/v1/agent/events?wait_seconds=1").key(&bot).send()).await.expect(200);
        assert_eq!(nothing.json(), json!({ "items": [], "next_cursor": 0 }));
        assert!(started.elapsed() >= Duration::from_millis(950));
        assert_eq!(app.get("/api/v1/agent/events?wait_seconds=11").key(&bot).send().await.expect(422).code(), "invalid_field");
        let stopping = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            app.app.dispatcher.news.close();
        };
        let mut stream = app.get("/api/v1/agent/events/stream").key(&bot).stream().await;
        let to_its_end = async { while stream.next().await.is_some() {} };
        let waiting = app.get("/api/v1/agent/events?wait_seconds=10").key(&bot).send();
        let started = Instant::now();
        let (answer, (), ()) = soon(async { tokio::join!(waiting, to_its_end, stopping) }).await;
        assert_eq!(answer.status, 200);
        assert!(started.elapsed() < Duration::from_secs(1));
    }

    async fn a_stream_brings_what_was_and_what_comes(app) {
        let (bot, other) = (app.bot().await, app.bot().await);
        happen(app, &bot, 45).await;
        let mut stream = app.get("/api/v1/agent/events/stream").key(&bot).stream().await;
        assert_eq!(stream.next().await.unwrap(), "retry: 2000\n\n");
        assert_eq!(soon(stream.events(45)).await, reminders(1, 45));
        let mut late = app.get("/api/v1/agent/events/stream?after=3").header("last-event-id", "44").key(&bot).stream().await;
        assert_eq!(soon(late.events(1)).await, reminders(45, 45));
        let (first, second, ()) = soon(async { tokio::join!(stream.events(2), late.events(2), async {
            happen(app, &other, 1).await;
            happen(app, &bot, 2).await;
        }) }).await;
        assert_eq!((first, second), (reminders(46, 47), reminders(46, 47)));
        assert_eq!(app.get("/api/v1/agent/events/stream").header("last-event-id", "x").key(&bot).send().await.expect(422).code(), "invalid_field");
    }

    async fn an_event_of_a_stream_is_that_of_the_list(app) {
        let bot = app.bot().await;
        happen(app, &bot, 1).await;
        let list = app.get("/api/v1/agent/events").key(&bot).send().await.expect(200).json();
        let mut stream = app.get("/api/v1/agent/events/stream").key(&bot).stream().await;
        drop(stream.next().await);
        let text = soon(stream.next()).await.unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["id: 1", "event: review_reminder"]);
        assert_eq!(serde_json::from_str::<serde_json::Value>(lines[2].strip_prefix("data: ").unwrap()).unwrap(), list["items"][0]);
    }

    async fn a_stream_ends_with_its_credential(app) {
        let bot = app.bot().await;
        let second = app.post("/api/v1/agent/keys").key(&bot).json(&json!({ "scopes": ["read"] })).send().await.expect(201).json();
        let reader = Bot { user_id: bot.user_id, key: second["api_key"].as_str().unwrap().to_owned() };
        let (mut ends, mut stays) = (
            app.get("/api/v1/agent/events/stream").key(&reader).stream().await,
            app.get("/api/v1/agent/events/stream").key(&bot).stream().await,
        );
        happen(app, &bot, 1).await;
        assert_eq!(soon(ends.events(1)).await, reminders(1, 1));
        drop(app.ask("DELETE", &format!("/api/v1/agent/keys/{}", second["key_id"].as_str().unwrap())).key(&bot).send().await.expect(200));
        happen(app, &bot, 1).await;
        assert_eq!(soon(ends.events(1)).await, [], "the event is not shown to a revoked key");
        assert_eq!(soon(stays.events(2)).await, reminders(1, 2));
    }

    async fn a_token_that_expires_ends_its_stream(app) {
        let token = app.admin("root@example.com").await;
        let me = app.get("/api/v1/agent/profile").bearer(&token).send().await.expect(200).json();
        let bot = Bot { user_id: roborent::base::UserId(me["user_id"].as_str().unwrap().parse().unwrap()), key: String::new() };
        let mut stream = app.get("/api/v1/agent/events/stream").bearer(&token).stream().await;
        happen(app, &bot, 1).await;
        assert_eq!(soon(stream.events(1)).await, reminders(1, 1));
        app.advance(roborent::base::Span::hours(2));
        happen(app, &bot, 1).await;
        assert_eq!(soon(stream.events(1)).await, []);
    }

    async fn thirty_two_writers_leave_no_hole(app) {
        let bot = app.bot().await;
        let user = bot.user_id;
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..32 {
            let dispatcher = std::sync::Arc::clone(&app.app.dispatcher);
            writers.spawn(async move {
                for n in 0..20 {
                    let event = move |cx: &mut roborent::base::Context<'_, '_>| {
                        emit(cx, &[Event::new(user, EventKind::ReviewReminder, json!({ "writer": writer, "n": n }))])
                    };
                    dispatcher.system(event).await.unwrap();
                }
            });
        }
        let reading = async {
            let mut stream = app.get("/api/v1/agent/events/stream").key(&bot).stream().await;
            stream.events(640).await
        };
        let numbering = async {
            while !writers.is_empty() {
                app.run_jobs().await;
                while writers.try_join_next().is_some() {}
            }
            app.run_jobs().await;
        };
        let (read, ()) = soon(async { tokio::join!(reading, numbering) }).await;
        assert_eq!(read, reminders(1, 640), "in order, without a hole, each once");
    }

    async fn so_many_streams_and_no_more(app, |config| config.events.streams_per_user_max = 2) {
        let (bot, other) = (app.bot().await, app.bot().await);
        let open = || app.get("/api/v1/agent/events/stream").key(&bot);
        let streams = (open().stream().await, open().stream().await);
        let refused = open().send().await.expect(429);
        assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("too_many_streams", Some("5")));
        drop(app.get("/api/v1/agent/events/stream").key(&other).send().await.expect(200));
        drop(streams);
        drop(open().send().await.expect(200));
    }
}

/// Two nodes over one database: what one numbers wakes the other.
#[tokio::test(flavor = "multi_thread")]
async fn another_node_hears_at_once() {
    let Some(app) = TestApp::start(roborent::testing::Engine::Postgres).await else { return };
    let bot = app.bot().await;
    let node = app.another_node().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let following = tokio::spawn(roborent::events::follow(Arc::clone(&node), app.engine.clone(), stop.clone()));
    listens(&app, &node).await;
    let mut there = node.news.listen(Topic::Events(bot.user_id));
    for _ in 0..3 {
        let told = Instant::now();
        happen(&app, &bot, 1).await;
        soon(there.wait()).await;
        println!("heard after {:?}", told.elapsed());
    }
    stop.cancel();
    following.await.unwrap();
    let closing = node.store.clone();
    tokio::task::spawn_blocking(move || closing.close()).await.unwrap();
    app.finish().await;
}

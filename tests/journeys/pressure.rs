//! More than the server can do: clear answers, nothing lost.

use roborent::start::DATABASE_FILE;
use roborent::testing::{Engine, TestApp};
use serde_json::json;

use crate::profiles::join;

/// Holds the write lock of the database from outside, so that the writer waits.
fn hold(app: &TestApp) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(app.dir().join(DATABASE_FILE)).unwrap();
    connection.execute_batch("begin immediate").unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_503_with_retry_after_and_reads_go_on() {
    let app = TestApp::start_with(Engine::Sqlite, |config| config.database.queue_max = 4).await.unwrap();
    let bot = app.bot().await;
    let held = hold(&app);
    let pour = json!({ "user_id": bot.user_id, "usdt": 1 });
    let calls = join((0..20).map(|_| app.post("/sandbox/faucet").json(&pour).send()));
    let reading = async {
        let answer = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200);
        held.execute_batch("rollback").unwrap();
        answer
    };
    let (answers, read) = tokio::join!(calls, reading);
    assert_eq!(read.json()["total_balance"], 0.0);
    let done = answers.iter().filter(|a| a.status == 200).count();
    let refused: Vec<_> = answers.iter().filter(|a| a.status != 200).collect();
    assert!(!refused.is_empty() && done >= 4, "{done} done");
    assert!(refused.iter().all(|a| a.status == 503 && a.code() == "busy" && a.header("retry-after") == Some("1")));
    let balance = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200).json();
    assert_eq!(balance["total_balance"], json!(u32::try_from(done).map(f64::from).unwrap()));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_deadline_the_answer_is_504_and_the_key_tells_the_outcome() {
    let app = TestApp::start_with(Engine::Sqlite, |config| {
        config.server.timeout_seconds = 1;
        config.server.admin_timeout_seconds = 1;
    })
    .await
    .unwrap();
    let bot = app.bot().await;
    let held = hold(&app);
    let answer = app.ask("PATCH", "/api/v1/agent/profile").key(&bot).json(&json!({ "bio": "late" })).send().await.expect(504);
    assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("timeout", Some("5")));
    held.execute_batch("rollback").unwrap();
    // What was queued is still done.
    drop(app.post("/api/v1/agent/keys").key(&bot).send().await.expect(201));
    assert_eq!(app.get("/api/v1/agent/profile").key(&bot).send().await.expect(200).json()["bio"], "late");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_one_caller_leaves_room_in_the_queue() {
    let app = TestApp::start_with(Engine::Sqlite, |config| {
        config.database.queue_max = 8;
        config.limits.read = "6/min".parse().unwrap();
    })
    .await
    .unwrap();
    let (loud, quiet) = (app.bot().await, app.bot().await);
    drop(app.get("/api/v1/finance/balance").key(&loud).send().await.expect(200));
    let held = hold(&app);
    let change = |bot, bio: &str| app.ask("PATCH", "/api/v1/agent/profile").key(bot).json(&json!({ "bio": bio })).send();
    let flood = join((0..100).map(|_| change(&loud, "loud")));
    let other = async {
        let (answer, ()) = tokio::join!(change(&quiet, "quiet"), async { held.execute_batch("rollback").unwrap() });
        answer.expect(200)
    };
    let (flood, _) = tokio::join!(flood, other);
    let of = |status: u16| flood.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(200), of(429)), (5, 95), "none of them found the queue full");
    app.finish().await;
}

//! A key that came in or went out stands nowhere but in the hands of its owner.

use std::io::Write;
use std::sync::{Arc, Mutex};

use roborent::testing::{Engine, TestApp};
use serde_json::json;

use crate::client::{Stream, post, request, tool_call};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_key_is_written_down_nowhere() {
    let log = Log::default();
    let to = log.clone();
    let filter = roborent::base::config::Log { level: "trace".into(), ..Default::default() }.filter().unwrap();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || to.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    let registered = post(&app, None, &tool_call("register_agent", &json!({}))).await.expect(200).json();
    let key = registered["result"]["structuredContent"]["api_key"].as_str().unwrap().to_owned();
    let bot = roborent::testing::Bot {
        user_id: serde_json::from_value(registered["result"]["structuredContent"]["user_id"].clone()).unwrap(),
        key: key.clone(),
    };
    app.pour(bot.user_id, 5).await;
    drop(post(&app, None, &tool_call("get_balance", &json!({ "api_key": key }))).await.expect(200));
    drop(post(&app, Some(&bot), &tool_call("get_balance", &json!({ "api_key": key }))).await.expect(200));
    drop(post(&app, None, &tool_call("no_such_tool", &json!({ "api_key": key }))).await);
    drop(post(&app, None, &tool_call("search_tasks", &json!({ "api_key": key, "colour": 1 }))).await);
    drop(post(&app, None, &tool_call("get_platform_rules", &json!({ "api_key": key }))).await);
    let task = json!({ "title": "Keyed", "description": "Published with a key inside.", "category": "other", "reward_usd": 1, "slots": 1, "api_key": key, "idempotency_key": "k" });
    drop(post(&app, None, &tool_call("publish_task", &task)).await.expect(200));
    drop(app.post("/api/v1/mcp").bearer(&key).json(&request("tools/list", &json!({}))).send().await.expect(200));
    let mut stream = Stream::open(&app, None).await;
    let second = stream.ask(&app, None, &tool_call("register_agent", &json!({}))).await;
    let second = second["result"]["structuredContent"]["api_key"].as_str().unwrap().to_owned();
    drop(stream);
    let mut stored = Vec::new();
    for entry in std::fs::read_dir(app.dir()).unwrap() {
        stored.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let logged = log.0.lock().unwrap().clone();
    assert!(!logged.is_empty() && !stored.is_empty());
    for secret in [&key, &second] {
        let found = |text: &[u8]| text.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found(&logged), "a key stands in the log");
        assert!(!found(&stored), "a key stands in the data folder");
    }
    app.finish().await;
}

//! The published lines for curl, byte for byte: only the host and the key are replaced, and the headers are those of curl.

use roborent::on_both_engines;
use roborent::testing::{Answered, TestApp};

use crate::client::Stream;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","clientInfo":{"name":"mybot","version":"1.0"}}}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"get_balance","arguments":{}}}"#;

async fn as_curl(app: &TestApp, key: &str, body: &str) -> Answered {
    let ask = app.post("/api/v1/mcp").header("user-agent", "curl/8.5.0").header("accept", "*/*");
    ask.header("X-API-Key", key).header("content-type", "application/x-www-form-urlencoded").body(body).send().await
}

on_both_engines! {
    async fn the_published_lines_work_as_they_stand(app) {
        let bot = app.bot().await;
        let hello = as_curl(app, &bot.key, INITIALIZE).await.expect(200);
        assert_eq!(hello.header("content-type"), Some("application/json"));
        assert_eq!(hello.header("mcp-session-id"), None);
        assert_eq!(hello.json()["result"]["protocolVersion"], "2024-11-05");
        assert_eq!(hello.json()["result"]["serverInfo"]["name"], "roborent");
        let balance = as_curl(app, &bot.key, CALL).await.expect(200).json();
        assert_eq!(balance["id"], 2);
        assert_eq!(balance["result"]["structuredContent"]["available_balance"], 0.0);
    }

    async fn discovery_needs_no_key(app) {
        let found = app.get("/api/v1/mcp").header("accept", "*/*").send().await.expect(200);
        let document = found.json();
        for name in ["name", "title", "version", "description", "protocolVersions", "transports", "auth", "capabilities", "instructions", "tools", "links"] {
            assert!(!document[name].is_null(), "{name}");
        }
        assert_eq!(document["transports"][0]["url"], "http://127.0.0.1:8080/api/v1/mcp");
        assert_eq!(found.header("cache-control"), Some("public, max-age=300"));
        let tag = found.header("etag").unwrap().to_owned();
        drop(app.get("/api/v1/mcp").header("if-none-match", &tag).send().await.expect(304));
        let probe = app.get("/api/v1/mcp").header("accept", "text/event-stream").send().await.expect(405);
        assert_eq!(probe.header("allow"), Some("POST, GET"));
        drop(app.get("/api/v1/mcp").header("accept", "text/event-stream, application/json").send().await.expect(200));
    }

    async fn the_stream_begins_with_its_endpoint(app) {
        let stream = Stream::open(app, None).await;
        let id = stream.endpoint.strip_prefix("/api/v1/mcp/messages?sessionId=").unwrap();
        assert_eq!(id.len(), 32, "128 random bits");
    }

    async fn a_bot_registers_without_a_key(app) {
        let line = r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"register_agent","arguments":{"agent_name":"MyBot"}}}"#;
        let answer = app.post("/api/v1/mcp").body(line).send().await.expect(200).json();
        let key = answer["result"]["structuredContent"]["api_key"].as_str().unwrap();
        assert_eq!(as_curl(app, key, CALL).await.expect(200).json()["result"]["isError"], false);
    }
}

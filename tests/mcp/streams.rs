//! Event streams: whose they are, how many there may be, and that nothing is left of them.

use std::time::Duration;

use roborent::on_both_engines;
use serde_json::json;

use crate::client::{Stream, error, request, tool_call};

on_both_engines! {
    async fn a_keyed_stream_takes_messages_of_its_user_only(app) {
        let (bot, other) = (app.bot().await, app.bot().await);
        let mut stream = Stream::open(app, Some(&bot)).await;
        let balance = tool_call("get_balance", &json!({}));
        assert_eq!(stream.ask(app, Some(&bot), &balance).await["result"]["structuredContent"]["total_balance"], 0.0);
        let nobody = stream.post(app, None, &balance).await;
        assert_eq!(error(&nobody).0, 401);
        assert_eq!(error(&stream.post(app, Some(&other), &balance).await).0, 403);
        assert_eq!(error(&stream.post(app, Some(&bot), &json!([balance])).await).0, 400);
        let broken = app.post(&stream.endpoint).key(&bot).body("{").send().await;
        assert_eq!(error(&broken).1, -32_700);
        let large = app.post(&stream.endpoint).key(&bot).body("a".repeat(1024 * 1024 + 1)).send().await;
        assert_eq!(error(&large).0, 413);
        drop(stream.post(app, Some(&bot), &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await.expect(202));
        assert_eq!(stream.ask(app, Some(&bot), &request("ping", &json!({}))).await["result"], json!({}), "the stream has survived all of it");
        let alias = stream.endpoint.replace("sessionId", "session_id");
        drop(app.post(&alias).key(&bot).json(&request("ping", &json!({}))).send().await.expect(202));
        let endpoint = stream.endpoint.clone();
        drop(stream);
        assert_eq!(error(&app.post(&endpoint).key(&bot).json(&balance).send().await).0, 404);
        assert_eq!(error(&app.post("/api/v1/mcp/messages").json(&balance).send().await).0, 404);
    }

    async fn a_credential_makes_an_open_stream_its_own(app) {
        let (bot, other) = (app.bot().await, app.bot().await);
        let mut stream = Stream::open(app, None).await;
        let balance = tool_call("get_balance", &json!({}));
        assert_eq!(stream.ask(app, Some(&bot), &balance).await["result"]["isError"], false);
        assert_eq!(error(&stream.post(app, None, &balance).await).0, 401);
        assert_eq!(error(&stream.post(app, Some(&other), &balance).await).0, 403);
        assert_eq!(stream.ask(app, Some(&bot), &balance).await["result"]["isError"], false);
    }

    async fn limits_are_told_on_the_stream(app, |config| config.limits.mcp = "3/min".parse().unwrap()) {
        let bot = app.bot().await;
        let mut stream = Stream::open(app, Some(&bot)).await;
        for _ in 0..3 {
            drop(stream.ask(app, Some(&bot), &request("ping", &json!({}))).await);
        }
        let call = stream.ask(app, Some(&bot), &tool_call("get_balance", &json!({}))).await;
        assert!(call["result"]["content"][0]["text"].as_str().unwrap().starts_with("rate_limited: "), "{call}");
        let list = stream.ask(app, Some(&bot), &request("tools/list", &json!({}))).await;
        assert_eq!(list["error"]["data"]["code"], "rate_limited");
    }

    async fn a_stream_ends_with_its_key(app) {
        let bot = app.bot().await;
        let made = app.post("/api/v1/agent/keys").key(&bot).json(&json!({ "name": "stream" })).send().await.expect(201).json();
        let short = roborent::testing::Bot { user_id: bot.user_id, key: made["api_key"].as_str().unwrap().to_owned() };
        let mut stream = Stream::open(app, Some(&short)).await;
        drop(app.ask("DELETE", &format!("/api/v1/agent/keys/{}", made["key_id"].as_str().unwrap())).key(&bot).send().await.expect(200));
        drop(stream.post(app, Some(&bot), &request("ping", &json!({}))).await.expect(202));
        assert!(stream.next().await.is_none(), "the key that opened it holds no more");
    }

    async fn there_are_so_many_streams_and_no_more(app, |config| { config.mcp.streams_per_user_max = 2; config.mcp.streams_per_client_max = 3; config.mcp.streams_max = 6 }) {
        let bot = app.bot().await;
        let keyed = [Stream::open(app, Some(&bot)).await, Stream::open(app, Some(&bot)).await];
        let more = app.get("/api/v1/mcp/sse").key(&bot).send().await;
        assert_eq!((more.status, more.header("retry-after")), (429, Some("60")));
        let open = [Stream::open(app, None).await, Stream::open(app, None).await, Stream::open(app, None).await];
        assert_eq!(app.get("/api/v1/mcp/sse").send().await.status, 429);
        let other = app.bot().await;
        let last = Stream::open(app, Some(&other)).await;
        assert_eq!(app.get("/api/v1/mcp/sse").from([9, 8, 7, 6]).send().await.status, 503);
        drop((keyed, open, last));
        drop(Stream::open(app, None).await);
    }

    async fn two_hundred_streams_leave_nothing_behind(app, |config| config.mcp.streams_per_client_max = 1_000) {
        let mut streams = Vec::new();
        for _ in 0..200 {
            streams.push(Stream::open(app, None).await);
        }
        assert_eq!(app.app.streams.count(), 200);
        for stream in &mut streams {
            drop(stream.post(app, None, &request("ping", &json!({}))).await.expect(202));
        }
        drop(streams);
        assert_eq!(app.app.streams.count(), 0);
    }

    async fn every_stream_ends_when_the_server_stops(app) {
        let mut streams = vec![Stream::open(app, None).await, Stream::open(app, None).await];
        app.app.stopping.cancel();
        let ended = async {
            for stream in &mut streams {
                assert!(stream.next().await.is_none());
            }
        };
        tokio::time::timeout(Duration::from_secs(1), ended).await.unwrap();
        drop(streams);
        assert_eq!(app.app.streams.count(), 0);
    }
}

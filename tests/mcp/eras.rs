//! Clients of every revision.

use roborent::on_both_engines;
use roborent::testing::{Answered, Bot, TestApp};
use serde_json::{Value, json};

use crate::client::{PATH, error, post, request, tool_call};

const NOW: &str = "2026-07-28";

/// A message that says itself which revision it follows.
fn modern(method: &str, mut params: Value, version: &str) -> Value {
    params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {} });
    request(method, &params)
}

async fn post_modern(app: &TestApp, bot: Option<&Bot>, message: &Value, headers: &[(&str, &str)]) -> Answered {
    let mut ask = app.post(PATH).json(message).header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        ask = ask.header(name, value);
    }
    match bot {
        Some(bot) => ask.key(bot),
        None => ask,
    }
    .send()
    .await
}

on_both_engines! {
    async fn a_handshake_is_answered_in_its_revision_or_in_the_newest_that_has_one(app) {
        for (asked, answered) in [
            ("2024-11-05", "2024-11-05"),
            ("2025-03-26", "2025-03-26"),
            ("2025-06-18", "2025-06-18"),
            ("2025-11-25", "2025-11-25"),
            ("2026-07-28", "2025-11-25"),
            ("1999-01-01", "2025-11-25"),
            ("2031-01-01", "2025-11-25"),
        ] {
            let hello = request("initialize", &json!({ "protocolVersion": asked, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } }));
            let answer = post(app, None, &hello).await.expect(200).json();
            assert_eq!(answer["result"]["protocolVersion"], answered, "{asked}");
            assert!(answer["result"].get("resultType").is_none());
        }
        let bare = post(app, None, &json!({ "jsonrpc": "2.0", "id": "a", "method": "initialize" })).await.expect(200).json();
        assert_eq!(bare["result"]["protocolVersion"], "2024-11-05");
        assert_eq!(bare["id"], "a");
    }

    async fn notifications_are_taken_and_answered_with_nothing(app) {
        let answer = post(app, None, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await.expect(202);
        assert!(answer.body.is_empty());
    }

    async fn the_stateless_revision_needs_no_handshake(app) {
        let bot = app.bot().await;
        let found = post_modern(app, None, &modern("server/discover", json!({}), NOW), &[("mcp-protocol-version", NOW), ("mcp-method", "server/discover")]).await.expect(200).json();
        assert_eq!(found["result"]["resultType"], "complete");
        assert!(found["result"]["supportedVersions"].as_array().unwrap().contains(&json!(NOW)));
        let list = post_modern(app, Some(&bot), &modern("tools/list", json!({}), NOW), &[("mcp-protocol-version", NOW), ("mcp-method", "tools/list")]).await.expect(200).json();
        assert_eq!(list["result"]["cacheScope"], "private");
        assert_eq!(list["result"]["ttlMs"], 300_000);
        let call = modern("tools/call", json!({ "name": "get_balance", "arguments": {} }), NOW);
        let headers = [("mcp-protocol-version", NOW), ("mcp-method", "tools/call"), ("mcp-name", "get_balance")];
        let balance = post_modern(app, Some(&bot), &call, &headers).await.expect(200);
        assert_eq!(balance.json()["result"]["resultType"], "complete");
        assert_eq!(balance.json()["result"]["structuredContent"]["total_balance"], 0.0);
        assert_eq!(balance.header("mcp-session-id"), None);
        let registered = modern("tools/call", json!({ "name": "get_balance", "arguments": { "api_key": bot.key } }), NOW);
        assert_eq!(post_modern(app, None, &registered, &headers).await.expect(200).json()["result"]["isError"], false);
    }

    async fn headers_that_contradict_the_message_are_refused(app) {
        let call = modern("tools/call", json!({ "name": "get_platform_rules", "arguments": {} }), NOW);
        for headers in [
            [("mcp-protocol-version", NOW), ("mcp-method", "tools/list"), ("mcp-name", "get_platform_rules")],
            [("mcp-protocol-version", NOW), ("mcp-method", "tools/call"), ("mcp-name", "get_balance")],
            [("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/call"), ("mcp-name", "get_platform_rules")],
        ] {
            let answer = post_modern(app, None, &call, &headers).await;
            assert_eq!(error(&answer), (400, -32_020, json!(7)), "{headers:?}");
        }
        let unknown = modern("tools/list", json!({}), "2030-01-01");
        let answer = post_modern(app, None, &unknown, &[("mcp-protocol-version", "2030-01-01"), ("mcp-method", "tools/list")]).await;
        assert_eq!(error(&answer), (400, -32_022, json!(7)));
        for method in ["initialize", "ping", "logging/setLevel", "nonsense"] {
            let answer = post_modern(app, None, &modern(method, json!({}), NOW), &[("mcp-protocol-version", NOW), ("mcp-method", method)]).await;
            assert_eq!(error(&answer), (404, -32_601, json!(7)), "{method}");
        }
    }

    async fn batches_are_answered_in_order(app) {
        let bot = app.bot().await;
        let batch = json!([request("ping", &json!({})), { "jsonrpc": "2.0", "method": "notifications/initialized" }, tool_call("get_balance", &json!({}))]);
        let answers = post(app, Some(&bot), &batch).await.expect(200).json();
        assert_eq!(answers.as_array().unwrap().len(), 2);
        assert_eq!(answers[0]["result"], json!({}));
        assert_eq!(answers[1]["result"]["structuredContent"]["held_balance"], 0.0);
        let silent = json!([{ "jsonrpc": "2.0", "method": "notifications/initialized" }, { "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }]);
        assert!(post(app, Some(&bot), &silent).await.expect(202).body.is_empty());
        let mixed = json!([modern("tools/list", json!({}), NOW), request("ping", &json!({}))]);
        let answers = post(app, Some(&bot), &mixed).await.expect(200).json();
        assert_eq!(answers[0]["error"]["code"], -32_600);
        assert_eq!(answers[1]["result"], json!({}));
    }

    async fn lists_resources_and_prompts_need_no_key(app) {
        for method in ["tools/list", "resources/list", "resources/templates/list", "prompts/list", "ping"] {
            let answer = post(app, None, &request(method, &json!({}))).await.expect(200).json();
            assert!(answer["result"].is_object(), "{method}: {answer}");
        }
        let guide = post(app, None, &request("resources/read", &json!({ "uri": "roborent://guide" }))).await.expect(200).json();
        assert!(guide["result"]["contents"][0]["text"].as_str().unwrap().starts_with("# roborent"));
        let rules = post(app, None, &request("resources/read", &json!({ "uri": "roborent://rules" }))).await.expect(200).json();
        let rules: Value = serde_json::from_str(rules["result"]["contents"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(rules["fee_percent"], 10.0);
        assert_eq!(error(&post(app, None, &request("resources/read", &json!({ "uri": "roborent://nothing" }))).await).1, -32_002);
        let earn = post(app, None, &request("prompts/get", &json!({ "name": "earn_usdt", "arguments": { "category": "social" } }))).await.expect(200).json();
        assert!(earn["result"]["messages"][0]["content"]["text"].as_str().unwrap().contains("\"social\""));
        let hire = post(app, None, &request("prompts/get", &json!({ "name": "hire_humans" }))).await;
        assert_eq!(error(&hire).1, -32_602);
    }
}

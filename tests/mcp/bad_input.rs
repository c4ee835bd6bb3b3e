//! What nobody should send: each gets the right error, the next call works, and nothing was changed.

use std::time::Duration;

use axum::http::HeaderMap;
use roborent::on_both_engines;
use roborent::testing::TestApp;
use serde_json::{Value, json};

use crate::client::{PATH, SDK, call, error, post, refusal, request, tool_call};

const MIB: usize = 1024 * 1024;

fn is_401(headers: &HeaderMap) -> bool {
    headers.get("www-authenticate").is_some_and(|value| value == "Bearer error=\"invalid_token\"")
}

on_both_engines! {
    async fn what_is_no_json_or_no_message_is_told_so(app) {
        for body in ["{", "", "nonsense", "{\"a\":\"\\ud800\"}", "[", "{\"jsonrpc\":\"2.0\",}"] {
            let answer = app.post(PATH).body(body).send().await;
            assert_eq!(error(&answer), (400, -32_700, Value::Null), "{body}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(error(&app.post(PATH).body(deep).send().await), (400, -32_700, Value::Null));
        for (body, id) in [
            ("1", Value::Null),
            ("\"ping\"", Value::Null),
            ("{}", Value::Null),
            ("[]", Value::Null),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, json!(1)),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Value::Null),
            (r#"{"jsonrpc":"1.0","id":4,"method":"ping"}"#, json!(4)),
            (r#"{"jsonrpc":"2.0","id":4,"id":5,"method":"ping"}"#, json!(5)),
        ] {
            assert_eq!(error(&app.post(PATH).body(body).send().await), (400, -32_600, id), "{body}");
        }
        let many = Value::Array(vec![request("ping", &json!({})); 21]);
        assert_eq!(error(&post(app, None, &many).await), (400, -32_600, Value::Null));
        assert_eq!(post(app, None, &Value::Array(vec![request("ping", &json!({})); 20])).await.expect(200).json().as_array().unwrap().len(), 20);
    }

    async fn a_body_is_counted_whatever_it_announces(app) {
        let large = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{}\"}}", "a".repeat(MIB));
        for announced in [true, false] {
            let ask = app.post(PATH).body(large.clone());
            let ask = if announced { ask.header("content-length", &large.len().to_string()) } else { ask };
            let answer = ask.send().await;
            assert_eq!(error(&answer), (413, -32_000, Value::Null));
            assert_eq!(answer.json()["error"]["data"]["code"], "body_too_large");
        }
    }

    async fn foreign_hosts_and_origins_come_nowhere(app) {
        let routes = [("POST", PATH), ("GET", PATH), ("DELETE", PATH), ("OPTIONS", PATH), ("GET", "/api/v1/mcp/sse"), ("POST", "/api/v1/mcp/sse"), ("POST", "/api/v1/mcp/messages?sessionId=x"), ("GET", "/api/v1/mcp/server-card")];
        for (method, path) in routes {
            for origin in ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "file://"] {
                let answer = app.ask(method, path).header("origin", origin).json(&tool_call("register_agent", &json!({}))).send().await;
                assert_eq!(answer.status, 403, "{method} {path} {origin}");
            }
            for host in ["evil.example", "127.0.0.1.evil.example", ""] {
                let answer = app.ask_without_host(method, path).header("host", host).send().await;
                assert_eq!(answer.status, 403, "{method} {path} {host}");
            }
        }
        let own = app.post(PATH).header("origin", "http://127.0.0.1:8080").json(&request("ping", &json!({}))).send().await.expect(200);
        assert_eq!(own.json()["result"], json!({}));
    }

    async fn a_credential_that_does_not_hold_is_401_for_every_method(app) {
        let bot = app.bot().await;
        let revoked = app.post("/api/v1/agent/keys").key(&bot).json(&json!({ "name": "short" })).send().await.expect(201).json();
        let key = revoked["api_key"].as_str().unwrap().to_owned();
        let balance = tool_call("get_balance", &json!({}));
        drop(app.post(PATH).header("x-api-key", &key).json(&balance).send().await.expect(200));
        drop(app.ask("DELETE", &format!("/api/v1/agent/keys/{}", revoked["key_id"].as_str().unwrap())).key(&bot).send().await.expect(200));
        let foreign = format!("rr_live_{}", &bot.key[8..]);
        for (name, value) in [("x-api-key", key.as_str()), ("x-api-key", "rr_test_nonsense"), ("x-api-key", &foreign), ("authorization", "Bearer nonsense"), ("authorization", "Basic YTpi")] {
            for message in [request("initialize", &json!({})), request("tools/list", &json!({})), request("ping", &json!({})), balance.clone(), tool_call("register_agent", &json!({}))] {
                for accept in [SDK, "*/*"] {
                    let answer = app.post(PATH).header(name, value).header("accept", accept).json(&message).send().await;
                    assert_eq!(answer.status, 401, "{name} {value} {message}");
                    assert!(is_401(&answer.headers));
                    assert_eq!(answer.json()["error"]["code"], -32_000);
                }
            }
        }
        let other = app.bot().await;
        let two = app.post(PATH).key(&bot).header("authorization", &format!("Bearer {}", other.key)).json(&balance).send().await;
        assert_eq!(two.status, 401);
        assert_eq!(call(app, &bot, "get_balance", &json!({})).await["total_balance"], 0.0);
    }

    async fn wrong_calls_are_told_what_is_wrong(app) {
        let bot = app.bot().await;
        let unknown = post(app, Some(&bot), &tool_call("make_money", &json!({}))).await;
        assert_eq!(error(&unknown), (200, -32_602, json!(7)));
        assert_eq!(unknown.json()["error"]["message"], "Unknown tool: make_money. Call tools/list.");
        for (arguments, code) in [
            (json!({ "colour": "red" }), "unknown_field"),
            (json!({ "limit": "many" }), "invalid_field"),
            (json!({ "limit": 51 }), "invalid_field"),
            (json!({ "category": "gold" }), "unknown_category"),
            (json!({ "cursor": "nonsense" }), "invalid_cursor"),
        ] {
            let answer = post(app, Some(&bot), &tool_call("search_tasks", &arguments)).await;
            assert!(refusal(&answer).starts_with(&format!("{code}: ")), "{arguments}: {}", refusal(&answer));
        }
        let twice = app.post(PATH).key(&bot).body(r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"search_tasks","arguments":{"limit":1,"limit":2}}}"#).send().await;
        assert!(refusal(&twice).starts_with("field_twice: "));
        let blurred = app.post(PATH).key(&bot).body(r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"search_tasks","arguments":{"min_reward":25.00000000000000001}}}"#).send().await;
        assert!(refusal(&blurred).starts_with("invalid_field: "));
        let nothing = tool_call("get_task_detail", &json!({ "task_id": "00000000-0000-7000-8000-0000000000ff" }));
        assert!(refusal(&post(app, Some(&bot), &nothing).await).starts_with("not_found: "));
        for params in [json!({}), json!({ "name": 7 }), json!({ "name": "get_balance", "arguments": [] })] {
            assert_eq!(error(&post(app, Some(&bot), &request("tools/call", &params)).await), (200, -32_602, json!(7)), "{params}");
        }
        assert_eq!(error(&post(app, Some(&bot), &request("nonsense/method", &json!({}))).await), (200, -32_601, json!(7)));
        assert_eq!(error(&post(app, Some(&bot), &request("resources/read", &json!({}))).await).1, -32_602);
        let version = app.post(PATH).header("mcp-protocol-version", "1999-01-01").json(&request("ping", &json!({}))).send().await;
        assert_eq!(error(&version), (400, -32_600, json!(7)));
        for (method, path) in [("DELETE", PATH), ("PUT", PATH), ("GET", "/api/v1/mcp/messages"), ("DELETE", "/api/v1/mcp/sse")] {
            let answer = app.ask(method, path).send().await.expect(405);
            assert!(answer.header("allow").is_some(), "{method} {path}");
        }
    }

    async fn the_limit_of_all_messages_counts_each(app, |config| config.limits.mcp = "5/min".parse().unwrap()) {
        let bot = app.bot().await;
        let batch = Value::Array(vec![tool_call("get_balance", &json!({})); 3]);
        assert_eq!(post(app, Some(&bot), &batch).await.expect(200).json().as_array().unwrap().len(), 3);
        for _ in 0..2 {
            drop(call(app, &bot, "get_balance", &json!({})).await);
        }
        let plain = post(app, Some(&bot), &tool_call("get_balance", &json!({}))).await;
        assert_eq!(error(&plain), (429, -32_000, json!(7)));
        assert_eq!(plain.header("retry-after"), Some("12"));
        let sdk = app.post(PATH).key(&bot).header("accept", SDK).json(&tool_call("get_balance", &json!({}))).send().await;
        assert!(refusal(&sdk).contains("Retry after 12 s."), "{}", refusal(&sdk));
        let list = app.post(PATH).key(&bot).header("accept", SDK).json(&request("tools/list", &json!({}))).send().await;
        assert_eq!(list.status, 429, "what is no tool call has no result to tell it in");
        drop(post(app, None, &request("ping", &json!({}))).await.expect(200));
        app.advance(roborent::base::Span::minutes(1));
        drop(call(app, &bot, "get_balance", &json!({})).await);
    }

    async fn a_tool_call_counts_as_its_twin(app, |config| config.limits.accept = "1/h".parse().unwrap()) {
        let (creator, worker) = (app.rich_bot(10).await, app.bot().await);
        let mut tasks = Vec::new();
        for title in ["First task", "Second task"] {
            let task = json!({ "title": title, "description": "Something to be done.", "category": "other", "reward_usd": 1, "slots": 1 });
            tasks.push(call(app, &creator, "publish_task", &task).await["task_id"].clone());
        }
        drop(call(app, &worker, "accept_task", &json!({ "task_id": tasks[0] })).await);
        let plain = post(app, Some(&worker), &tool_call("accept_task", &json!({ "task_id": tasks[1] }))).await;
        assert_eq!((plain.status, plain.header("retry-after")), (429, Some("3600")));
        assert_eq!(app.post(&format!("/api/v1/agent/tasks/{}/accept", tasks[1].as_str().unwrap())).key(&worker).send().await.status, 429);
        let sdk = app.post(PATH).key(&worker).header("accept", SDK).json(&tool_call("accept_task", &json!({ "task_id": tasks[1] }))).send().await;
        assert!(refusal(&sdk).starts_with("rate_limited: "));
    }

    async fn the_spend_cap_holds_here_too(app) {
        let bot = app.rich_bot(20).await;
        drop(call(app, &bot, "update_profile", &json!({ "max_hourly_spend_usd": 5 })).await);
        let task = |slots: u32| json!({ "title": "Capped", "description": "Costs more than allowed.", "category": "other", "reward_usd": 1, "slots": slots });
        drop(call(app, &bot, "publish_task", &task(5)).await);
        let plain = post(app, Some(&bot), &tool_call("publish_task", &task(1))).await;
        assert_eq!((plain.status, plain.header("retry-after"), plain.json()["id"].clone()), (429, Some("3600"), json!(7)));
        let sdk = app.post(PATH).key(&bot).header("accept", SDK).json(&tool_call("publish_task", &task(1))).send().await;
        assert!(refusal(&sdk).starts_with("spend_cap_exceeded: ") && refusal(&sdk).contains("Retry after 3600 s."));
        assert_eq!(call(app, &bot, "get_balance", &json!({})).await["available_balance"], 15.0);
    }
}

/// One writer, and it is busy.
async fn while_the_database_is_busy(app: &TestApp, work: impl AsyncFnOnce()) {
    let (begun, begins) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let begun = std::sync::Mutex::new(Some(begun));
    let released = std::sync::Mutex::new(released);
    let dispatcher = std::sync::Arc::clone(&app.app.dispatcher);
    let busy = tokio::spawn(async move {
        dispatcher
            .system(move |_| {
                if let Some(begun) = begun.lock().unwrap().take() {
                    begun.send(()).unwrap();
                }
                released.lock().unwrap().recv_timeout(Duration::from_secs(20)).unwrap();
                Ok(())
            })
            .await
            .unwrap();
    });
    begins.await.unwrap();
    work().await;
    release.send(()).unwrap();
    busy.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_the_waiting_and_the_same_key_tells_the_outcome() {
    let app = TestApp::start_with(roborent::testing::Engine::Sqlite, |config| config.mcp.timeout_seconds = 1).await.unwrap();
    let bot = app.rich_bot(10).await;
    let task = json!({ "title": "Slow", "description": "Published while it is busy.", "category": "other", "reward_usd": 1, "slots": 1, "idempotency_key": "slow-1" });
    while_the_database_is_busy(&app, async || {
        let sdk = app.post(PATH).key(&bot).header("accept", SDK).json(&tool_call("publish_task", &task)).send().await;
        let text = refusal(&sdk);
        assert!(text.starts_with("timeout: ") && text.contains("idempotency_key") && text.contains("Retry after 5 s."), "{text}");
        let plain = post(&app, Some(&bot), &tool_call("publish_task", &task)).await;
        assert_eq!(error(&plain), (504, -32_000, json!(7)));
        assert_eq!(plain.header("retry-after"), Some("5"));
    })
    .await;
    let published = call(&app, &bot, "publish_task", &task).await;
    assert_eq!(call(&app, &bot, "publish_task", &task).await, published);
    assert_eq!(call(&app, &bot, "get_balance", &json!({})).await["held_balance"], 1.0, "three calls, one task");
    app.finish().await;
}

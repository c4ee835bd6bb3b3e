//! The short way of a message and the long one end in the same bytes.

use roborent::testing::{Answered, Bot, Engine, TestApp};
use serde_json::{Value, json};

use crate::client::{PATH, SDK, Stream, request, tool_call};

const NOW: &str = "2026-07-28";
/// No header that rmcp knows, so it changes nothing; but what has it is not plain.
const UNKNOWN: &str = "mcp-unknown";

/// A message, who sends it, and what he says in headers.
struct Case<'a> {
    bot: Option<&'a Bot>,
    message: Value,
    headers: Vec<(&'static str, String)>,
}

async fn send(app: &TestApp, case: &Case<'_>, accept: &str, long: bool) -> Answered {
    let mut ask = app.post(PATH).header("accept", accept).json(&case.message);
    for (name, value) in &case.headers {
        ask = ask.header(name, value);
    }
    if long {
        ask = ask.header(UNKNOWN, "1");
    }
    match case.bot {
        Some(bot) => ask.key(bot),
        None => ask,
    }
    .send()
    .await
}

fn handshake(version: &str) -> Vec<(&'static str, String)> {
    vec![("mcp-protocol-version", version.to_owned())]
}

fn modern(method: &str, name: &str, mut params: Value, capabilities: &Value) -> (Value, Vec<(&'static str, String)>) {
    params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": NOW, "io.modelcontextprotocol/clientCapabilities": capabilities });
    let headers = [("mcp-protocol-version", NOW), ("mcp-method", method), ("mcp-name", name)];
    (request(method, &params), headers.map(|(name, value)| (name, value.to_owned())).to_vec())
}

/// What is asked, in words of any revision; each can be repeated.
fn questions(bot: &Bot) -> Vec<(Option<&Bot>, Value)> {
    let call = |name: &str, arguments: Value| json!({ "name": name, "arguments": arguments });
    let task = json!({ "title": "Say hello", "description": "Say hello to both ways.", "category": "other", "reward_usd": 1, "slots": 1, "idempotency_key": "ways" });
    vec![
        (Some(bot), call("get_balance", json!({}))),
        (Some(bot), json!({ "name": "get_balance" })),
        (Some(bot), json!({ "name": "get_balance", "arguments": null })),
        (Some(bot), json!({ "name": "get_balance", "arguments": {}, "_meta": { "progressToken": 1 } })),
        (Some(bot), json!({ "name": "get_balance", "arguments": {}, "_meta": null })),
        (Some(bot), json!({ "name": "get_balance", "arguments": {}, "_meta": 7 })),
        (Some(bot), json!({ "name": "get_balance", "arguments": {}, "other": 7 })),
        (Some(bot), json!({ "name": "get_balance", "arguments": [] })),
        (Some(bot), json!({ "name": 7 })),
        (Some(bot), json!({})),
        (Some(bot), call("get_balance", json!({ "api_key": bot.key }))),
        (None, call("get_balance", json!({ "api_key": bot.key }))),
        (None, call("get_balance", json!({ "api_key": "rr_test_nonsense" }))),
        (None, call("get_balance", json!({}))),
        (None, call("get_platform_rules", json!({}))),
        (Some(bot), call("get_platform_rules", json!({ "colour": "red" }))),
        (Some(bot), call("make_money", json!({}))),
        (Some(bot), call("get_profile", json!({}))),
        (Some(bot), call("search_tasks", json!({ "limit": 51 }))),
        (Some(bot), call("search_tasks", json!({ "limit": 1, "min_reward": 0.50, "category": "other" }))),
        (Some(bot), call("search_tasks", json!({ "limit": 1.5 }))),
        (Some(bot), call("get_task_detail", json!({ "task_id": "00000000-0000-7000-8000-0000000000ff" }))),
        (Some(bot), call("list_published_tasks", json!({}))),
        (Some(bot), call("list_events", json!({ "after": 1_000, "wait_seconds": 0 }))),
        (Some(bot), call("publish_task", task)),
        (Some(bot), call("create_withdrawal", json!({ "amount": 25, "address": "nowhere" }))),
    ]
}

fn cases(bot: &Bot) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for (bot, params) in questions(bot) {
        let message = request("tools/call", &params);
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", NOW, "1999-01-01", ""] {
            cases.push(Case { bot, message: message.clone(), headers: handshake(version) });
        }
        cases.push(Case { bot, message: message.clone(), headers: Vec::new() });
        cases.push(Case { bot, message: message.clone(), headers: [handshake("2025-11-25"), handshake("2025-06-18")].concat() });
        let name = params["name"].as_str().unwrap_or("get_balance").to_owned();
        for capabilities in [json!({}), json!({ "roots": {} }), json!(7), Value::Null] {
            let (message, headers) = modern("tools/call", &name, params.clone(), &capabilities);
            cases.push(Case { bot, message: message.clone(), headers: headers.clone() });
            for left_out in 0..headers.len() {
                let mut fewer = headers.clone();
                fewer.remove(left_out);
                cases.push(Case { bot, message: message.clone(), headers: fewer });
            }
            let mut other = headers.clone();
            other[2].1 = "get_profile".into();
            cases.push(Case { bot, message: message.clone(), headers: other });
            let twice = [headers.clone(), headers[2..].to_vec()].concat();
            cases.push(Case { bot, message, headers: twice });
        }
    }
    for id in [json!("text"), json!("\u{e4}\"\n"), json!(0), json!(-1), json!(i64::MAX), json!(u64::MAX)] {
        for (method, params) in [("tools/call", json!({ "name": "get_balance" })), ("ping", json!({}))] {
            let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
            cases.push(Case { bot: Some(bot), message, headers: Vec::new() });
        }
    }
    for params in [json!({}), Value::Null, json!({ "_meta": {} }), json!({ "x": 1 })] {
        for version in ["2025-11-25", NOW, "1999-01-01"] {
            cases.push(Case { bot: None, message: request("ping", &params), headers: handshake(version) });
        }
    }
    for message in [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "more": true }),
        json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "get_balance" } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "get_balance" }, "result": {} }),
    ] {
        cases.push(Case { bot: Some(bot), message, headers: Vec::new() });
    }
    let (message, headers) = modern("ping", "ping", json!({}), &json!({}));
    cases.push(Case { bot: None, message, headers });
    cases
}

#[tokio::test]
async fn both_ways_answer_the_same_bytes() {
    let app = TestApp::start_with(Engine::Sqlite, |config| {
        config.limits.mcp = "100000/min".parse().unwrap();
        config.limits.read = "100000/min".parse().unwrap();
    })
    .await
    .unwrap();
    let bot = app.rich_bot(10).await;
    let publish = questions(&bot).into_iter().find(|(_, params)| params["name"] == "publish_task").unwrap().1;
    let first = Case { bot: Some(&bot), message: request("tools/call", &publish), headers: Vec::new() };
    drop(send(&app, &first, SDK, false).await.expect(200));
    for case in cases(&bot) {
        for accept in [SDK, "*/*"] {
            let (short, long) = (send(&app, &case, accept, false).await, send(&app, &case, accept, true).await);
            let what = format!("{} {:?} {accept}", case.message, case.headers);
            let text = |answer: &Answered| String::from_utf8(answer.body.clone()).unwrap();
            assert_eq!((short.status, text(&short)), (long.status, text(&long)), "{what}");
            for name in ["content-type", "retry-after", "www-authenticate", "mcp-session-id"] {
                assert_eq!(short.header(name), long.header(name), "{name}: {what}");
            }
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn both_ways_keep_the_limits() {
    let app = TestApp::start_with(Engine::Sqlite, |config| config.limits.read = "3/min".parse().unwrap()).await.unwrap();
    let bot = app.bot().await;
    let case = Case { bot: Some(&bot), message: tool_call("get_balance", &json!({})), headers: Vec::new() };
    for _ in 0..3 {
        drop(send(&app, &case, SDK, false).await.expect(200));
    }
    for accept in [SDK, "*/*"] {
        let (short, long) = (send(&app, &case, accept, false).await, send(&app, &case, accept, true).await);
        assert_eq!((short.status, &short.body, short.header("retry-after")), (long.status, &long.body, long.header("retry-after")));
        assert_eq!(short.status, if accept == SDK { 200 } else { 429 });
    }
    app.finish().await;
}

#[tokio::test]
async fn an_event_stream_brings_what_a_post_answers() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    let bot = app.bot().await;
    let mut stream = Stream::open(&app, Some(&bot)).await;
    for message in [tool_call("get_balance", &json!({})), request("ping", &json!({})), tool_call("make_money", &json!({}))] {
        let case = Case { bot: Some(&bot), message: message.clone(), headers: Vec::new() };
        assert_eq!(stream.ask(&app, Some(&bot), &message).await, send(&app, &case, SDK, true).await.json(), "{message}");
    }
    app.finish().await;
}

//! A client of the door that sends no more than it has to.

use axum::body::{Body, HttpBody as _};
use roborent::testing::{Answered, Bot, TestApp};
use serde_json::{Value, json};

pub const PATH: &str = "/api/v1/mcp";
/// What the official clients say they take.
pub const SDK: &str = "application/json, text/event-stream";

pub fn request(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

pub fn tool_call(name: &str, arguments: &Value) -> Value {
    request("tools/call", &json!({ "name": name, "arguments": arguments }))
}

/// Posts a message, with a key or without.
pub async fn post(app: &TestApp, bot: Option<&Bot>, message: &Value) -> Answered {
    let ask = app.post(PATH).json(message);
    match bot {
        Some(bot) => ask.key(bot),
        None => ask,
    }
    .send()
    .await
}

/// The result of a tool that has to work.
pub async fn call(app: &TestApp, bot: &Bot, name: &str, arguments: &Value) -> Value {
    let answer = post(app, Some(bot), &tool_call(name, arguments)).await.expect(200).json();
    assert_eq!(answer["result"]["isError"], false, "{name}: {answer}");
    let text: Value = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, answer["result"]["structuredContent"], "the text is the same JSON");
    text
}

/// The text of a tool error.
pub fn refusal(answer: &Answered) -> String {
    let body = answer.json();
    assert_eq!((answer.status, &body["result"]["isError"]), (200, &json!(true)), "{body}");
    assert!(body["result"].get("structuredContent").is_none());
    body["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

/// The code of a JSON-RPC error, with its status and id.
pub fn error(answer: &Answered) -> (u16, i64, Value) {
    let body = answer.json();
    assert!(answer.header("content-type").unwrap().starts_with("application/json"));
    assert_eq!(body["jsonrpc"], "2.0", "{body}");
    (answer.status, body["error"]["code"].as_i64().unwrap_or_else(|| panic!("{body}")), body["id"].clone())
}

/// An open event stream.
pub struct Stream {
    body: Body,
    read: String,
    /// Where to post.
    pub endpoint: String,
}

impl Stream {
    pub async fn open(app: &TestApp, bot: Option<&Bot>) -> Self {
        let ask = app.get("/api/v1/mcp/sse").header("accept", "text/event-stream");
        let response = match bot {
            Some(bot) => ask.key(bot),
            None => ask,
        }
        .open()
        .await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = Self { body: response.into_body(), read: String::new(), endpoint: String::new() };
        let (event, data) = stream.next().await.unwrap();
        assert_eq!(event, "endpoint");
        stream.endpoint = data;
        stream
    }

    /// The next event; nothing at the end.
    pub async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some(end) = self.read.find("\n\n") {
                let event: String = self.read.drain(..end + 2).collect();
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
                let found = field("event:").zip(field("data:"));
                if found.is_some() {
                    return found;
                }
                continue;
            }
            let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut self.body).poll_frame(cx)).await?;
            self.read.push_str(std::str::from_utf8(frame.unwrap().data_ref().unwrap()).unwrap());
        }
    }

    /// Posts a message and waits for its answer.
    pub async fn ask(&mut self, app: &TestApp, bot: Option<&Bot>, message: &Value) -> Value {
        drop(self.post(app, bot, message).await.expect(202));
        let (event, data) = self.next().await.unwrap();
        assert_eq!(event, "message");
        serde_json::from_str(&data).unwrap()
    }

    /// Posts a message.
    pub async fn post(&self, app: &TestApp, bot: Option<&Bot>, message: &Value) -> Answered {
        let ask = app.post(&self.endpoint).json(message);
        match bot {
            Some(bot) => ask.key(bot),
            None => ask,
        }
        .send()
        .await
    }
}

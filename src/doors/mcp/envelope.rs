//! One JSON-RPC message as it came, before rmcp reads it: what makes it one, and what is mended.

use serde_json::{Map, Value, json};

/// A message, with what the door has to know of it.
pub struct Envelope {
    /// The message.
    pub message: Map<String, Value>,
    /// The id of a request; null for what has none.
    pub id: Value,
    /// What is asked; empty in an answer.
    pub method: String,
    /// It says itself which revision it follows (2026-07-28 and later).
    pub modern: bool,
}

const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

impl Envelope {
    /// Reads a message; says what is wrong with one that is none, with its id as far as it has one.
    pub fn read(value: Value) -> Result<Self, (Value, &'static str)> {
        let Value::Object(message) = value else { return Err((Value::Null, "A message must be an object.")) };
        let id = message.get("id").cloned().unwrap_or(Value::Null);
        let is_id = matches!(&id, Value::String(_)) || id.is_i64() || id.is_u64();
        let known_id = if is_id { id.clone() } else { Value::Null };
        if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err((known_id, "`jsonrpc` must be \"2.0\"."));
        }
        if message.contains_key("id") && !is_id {
            return Err((Value::Null, "`id` must be a string or a whole number."));
        }
        let method = match message.get("method") {
            Some(Value::String(method)) => method.clone(),
            Some(_) => return Err((known_id, "`method` must be a string.")),
            None => return Err((known_id, "This server asks nothing of its clients, so it takes no answers: `method` is missing.")),
        };
        if !matches!(message.get("params"), None | Some(Value::Object(_) | Value::Null)) {
            return Err((known_id, "`params` must be an object."));
        }
        let modern = message.get("params").and_then(|params| params.get("_meta")).is_some_and(|meta| meta.get(VERSION_KEY).is_some());
        Ok(Self { message, id: known_id, method, modern })
    }

    /// Whether an answer is expected.
    pub fn is_request(&self) -> bool {
        !self.id.is_null()
    }

    /// Whether a tool is called.
    pub fn calls_a_tool(&self) -> bool {
        self.is_request() && self.method == "tools/call"
    }

    /// Fills what clients leave out of the handshake; whether it changed anything. Modern messages stay as they are.
    pub fn complete_handshake(&mut self) -> bool {
        if self.modern || self.method != "initialize" {
            return false;
        }
        let params = self.message.entry("params").or_insert(Value::Null);
        if params.is_null() {
            *params = json!({});
        }
        let Some(params) = params.as_object_mut() else { return false };
        let defaults = [
            ("protocolVersion", json!("2024-11-05")),
            ("capabilities", json!({})),
            ("clientInfo", json!({ "name": "unknown", "version": "0" })),
        ];
        let mut changed = false;
        for (name, default) in defaults {
            let missing = params.get(name).is_none_or(Value::is_null);
            if missing {
                params.insert(name.to_owned(), default);
            }
            changed |= missing;
        }
        changed
    }

    /// Takes the key out of the arguments of a tool, so that nothing that comes after sees it.
    pub fn take_api_key(&mut self) -> Option<Value> {
        self.message.get_mut("params")?.get_mut("arguments")?.as_object_mut()?.shift_remove("api_key")
    }

    /// What is wrong with the parameters of a tool call, which rmcp would call an unknown method.
    pub fn wrong_call(&self) -> Option<&'static str> {
        let params = self.message.get("params").filter(|params| !params.is_null());
        let Some(params) = params else { return Some("`params` with `name` and `arguments` is missing.") };
        if !params.get("name").is_some_and(Value::is_string) {
            return Some("`params.name` must be the name of a tool.");
        }
        match params.get("arguments") {
            None | Some(Value::Object(_) | Value::Null) => None,
            Some(_) => Some("`params.arguments` must be an object."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_refused_with_its_id() {
        for (value, id) in [
            (json!(1), Value::Null),
            (json!({ "id": 1, "method": "ping" }), json!(1)),
            (json!({ "jsonrpc": "1.0", "id": "a", "method": "ping" }), json!("a")),
            (json!({ "jsonrpc": "2.0", "id": null, "method": "ping" }), Value::Null),
            (json!({ "jsonrpc": "2.0", "id": 1.5, "method": "ping" }), Value::Null),
            (json!({ "jsonrpc": "2.0", "id": 2, "method": 7 }), json!(2)),
            (json!({ "jsonrpc": "2.0", "id": 2, "result": {} }), json!(2)),
            (json!({ "jsonrpc": "2.0", "id": 2, "method": "ping", "params": [] }), json!(2)),
        ] {
            assert_eq!(Envelope::read(value.clone()).err().map(|(id, _)| id), Some(id), "{value}");
        }
    }

    #[test]
    fn only_an_old_handshake_is_completed() {
        let read = |value| Envelope::read(value).unwrap_or_else(|(_, why)| panic!("{why}"));
        let mut bare = read(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize" }));
        assert!(bare.complete_handshake());
        assert_eq!(bare.message["params"]["protocolVersion"], "2024-11-05");
        let mut modern =
            read(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "_meta": { VERSION_KEY: "2026-07-28" } } }));
        assert!(!modern.complete_handshake());
        assert!(!read(json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })).complete_handshake());
    }
}

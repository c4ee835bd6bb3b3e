//! The short way: a tool call or a ping with nothing unusual about it is answered here, with the bytes that rmcp would answer.
//! Whatever is not surely plain goes the long way; so rmcp alone knows how what is unusual is answered.

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{HeaderMap, Response, StatusCode};
use rmcp::model::{CallToolResult, ProtocolVersion, RequestMetaObject};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::doors::mcp::answer;
use crate::doors::mcp::envelope::Envelope;
use crate::doors::mcp::tools::{Entry, Tools};

const VERSION: &str = "mcp-protocol-version";
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";

/// What is asked for.
pub enum Plain<'a> {
    /// Whether anybody is there.
    Ping,
    /// A tool, with its arguments.
    Call(&'a Entry, Map<String, Value>),
}

impl<'a> Plain<'a> {
    /// Reads a message whose headers have passed the guard of this door; takes its arguments out. Nothing is taken from one
    /// that is not plain.
    pub fn of(tools: &'a Tools, headers: &HeaderMap, message: &mut Envelope) -> Option<Self> {
        let has_id = message.id.is_string() || message.id.is_i64();
        if !has_id || !message.message.keys().all(|name| ["jsonrpc", "id", "method", "params"].contains(&name.as_str())) {
            return None;
        }
        let modern = message.modern;
        let params = message.message.get_mut("params").filter(|params| !params.is_null()).map(Value::as_object_mut);
        match (message.method.as_str(), params) {
            ("ping", None) if !modern => has_a_handshake(headers).then_some(Self::Ping),
            ("ping", Some(Some(params))) if !modern && params.is_empty() => has_a_handshake(headers).then_some(Self::Ping),
            ("tools/call", Some(Some(params))) => {
                let entry = tools.find(params.get("name")?.as_str()?)?;
                let is_plain = if modern {
                    says_the_same(headers, entry.operation.name) && has_what_it_needs(params.get("_meta")?)
                } else {
                    has_a_handshake(headers) && params.get("_meta").is_none_or(Value::is_object)
                };
                (is_plain && params.keys().all(|name| ["name", "arguments", "_meta"].contains(&name.as_str()))).then_some(())?;
                match params.get_mut("arguments").map(Value::take) {
                    None | Some(Value::Null) => Some(Self::Call(entry, Map::new())),
                    Some(Value::Object(arguments)) => Some(Self::Call(entry, arguments)),
                    // The door has refused those of old revisions; of the newest one rmcp does.
                    Some(other) => {
                        params.insert("arguments".into(), other);
                        None
                    }
                }
            }
            _ => None,
        }
    }
}

/// The answer to a ping.
pub fn pong(id: &Value) -> Response<Body> {
    reply(id, json!({}))
}

/// The result of a tool call.
pub fn result(message: &Envelope, mut result: CallToolResult) -> Response<Body> {
    if !message.modern {
        result.result_type = None;
    }
    reply(&message.id, result)
}

#[derive(Serialize)]
struct Reply<T> {
    jsonrpc: &'static str,
    id: Value,
    result: T,
}

fn reply<T: Serialize>(id: &Value, result: T) -> Response<Body> {
    match serde_json::to_vec(&Reply { jsonrpc: "2.0", id: id.clone(), result }) {
        Ok(bytes) => answer::bytes_response(StatusCode::OK, bytes),
        Err(error) => answer::refusal(&crate::base::error::internal(error), id),
    }
}

/// The only value of a header.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

/// One host, nothing of the protocol but a version that has a handshake; none at all stands for an old one.
fn has_a_handshake(headers: &HeaderMap) -> bool {
    let is_old = |version: &str| {
        let known = ProtocolVersion::KNOWN_VERSIONS.iter().map(ProtocolVersion::as_str);
        known.take_while(|known| *known < ProtocolVersion::V_2026_07_28.as_str()).any(|known| known == version)
    };
    let version_fits = !headers.contains_key(VERSION) || only(headers, VERSION).is_some_and(is_old);
    version_fits && only(headers, HOST.as_str()).is_some() && headers.keys().all(|name| [HOST.as_str(), VERSION].contains(&name.as_str()))
}

/// One host, and the headers of the newest revision with what the message says.
fn says_the_same(headers: &HeaderMap, tool: &str) -> bool {
    let expected = [(VERSION, ProtocolVersion::V_2026_07_28.as_str()), (METHOD, "tools/call"), (NAME, tool)];
    only(headers, HOST.as_str()).is_some()
        && headers.keys_len() == 1 + expected.len()
        && expected.iter().all(|(name, value)| only(headers, name) == Some(value))
}

/// The version that the headers were compared with, and what every message of it needs.
fn has_what_it_needs(meta: &Value) -> bool {
    let Value::Object(meta) = meta else { return false };
    let meta = RequestMetaObject::from(meta.clone());
    meta.protocol_version() == Some(ProtocolVersion::V_2026_07_28) && meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::config::Config;
    use crate::start;

    const NOW: &str = "2026-07-28";

    fn is_plain(headers: &[(&'static str, &str)], params: &Value) -> bool {
        let tools = Tools::of(&start::operations(&Config::default()));
        let value = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let mut message = Envelope::read(value.clone()).unwrap_or_else(|(_, why)| panic!("{why}"));
        let mut map = HeaderMap::new();
        for (name, value) in [("host", "localhost")].iter().chain(headers) {
            map.append(*name, value.parse().expect("a header"));
        }
        let found = Plain::of(&tools, &map, &mut message).is_some();
        assert!(found || Value::Object(message.message) == value, "what goes the long way is whole");
        found
    }

    #[test]
    fn calls_of_every_revision_are_plain() {
        let call = json!({ "name": "get_balance", "arguments": {} });
        assert!(is_plain(&[], &call));
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            assert!(is_plain(&[(VERSION, version)], &call), "{version}");
        }
        assert!(is_plain(&[], &json!({ "name": "get_balance" })));
        assert!(is_plain(&[], &json!({ "name": "get_balance", "_meta": { "progressToken": "a" } })));
        let modern = json!({ "name": "get_balance", "arguments": {}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": NOW, "io.modelcontextprotocol/clientCapabilities": {} } });
        assert!(is_plain(&[(VERSION, NOW), (METHOD, "tools/call"), (NAME, "get_balance")], &modern));
    }

    #[test]
    fn what_is_unusual_is_not_plain() {
        let call = json!({ "name": "get_balance", "arguments": {} });
        for headers in [
            [(VERSION, NOW)].as_slice(),
            &[(VERSION, "1999-01-01")],
            &[(VERSION, "2025-11-25"), (VERSION, "2025-11-25")],
            &[(METHOD, "tools/call")],
            &[("origin", "http://localhost")],
            &[("host", "localhost")],
            &[("mcp-session-id", "a")],
        ] {
            assert!(!is_plain(headers, &call), "{headers:?}");
        }
        for params in [
            json!({ "name": "make_money" }),
            json!({ "name": "get_balance", "other": 1 }),
            json!({ "name": "get_balance", "arguments": [] }),
            json!({ "name": "get_balance", "_meta": 7 }),
        ] {
            assert!(!is_plain(&[], &params), "{params}");
        }
        let modern = |version: &str, capabilities: Value| {
            json!({ "name": "get_balance", "_meta": {
                "io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": capabilities } })
        };
        let good = [(VERSION, NOW), (METHOD, "tools/call"), (NAME, "get_balance")];
        assert!(!is_plain(&good[..2], &modern(NOW, json!({}))));
        assert!(!is_plain(&good, &modern("2030-01-01", json!({}))));
        assert!(!is_plain(&good, &modern(NOW, json!(7))));
        assert!(!is_plain(&[good[0], good[1], (NAME, "get_profile")], &modern(NOW, json!({}))));
    }
}

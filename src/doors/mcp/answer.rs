//! What goes back: JSON-RPC errors, and tool errors that a model can read and act on.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::base::error::{Error, Refusal};

/// The text is not JSON.
pub const PARSE_ERROR: i64 = -32_700;
/// The JSON is no message.
pub const INVALID_REQUEST: i64 = -32_600;
/// The parameters do not fit the method.
pub const INVALID_PARAMS: i64 = -32_602;
/// What HTTP has a status for; `data.code` says which one.
pub const SERVER_ERROR: i64 = -32_000;

/// A JSON body.
pub fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    bytes_response(status, body.to_string().into_bytes())
}

/// A JSON body that is there already.
pub fn bytes_response(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A JSON-RPC error.
pub fn error(status: StatusCode, id: &Value, code: i64, message: &str) -> Response<Body> {
    json_response(status, &json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }))
}

/// What an operation or this door refused, as a JSON-RPC error with its HTTP status.
pub fn refusal(refused: &Error, id: &Value) -> Response<Body> {
    let mut data = json!({ "code": refused.code(), "status": refused.status() });
    if let Some(seconds) = refused.retry_after_seconds() {
        data["retry_after_seconds"] = seconds.into();
    }
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": SERVER_ERROR, "message": text(refused), "data": data } });
    let mut response = json_response(status, &body);
    if let Some(seconds) = refused.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if refused.status() == 401 {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
    }
    response
}

/// The same as the result of a tool, which a model gets to read and which ends no session.
pub fn tool_error(refused: &Error, id: &Value, modern: bool) -> Response<Body> {
    let mut result = json!({ "content": [{ "type": "text", "text": text(refused) }], "isError": true });
    if modern {
        result["resultType"] = "complete".into();
    }
    json_response(StatusCode::OK, &json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

/// `code: what happened. What to do next.`
pub fn text(refused: &Error) -> String {
    let hint = match refused.code() {
        "authentication_required" => "Call register_agent, then send the key as X-API-Key or as argument api_key.",
        "invalid_api_key" => {
            "Check that the whole key was copied (46 characters); a revoked key stays invalid. register_agent makes a new account."
        }
        "idempotency_key_required" | "idempotency_key_invalid" => {
            "Send the argument idempotency_key: 1 to 255 printable ASCII characters of your choice, the same ones when you repeat the call."
        }
        "unknown_field" | "invalid_field" => "Correct the argument; tools/list shows what each tool takes.",
        "not_found" => "Check the id; the list and search tools show those that you may see.",
        "timeout" => "The outcome is unknown. Repeat the call with the same idempotency_key to learn it.",
        "rate_limited" => "Wait, then go on.",
        _ => refused.hint(),
    };
    let mut text = format!("{}: {} {hint}", refused.code(), refused.detail());
    for (name, value) in refused.members() {
        text.push_str(&format!(" {name}: {value}."));
    }
    if let Some(seconds) = refused.retry_after_seconds() {
        text.push_str(&format!(" Retry after {seconds} s."));
    }
    text
}

/// The deadline has passed.
pub fn timed_out() -> Error {
    Error::from(Refusal::TimedOut).retry_after(5)
}

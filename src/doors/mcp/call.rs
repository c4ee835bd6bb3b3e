//! A tool call becomes a call of its operation, and the outcome a result.

use std::sync::Arc;

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde_json::{Map, Value, json};

use crate::base::call::{Call, Credentials, Outcome};
use crate::base::error::{Error, Refusal, Result, internal};
use crate::base::idempotency::IdempotencyKey;
use crate::base::operation::{Answer, Idempotency, Operation};
use crate::doors::App;
use crate::doors::mcp::answer;
use crate::doors::mcp::asker::Scene;
use crate::doors::mcp::tools::Entry;
use crate::users::ApiKey;

crate::refusals! {
    /// What this door refuses beside the operations.
    pub enum McpRefusal {
        TwoCredentials = 401 "two_credentials": "The argument api_key belongs to another user than the credential of the request." => "Leave the argument out, or send one credential.";
        TooManyStreams = 429 "too_many_streams": "There are too many open event streams." => "Close some, or use POST /api/v1/mcp, which needs no stream.";
        ServerFull = 503 "streams_used_up": "This server holds as many event streams as it may." => "Use POST /api/v1/mcp, which needs no stream.";
        StreamUnknown = 404 "stream_unknown": "There is no open event stream with this sessionId." => "Open one with GET /api/v1/mcp/sse, or use POST /api/v1/mcp.";
        StreamOfAnother = 403 "stream_of_another": "This event stream belongs to another user." => "Open a stream of your own.";
        StreamFull = 503 "stream_full": "Too many messages of this event stream wait for their answers." => "Wait for answers before you send more.";
    }
}

/// Calls the operation behind a tool.
pub async fn call(app: &Arc<App>, entry: &Entry, scene: &Scene, arguments: Map<String, Value>) -> CallToolResult {
    let operation = &entry.operation;
    let (key, input) = split(operation, arguments, scene.idempotency_key.as_deref());
    let outcome = match credentials(app, operation, scene).await {
        Err(error) => Outcome { result: Err(error), replayed: false, limit: None },
        Ok(credentials) => {
            let (idempotency_key, input) = match key {
                Ok(key) => (key, Ok(Value::Object(input))),
                Err(error) => (None, Err(error)),
            };
            let call = Call { operation: Arc::clone(operation), credentials, client: scene.asker.client, idempotency_key, input };
            app.dispatcher.call(call).await
        }
    };
    let status = outcome.result.as_ref().map_or_else(Error::status, |answer| answer.status);
    metrics::counter!("roborent_tool_calls_total", "tool" => operation.name, "status" => status_class(status)).increment(1);
    match outcome.result.and_then(|answer| result(app, entry, scene, answer, outcome.replayed)) {
        Ok(result) => result,
        Err(error) => {
            if has_a_status(&error, scene) {
                // The first refusal of a call is its only one.
                drop(scene.refused.set(error.clone()));
            }
            let text = match error.code() {
                "internal" => format!("{} Request id: {}.", answer::text(&error), scene.asker.request_id),
                _ => answer::text(&error),
            };
            CallToolResult::error(vec![ContentBlock::text(text)])
        }
    }
}

const fn status_class(status: u16) -> &'static str {
    match status {
        200..=299 => "2xx",
        429 => "429",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// Limits and deadlines, and credentials of the request itself, are told by HTTP to those who read HTTP.
fn has_a_status(error: &Error, scene: &Scene) -> bool {
    let by_request = error.status() == 401 && scene.api_key.is_none() && !scene.asker.is_anonymous();
    by_request || matches!(error.status(), 429 | 504)
}

/// Takes the key of a repeated call out of the arguments; the header stands for it when there is none.
fn split(
    operation: &Operation,
    mut arguments: Map<String, Value>,
    header: Option<&str>,
) -> (Result<Option<IdempotencyKey>>, Map<String, Value>) {
    if operation.idempotency == Idempotency::Ignored {
        return (Ok(None), arguments);
    }
    let key = match arguments.shift_remove("idempotency_key") {
        None | Some(Value::Null) => header.map(IdempotencyKey::parse).transpose(),
        Some(Value::String(text)) => IdempotencyKey::parse(&text).map(Some),
        Some(_) => Err(Refusal::IdempotencyKeyInvalid.into()),
    };
    (key, arguments)
}

/// The credentials of the request, or those of the argument.
async fn credentials(app: &Arc<App>, operation: &Operation, scene: &Scene) -> Result<Credentials> {
    let shown = &scene.asker.credentials;
    if operation.access.is_open() {
        // The operation does not look at credentials, but one that does not hold is refused everywhere.
        if !scene.asker.checked {
            app.dispatcher.who(shown).await?;
        }
        return Ok(Credentials::default());
    }
    let Some(argument) = scene.api_key.as_ref().filter(|key| !key.is_null()) else { return Ok(shown.clone()) };
    let text = argument.as_str().ok_or(Refusal::InvalidApiKey)?;
    let named = Credentials { key: Some(ApiKey::parse(text.trim(), app.dispatcher.config.installation.network)?.hash()), token: None };
    if !scene.asker.is_anonymous() && *shown != named {
        let (asking, meant) = (app.dispatcher.who(shown).await?, app.dispatcher.who(&named).await?);
        if asking.user_id != meant.user_id {
            return Err(McpRefusal::TwoCredentials.into());
        }
    }
    Ok(named)
}

fn result(app: &App, entry: &Entry, scene: &Scene, answer: Answer, replayed: bool) -> Result<CallToolResult> {
    let mut value: Value = serde_json::from_slice(&answer.body).map_err(internal)?;
    let mut text = String::from_utf8(answer.body).map_err(internal)?;
    if let Some(secret) = value.get_mut("webhook_secret").filter(|secret| secret.is_string()) {
        *secret = "(hidden here; send rotate_webhook_secret over REST)".into();
        text = value.to_string();
    }
    if entry.operation.name == "register_agent"
        && let Some(key) = value["api_key"].as_str()
    {
        let key = ApiKey::parse(key, app.dispatcher.config.installation.network)?.hash();
        // A stream is bound by the first registration; a request has one message that registers.
        drop(scene.asker.registered.set(Credentials { key: Some(key), token: None }));
    }
    let mut notes = Map::new();
    if !entry.untrusted.is_empty() {
        notes.insert("roborent/untrusted".into(), json!(entry.untrusted));
    }
    if replayed {
        notes.insert("roborent/replayed".into(), true.into());
    }
    let mut done = CallToolResult::success(vec![ContentBlock::text(text)]);
    done.structured_content = Some(value);
    Ok(if notes.is_empty() { done } else { done.with_meta(Some(MetaObject(notes))) })
}

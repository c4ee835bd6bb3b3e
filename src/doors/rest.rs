//! REST: a route for each operation. Path, query and body become one input; the answer goes out as the operation made it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts as _, RawPathParams, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, request};
use axum::routing::{self, MethodRouter};
use serde_json::{Map, Value};

use crate::base::call::{Call, Credentials, Outcome};
use crate::base::error::{Error, Refusal, Result};
use crate::base::idempotency::IdempotencyKey;
use crate::base::input;
use crate::base::limit::LimitState;
use crate::base::operation::{Access, Method, Operation};
use crate::doors::authenticate::credentials;
use crate::doors::client;
use crate::doors::docs::schema_of_input;
use crate::doors::event_stream::{LAST_EVENT_ID, Live, Reader};
use crate::doors::problem::{self, RequestId};
use crate::doors::request::{client_address, read_body, request_id};
use crate::doors::{App, sandbox};

/// A body that took the whole deadline is still counted and answered.
const REFUSED_WITHIN: Duration = Duration::from_secs(2);

/// One route for each place of each operation.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let mut paths: BTreeMap<&'static str, MethodRouter<Arc<App>>> = BTreeMap::new();
    for operation in &app.operations {
        let types = Arc::new(types_of(operation));
        for (method, path) in &operation.routes {
            let (operation, types) = (Arc::clone(operation), Arc::clone(&types));
            let handler = move |State(app): State<Arc<App>>, request: Request<Body>| {
                let (operation, types) = (Arc::clone(&operation), Arc::clone(&types));
                async move { handle(&app, operation, &types, request).await }
            };
            let routes = paths.remove(path).unwrap_or_default();
            let routes = match method {
                Method::Get => routes.get(handler),
                Method::Post => routes.post(handler),
                Method::Patch => routes.patch(handler),
                Method::Delete => routes.delete(handler),
            };
            paths.insert(path, routes);
        }
    }
    paths.into_iter().fold(Router::new(), |router, (path, routes)| router.route(path, routes.fallback(routing::any(not_allowed))))
}

async fn not_allowed(request: Request<Body>) -> Response<Body> {
    problem::render(&Refusal::MethodNotAllowed.into(), &request_id(request.extensions()))
}

#[expect(clippy::disallowed_methods, reason = "the duration of a call is measured for the metrics; no rule depends on it")]
async fn handle(app: &Arc<App>, operation: Arc<Operation>, types: &Types, request: Request<Body>) -> Response<Body> {
    let started = std::time::Instant::now();
    let id = request_id(request.extensions());
    let name = operation.name;
    let (outcome, live) = call(app, operation, types, request).await;
    let response = respond(outcome, live, &id);
    let (status, milliseconds) = (response.status().as_u16(), started.elapsed().as_millis());
    if status >= 500 {
        tracing::warn!(operation = name, status, milliseconds, request_id = id.0, "a call failed");
    } else {
        tracing::debug!(operation = name, status, milliseconds, request_id = id.0, "a call");
    }
    metrics::counter!("roborent_calls_total", "operation" => name, "status" => status_class(response.status())).increment(1);
    metrics::histogram!("roborent_call_seconds", "operation" => name).record(started.elapsed());
    response
}

const fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..=299 => "2xx",
        300..=399 => "3xx",
        429 => "429",
        400..=499 => "4xx",
        503 => "503",
        504 => "504",
        _ => "5xx",
    }
}

fn deadline_of(app: &App, operation: &Operation) -> Duration {
    let server = &app.dispatcher.config.server;
    Duration::from_secs(match operation.access {
        Access::Admin => server.admin_timeout_seconds,
        Access::Sandbox => 60,
        Access::Open | Access::User(_) | Access::Keys => server.timeout_seconds,
    })
}

/// What is wrong with the input is told after the call was counted, and to those only who may call.
async fn call(app: &Arc<App>, operation: Arc<Operation>, types: &Types, request: Request<Body>) -> (Outcome, Option<Live>) {
    let refused = |error: Error| Outcome { result: Err(error), replayed: false, limit: None };
    let timed_out = || Error::from(Refusal::TimedOut).retry_after(5);
    let deadline = tokio::time::Instant::now() + deadline_of(app, &operation);
    let (mut parts, body) = request.into_parts();
    let credentials = match credentials_of(app, &operation, &parts) {
        Ok(credentials) => credentials,
        Err(error) => return (refused(error), None),
    };
    let client = client::subject(client_address(app, &parts));
    let (idempotency_key, mut input) = match idempotency_key(&parts.headers) {
        Err(error) => (None, Err(error)),
        Ok(key) => {
            let read = tokio::time::timeout_at(deadline, fields(app, types, &mut parts, body)).await;
            (key, read.unwrap_or_else(|_| Err(timed_out())))
        }
    };
    let reader = operation.streams.then(|| {
        // A client that comes back asks for the address it had first.
        let last = parts.headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
        if let (Ok(fields), Some(text)) = (&mut input, last) {
            fields.insert("after".into(), text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from));
        }
        Reader::new(&credentials, &parts.headers, input.as_ref().ok().and_then(|fields| fields.get("after")?.as_i64()))
    });
    let input = input.map(Value::Object);
    let answered_by = deadline.max(tokio::time::Instant::now() + REFUSED_WITHIN);
    let settles = operation.access == Access::Sandbox;
    let called = async {
        let outcome = app.dispatcher.call(Call { operation, credentials, client, idempotency_key, input }).await;
        match if settles && outcome.result.is_ok() { sandbox::settle(app).await } else { Ok(()) } {
            Ok(()) => outcome,
            Err(error) => refused(error),
        }
    };
    let mut outcome = tokio::time::timeout_at(answered_by, called).await.unwrap_or_else(|_| refused(timed_out()));
    let Some(reader) = reader.filter(|_| outcome.result.is_ok()) else { return (outcome, None) };
    match reader.open(app).await {
        Ok(live) => (outcome, Some(live)),
        Err(error) => {
            outcome.result = Err(error);
            (outcome, None)
        }
    }
}

fn credentials_of(app: &App, operation: &Operation, request: &request::Parts) -> Result<Credentials> {
    match operation.access {
        Access::Open => Ok(Credentials::default()),
        Access::Sandbox => sandbox::guard(app, request).map(|()| Credentials::default()),
        Access::User(_) | Access::Keys | Access::Admin => credentials(app, &request.headers),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>> {
    let mut keys = headers.get_all("idempotency-key").iter();
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => IdempotencyKey::parse(value.to_str().unwrap_or_default()).map(Some),
        (Some(_), Some(_)) => Err(Refusal::IdempotencyKeyInvalid.into()),
    }
}

/// Path, query and body as one object.
async fn fields(app: &App, types: &Types, request: &mut request::Parts, body: Body) -> Result<Map<String, Value>> {
    let mut fields = input::parse(&read_body(&request.headers, body, app.dispatcher.config.server.body_bytes_max).await?)?;
    for (name, value) in query_fields(request.uri.query().unwrap_or_default(), types) {
        add(&mut fields, name, value)?;
    }
    let path: Result<RawPathParams, RawPathParamsRejection> = RawPathParams::from_request_parts(request, &()).await;
    for (name, value) in &path.map_err(|_| Refusal::NotFound)? {
        add(&mut fields, name.to_owned(), value.into())?;
    }
    Ok(fields)
}

/// A field stands once: what the path says cannot be said again in the body.
fn add(fields: &mut Map<String, Value>, name: String, value: Value) -> Result<()> {
    if fields.contains_key(&name) {
        return Err(Refusal::FieldTwice { field: name }.into());
    }
    fields.insert(name, value);
    Ok(())
}

/// What the schema says of each field, for values that come as text.
type Types = BTreeMap<String, FieldType>;

#[derive(Clone, Copy)]
enum FieldType {
    Integer,
    Boolean,
    List,
    Text,
}

fn types_of(operation: &Operation) -> Types {
    let schema = schema_of_input(operation);
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.iter().map(|(name, property)| (name.clone(), type_of(property))).collect()
}

fn type_of(property: &Value) -> FieldType {
    let named = |wanted: &str| match &property["type"] {
        Value::String(name) => name == wanted,
        Value::Array(names) => names.iter().any(|name| name == wanted),
        _ => false,
    };
    if named("integer") {
        FieldType::Integer
    } else if named("boolean") {
        FieldType::Boolean
    } else if named("array") {
        FieldType::List
    } else {
        FieldType::Text
    }
}

/// The fields of a query string; what does not have the declared type stays text and is refused with its name later.
fn query_fields(query: &str, types: &Types) -> Vec<(String, Value)> {
    let mut fields: Vec<(String, Value)> = Vec::new();
    for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = match types.get(name.as_ref()).copied().unwrap_or(FieldType::Text) {
            FieldType::Integer => text.parse::<i64>().map_or_else(|_| Value::from(text.as_ref()), Value::from),
            FieldType::Boolean => text.parse::<bool>().map_or_else(|_| Value::from(text.as_ref()), Value::from),
            FieldType::List => {
                if let Some(Value::Array(items)) = fields.iter_mut().find(|(known, _)| *known == name).map(|(_, value)| value) {
                    items.push(text.as_ref().into());
                    continue;
                }
                Value::from(vec![text.as_ref()])
            }
            FieldType::Text => text.as_ref().into(),
        };
        fields.push((name.into_owned(), value));
    }
    fields
}

fn respond(outcome: Outcome, live: Option<Live>, id: &RequestId) -> Response<Body> {
    let Outcome { result, replayed, limit } = outcome;
    let mut response = match result {
        Ok(answer) => {
            let mut response = Response::new(Body::empty());
            match live {
                Some(live) => live.go_on(&mut response, answer.body),
                None => *response.body_mut() = Body::from(answer.body),
            }
            *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
            response
        }
        Err(error) => problem::render(&error, id),
    };
    if replayed {
        response.headers_mut().insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
    }
    if let Some(state) = limit {
        tell_limit(response.headers_mut(), &state);
    }
    response
}

/// The two headers of draft-ietf-httpapi-ratelimit-headers.
fn tell_limit(headers: &mut HeaderMap, state: &LimitState) {
    let LimitState { policy, limit, remaining, reset } = state;
    let policy_text = format!("\"{}\";q={};w={}", policy.name(), limit.quota, limit.window.span().as_seconds_up());
    let state_text = format!("\"{}\";r={remaining};t={}", policy.name(), reset.as_seconds_up());
    for (name, text) in [("ratelimit-policy", policy_text), ("ratelimit", state_text)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

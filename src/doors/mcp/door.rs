//! What stands between a request and rmcp: who may come in, what is mended for clients that leave things out, deadlines,
//! and answers that those who asked can read.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use crate::base::error::Error;
use crate::base::input;
use crate::base::limit::Policy;
use crate::doors::App;
use crate::doors::mcp::asker::{Asker, Scene};
use crate::doors::mcp::envelope::Envelope;
use crate::doors::mcp::{Allowed, PATH, answer};
use crate::doors::request::read_body;

const BATCH_MAX: usize = 20;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// The door before a handler of the protocol.
pub struct Door<H> {
    /// Everything the doors need.
    pub app: Arc<App>,
    service: StreamableHttpService<H, NeverSessionManager>,
}

impl<H: ServerHandler + Clone + Sync> Door<H> {
    /// Stateless, JSON answers.
    pub fn new(app: &Arc<App>, handler: H) -> Self {
        let config = &app.dispatcher.config;
        let allowed = Allowed::of(config);
        let settings = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(config.mcp.body_bytes_max)
            .with_allowed_hosts(allowed.host_names())
            .with_allowed_origins(allowed.origin_names())
            .enforce_origin_validation()
            .with_cancellation_token(app.stopping.clone());
        let service = StreamableHttpService::new(move || Ok(handler.clone()), Arc::new(NeverSessionManager::default()), settings);
        Self { app: Arc::clone(app), service }
    }

    /// A request of the streamable transport: one message or a batch.
    pub async fn take(&self, request: Request) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let asker = match Asker::of(&self.app, &parts).await {
            Ok(asker) => Arc::new(asker),
            Err(error) => return answer::refusal(&error, &Value::Null),
        };
        let bytes = match self.read(&parts.headers, body).await {
            Ok(bytes) => bytes,
            Err(error) => return answer::refusal(&error, &Value::Null),
        };
        match parse(&bytes) {
            Err(refused) => *refused,
            Ok(Value::Array(items)) => self.batch(&asker, items).await,
            Ok(value) => self.one(&asker, value, Some(bytes.into())).await,
        }
    }

    /// The body, within its size and the deadline.
    pub async fn read(&self, headers: &axum::http::HeaderMap, body: Body) -> Result<Vec<u8>, Error> {
        let settings = &self.app.dispatcher.config.mcp;
        let reading = read_body(headers, body, settings.body_bytes_max);
        timeout(Duration::from_secs(settings.timeout_seconds), reading).await.unwrap_or_else(|_| Err(answer::timed_out()))
    }

    /// One after the other, because some of them move money.
    async fn batch(&self, asker: &Arc<Asker>, items: Vec<Value>) -> Response<Body> {
        if !(1..=BATCH_MAX).contains(&items.len()) {
            return answer::error(StatusCode::BAD_REQUEST, &Value::Null, answer::INVALID_REQUEST, "A batch holds 1 to 20 messages.");
        }
        let deadline = Instant::now() + Duration::from_secs(self.app.dispatcher.config.mcp.batch_timeout_seconds);
        let mut answers: Vec<Bytes> = Vec::new();
        for item in items {
            let (id, modern) = Envelope::read(item.clone()).map_or((Value::Null, false), |known| (known.id, known.modern));
            let answered = if modern {
                let why = "Messages of this revision are sent one by one: their headers describe one message.";
                answer::error(StatusCode::BAD_REQUEST, &id, answer::INVALID_REQUEST, why)
            } else {
                let answering = self.one(asker, item, None);
                timeout_at(deadline, answering).await.unwrap_or_else(|_| answer::refusal(&answer::timed_out(), &id))
            };
            if answered.status() != StatusCode::ACCEPTED
                && let Ok(bytes) = to_bytes(answered.into_body(), usize::MAX).await
            {
                answers.push(bytes);
            }
        }
        if answers.is_empty() {
            let mut accepted = Response::new(Body::empty());
            *accepted.status_mut() = StatusCode::ACCEPTED;
            return accepted;
        }
        answer::bytes_response(StatusCode::OK, [b"[".as_slice(), &answers.join(b",".as_slice()), b"]"].concat())
    }

    /// One message and its answer.
    pub async fn one(&self, asker: &Arc<Asker>, value: Value, raw: Option<Bytes>) -> Response<Body> {
        let mut envelope = match Envelope::read(value) {
            Ok(envelope) => envelope,
            Err((id, why)) => return answer::error(StatusCode::BAD_REQUEST, &id, answer::INVALID_REQUEST, why),
        };
        let dispatcher = &self.app.dispatcher;
        if let Err(limited) = dispatcher.count(asker.subject, Policy::Mcp) {
            return refuse(asker, &envelope, &limited);
        }
        if !envelope.calls_a_tool()
            && !asker.checked
            && let Err(error) = dispatcher.who(&asker.credentials).await
        {
            return answer::refusal(&error, &envelope.id);
        }
        if envelope.calls_a_tool()
            && !envelope.modern
            && let Some(why) = envelope.wrong_call()
        {
            return answer::error(StatusCode::OK, &envelope.id, answer::INVALID_PARAMS, why);
        }
        let api_key = if envelope.calls_a_tool() { envelope.take_api_key() } else { None };
        let changed = envelope.complete_handshake() || api_key.is_some();
        let idempotency_key = if raw.is_some() { asker.idempotency_key.clone() } else { None };
        let body = raw.filter(|_| !changed).unwrap_or_else(|| Value::Object(envelope.message.clone()).to_string().into());
        let scene = Arc::new(Scene { asker: Arc::clone(asker), api_key, idempotency_key, refused: OnceLock::new() });
        let within = Duration::from_secs(dispatcher.config.mcp.timeout_seconds);
        match timeout(within, self.service.handle(request(asker, &scene, body))).await {
            Err(_) => refuse(asker, &envelope, &answer::timed_out()),
            Ok(response) => match scene.refused.get() {
                Some(error) if !asker.on_a_stream => refuse(asker, &envelope, error),
                _ => mend(response.map(Body::new), &envelope.id).await,
            },
        }
    }
}

/// What rmcp gets to see: the message, and the caller where the handler finds him.
fn request(asker: &Asker, scene: &Arc<Scene>, body: Bytes) -> Request {
    let mut request = Request::post(PATH).body(Body::from(body)).expect("a method and a path make a request");
    let headers = request.headers_mut();
    headers.clone_from(&asker.headers);
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(ACCEPT, BOTH);
    request.extensions_mut().insert(Arc::clone(scene));
    request
}

/// JSON of any kind, each field once, each number exactly.
pub fn parse(bytes: &[u8]) -> Result<Value, Box<Response<Body>>> {
    input::parse_any(bytes).map_err(|error| Box::new(not_read(bytes, &error)))
}

fn not_read(bytes: &[u8], error: &Error) -> Response<Body> {
    if error.code() == "invalid_json" {
        return answer::error(StatusCode::BAD_REQUEST, &Value::Null, answer::PARSE_ERROR, &format!("Parse error. {}", error.detail()));
    }
    // It is JSON that can be taken in two ways; whoever sent it learns so.
    match Envelope::read(serde_json::from_slice(bytes).unwrap_or_default()) {
        Ok(envelope) if envelope.calls_a_tool() => answer::tool_error(error, &envelope.id, envelope.modern),
        Ok(Envelope { id, .. }) | Err((id, _)) => {
            answer::error(StatusCode::BAD_REQUEST, &id, answer::INVALID_REQUEST, &answer::text(error))
        }
    }
}

/// Those who read results get one; everybody else gets the status.
fn refuse(asker: &Asker, envelope: &Envelope, error: &Error) -> Response<Body> {
    let is_a_result = envelope.calls_a_tool() && asker.reads_results && error.status() != 401;
    if is_a_result { answer::tool_error(error, &envelope.id, envelope.modern) } else { answer::refusal(error, &envelope.id) }
}

/// What rmcp refuses in plain text becomes an error of the protocol, with the id of the request.
async fn mend(response: Response<Body>, id: &Value) -> Response<Body> {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_plain = !media_type.starts_with("application/json") && !media_type.starts_with("text/event-stream");
    if response.status().as_u16() < 400 || !is_plain {
        return response;
    }
    let status = match response.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => StatusCode::BAD_REQUEST,
        status => status,
    };
    let text = to_bytes(response.into_body(), 4_096).await.unwrap_or_default();
    answer::error(status, id, answer::INVALID_REQUEST, &String::from_utf8_lossy(&text))
}

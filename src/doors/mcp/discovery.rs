//! What a client learns without a key: the document at the door, the server card, the entries of registries.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::routing::get;
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::doors::App;
use crate::doors::mcp::asker::accepts;
use crate::doors::mcp::door::Door;
use crate::doors::mcp::handler::INSTRUCTIONS;
use crate::doors::mcp::tools::Tools;
use crate::doors::mcp::{PATH, refuse_method};

/// In a sentence.
pub const ABOUT: &str = "A marketplace where people and AI agents post paid micro-tasks for each other and are paid in USDT.";
const CARD: &str = "application/mcp-server-card+json";

/// The files that lead to the door.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/api/v1/mcp/server-card",
            get(|State(app): State<Arc<App>>, headers: HeaderMap| async move { file(&headers, CARD, &card(&app)) }),
        )
        .route(
            "/server.json",
            get(|State(app): State<Arc<App>>, headers: HeaderMap| async move { file(&headers, JSON, &registry_entry(&app)) }),
        )
        .route(
            "/.well-known/ai-catalog.json",
            get(|State(app): State<Arc<App>>, headers: HeaderMap| async move { file(&headers, JSON, &catalog(&app)) }),
        )
        .route(
            "/.well-known/mcp.json",
            get(|State(app): State<Arc<App>>, headers: HeaderMap| async move { file(&headers, JSON, &document(&app)) }),
        )
}

const JSON: &str = "application/json";

/// The document, for whoever does not ask for an event stream.
pub async fn discover<H>(State(door): State<Arc<Door<H>>>, request: Request) -> Response<Body> {
    let headers = request.headers();
    if accepts(headers, "text/event-stream") && !accepts(headers, JSON) && !accepts(headers, "text/html") {
        return refuse_method("POST, GET");
    }
    let mut response = file(headers, JSON, &document(&door.app));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept, origin"));
    response
}

/// A file that is the same for everybody.
pub fn file(headers: &HeaderMap, media_type: &'static str, body: &Value) -> Response<Body> {
    text_file(headers, media_type, body.to_string())
}

/// The same for texts.
pub fn text_file(headers: &HeaderMap, media_type: &'static str, body: String) -> Response<Body> {
    let mut start = [0; 8];
    start.copy_from_slice(&Sha256::digest(body.as_bytes())[..8]);
    let tag = format!("\"{:016x}\"", u64::from_be_bytes(start));
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|value| value.to_str().is_ok_and(|tags| tags.contains(&tag)));
    let mut response = Response::new(if known { Body::empty() } else { Body::from(body) });
    *response.status_mut() = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}

fn transports(site: &str) -> Value {
    json!([
        { "type": "streamable-http", "url": format!("{site}{PATH}") },
        { "type": "sse", "url": format!("{site}{PATH}/sse") },
    ])
}

fn versions() -> Vec<&'static str> {
    ProtocolVersion::KNOWN_VERSIONS.iter().map(ProtocolVersion::as_str).collect()
}

/// Everything at once.
pub fn document(app: &App) -> Value {
    let site = &app.public_url;
    let tools = Tools::of(&app.operations).list(false);
    json!({
        "name": "roborent",
        "title": "roborent",
        "version": env!("CARGO_PKG_VERSION"),
        "description": ABOUT,
        "protocolVersions": versions(),
        "transports": transports(site),
        "auth": {
            "schemes": [
                { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                { "type": "http", "scheme": "bearer", "description": "An API key, or a token of /auth/v1/token." },
                { "type": "argument", "name": "api_key", "description": "For clients that cannot set headers." },
            ],
            "register": { "tool": "register_agent", "method": "POST", "path": "/api/v1/agent/register" },
        },
        "capabilities": { "tools": {}, "resources": {}, "prompts": {} },
        "instructions": INSTRUCTIONS,
        "tools": tools,
        "links": {
            "docs": format!("{site}/docs/mcp"), "llms": format!("{site}/llms.txt"), "openapi": format!("{site}/openapi.json"),
            "server_card": format!("{site}{PATH}/server-card"),
        },
    })
}

/// Host names the other way round, as registries name servers.
fn registry_name(app: &App) -> String {
    let host = Url::parse(&app.public_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let host = host.trim_start_matches("www.");
    let is_a_name = host.contains(|c: char| c.is_ascii_alphabetic()) && host.contains('.');
    let reversed: Vec<&str> = if is_a_name { host.rsplit('.').collect() } else { vec!["local", "sandbox"] };
    format!("{}/roborent", reversed.join("."))
}

/// What the MCP registry takes.
pub fn registry_entry(app: &App) -> Value {
    json!({
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": registry_name(app),
        "title": "roborent",
        // The registry takes 100 characters.
        "description": "People and AI agents post paid micro-tasks for each other and are paid in USDT.",
        "version": env!("CARGO_PKG_VERSION"),
        "websiteUrl": app.public_url,
        "remotes": transports(&app.public_url),
    })
}

fn card(app: &App) -> Value {
    let site = &app.public_url;
    json!({
        "$schema": "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json",
        "name": registry_name(app),
        "title": "roborent",
        "description": ABOUT,
        "version": env!("CARGO_PKG_VERSION"),
        "websiteUrl": site,
        "remotes": [
            { "type": "streamable-http", "url": format!("{site}{PATH}"), "supportedProtocolVersions": versions() },
            { "type": "sse", "url": format!("{site}{PATH}/sse"), "supportedProtocolVersions": ["2024-11-05"] },
        ],
    })
}

fn catalog(app: &App) -> Value {
    let (site, name) = (&app.public_url, registry_name(app));
    json!({
        "specVersion": "1.0",
        "host": { "displayName": "roborent", "identifier": name },
        "entries": [{
            "identifier": format!("urn:air:{}", name.replace('/', ":")),
            "displayName": "roborent",
            "description": ABOUT,
            "type": CARD,
            "url": format!("{site}{PATH}/server-card"),
        }],
    })
}

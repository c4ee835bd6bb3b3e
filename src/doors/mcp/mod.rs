//! The MCP door: JSON-RPC over HTTP for agents, in every revision that clients speak, over the same operations as REST.
//!
//! Protocol lives here, business does not: a tool is an entry of the table of operations, and a call of it is a call of the
//! dispatcher. `door` takes requests, `envelope` is a message in them, `handler` answers it inside of rmcp, `stream` is the
//! transport of 2024-11-05.

mod answer;
mod asker;
mod call;
mod discovery;
mod door;
mod envelope;
mod guard;
mod handler;
mod prompts;
mod resources;
mod schema;
mod stream;
mod streams;
pub mod tools;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::routing::{any, get, post};
use rmcp::ServerHandler;

use crate::doors::App;
use crate::doors::mcp::door::Door;
use crate::doors::mcp::handler::Market;

pub use call::McpRefusal;
pub use discovery::text_file;
pub use guard::{Allowed, guard};
pub use streams::Streams;

/// Where the door is.
pub const PATH: &str = "/api/v1/mcp";

/// The door over the operations of this installation.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    mount(app, Market::new(app)).merge(discovery::router())
}

/// The door before any handler of the protocol; tests put one of their own behind it.
pub fn mount<H: ServerHandler + Clone + Sync>(app: &Arc<App>, handler: H) -> Router<Arc<App>> {
    let door = Arc::new(Door::new(app, handler));
    Router::new()
        .route("/api/v1/mcp", get(discovery::discover).post(take::<H>).fallback(any(not_allowed)))
        .route("/api/v1/mcp/sse", get(stream::open::<H>).post(take::<H>).fallback(any(not_allowed)))
        .route("/api/v1/mcp/messages", post(stream::take::<H>).fallback(any(post_only)))
        .with_state(door)
}

async fn take<H: ServerHandler + Clone + Sync>(State(door): State<Arc<Door<H>>>, request: Request) -> Response<Body> {
    door.take(request).await
}

async fn not_allowed() -> Response<Body> {
    refuse_method("GET, POST")
}

async fn post_only() -> Response<Body> {
    refuse_method("POST")
}

/// There are no sessions to end or to listen to.
fn refuse_method(allow: &'static str) -> Response<Body> {
    let text = "This path does not answer that method: there are no sessions here. Send JSON-RPC by POST.";
    let mut response = answer::error(StatusCode::METHOD_NOT_ALLOWED, &serde_json::Value::Null, answer::SERVER_ERROR, text);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

//! Where requests come in: one router from the table of operations, and what surrounds it.

pub mod auth;
mod authenticate;
mod client;
mod connection;

pub mod docs;
mod event_stream;
mod health;
pub mod mcp;
mod message;
mod problem;
mod qr;
mod referral_link;
mod request;
mod rest;
mod sandbox;
mod serve;
mod staying;
mod surroundings;
mod text_stream;
pub mod web;

use std::sync::Arc;

use axum::Router;
use tokio_util::sync::CancellationToken;

use crate::base::call::Dispatcher;
use crate::base::operation::Operation;
use crate::gateway::runner::Gateway;
use crate::jobs::Job;
use crate::webhooks::Deliverer;

#[cfg(any(test, feature = "testing"))]
pub use client::Peer;
pub use health::internal_router;
pub use serve::{Connections, serve};

use auth::Tokens;

/// What every door needs.
pub struct App {
    /// Runs operations.
    pub dispatcher: Arc<Dispatcher>,
    /// Every operation of this installation.
    pub operations: Vec<Arc<Operation>>,
    /// Signs and reads tokens.
    pub tokens: Tokens,
    /// Where passwords are hashed.
    pub hashing: auth::Hashing,
    /// As users see this server, without a slash at the end.
    pub public_url: String,
    /// The gateway, where this process is the one that pays.
    pub gateway: Option<Arc<Gateway>>,
    /// The background jobs; the sandbox clock runs them too.
    pub jobs: Vec<Job>,
    /// Where the independent auditor finds the books.
    pub books: audit::Source,
    /// Sends webhooks.
    pub deliverer: Arc<Deliverer>,
    /// Held while the sandbox clock is moved: one move after the other.
    pub clock_moves: tokio::sync::Mutex<()>,
    /// Ends every stream when the server stops.
    pub stopping: CancellationToken,
    /// The open event streams of the MCP door.
    pub streams: mcp::Streams,
    /// Renders the metrics.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
}

/// The public router.
pub fn public_router(app: &Arc<App>) -> Router {
    public_router_with(app, mcp::router(app))
}

/// The public router with an MCP door of one's own; the conformance suite wants to find other tools behind it than ours.
pub fn public_router_with(app: &Arc<App>, mcp: Router<Arc<App>>) -> Router {
    let mut router = rest::router(app)
        .merge(auth::router())
        .merge(docs::router())
        .merge(health::router())
        .merge(referral_link::router())
        .merge(web::router(app))
        .merge(mcp);
    if app.dispatcher.config.installation.network.is_sandbox() {
        router = router.merge(sandbox::router());
    }
    surroundings::surround(router, app).with_state(Arc::clone(app))
}

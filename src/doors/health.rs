//! Is it alive, can it serve, how is it doing.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::base::installation;
use crate::doors::App;

const READY_WITHIN: Duration = Duration::from_secs(2);

/// The routes of the public listener.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/favicon.ico", get(favicon))
}

/// The routes of the internal listener.
pub fn internal_router(app: &Arc<App>) -> Router {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(metrics)).with_state(Arc::clone(app))
}

async fn alive() -> &'static str {
    "ok\n"
}

/// Serves only when the database answers and the server is not stopping.
async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.stopping.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match tokio::time::timeout(READY_WITHIN, app.dispatcher.look(|cx| installation::clock_ahead(cx).map(drop))).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(error)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", error.code())).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "timeout\n").into_response(),
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    metrics::gauge!("roborent_commands_waiting").set(u32::try_from(app.dispatcher.store.commands_waiting()).unwrap_or(u32::MAX));
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render()).into_response()
}

async fn favicon() -> Response {
    const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0f766e"/><path d="M9 24V8h8a5 5 0 0 1 1 9.9L23 24h-4l-4.500-6H13v6zm4-9h3.500a1.750 1.750 0 0 0 0-3.500H13z" fill="#fff"/></svg>"##;
    ([(CONTENT_TYPE, "image/svg+xml")], ICON).into_response()
}

//! The sandbox: a clock that moves, a chain that hurries. On real networks these routes do not exist.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Request, Response, request};
use axum::routing::{get, post};
use axum::{Json, Router};
use garde::Validate;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::error::{Error, Refusal, Result, internal};
use crate::base::{Span, Ts, input, installation};
use crate::doors::App;
use crate::doors::problem;
use crate::doors::request::{client_address, peer, read_body, request_id};
use crate::jobs;
use crate::users::people::{account, mails};

crate::refusals! {
    /// What this door refuses.
    pub enum SandboxRefusal {
        NotLocal = 403 "sandbox_is_local": "The sandbox controls answer only to programs on this machine." => "Call them on 127.0.0.1 or localhost, without an Origin of another site.";
    }
}

/// The controls that are not operations.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/sandbox", get(info)).route("/sandbox/clock", post(clock)).route("/sandbox/mails", get(newest_mails))
}

/// Only programs on this machine; a page of another site must not reach the controls either, also not under a name that
/// leads to this machine.
pub fn guard(app: &App, request: &request::Parts) -> Result<()> {
    let values = |name| request.headers.get_all(name).iter().map(|v: &HeaderValue| v.to_str().unwrap_or_default());
    // HTTP/2 names the host in the request line; HTTP/1.1 does in Host, and may in both.
    let mut hosts = request.uri.authority().map(Authority::as_str).into_iter().chain(values(HOST)).peekable();
    let host_is_local = hosts.peek().is_some() && hosts.all(is_local);
    let origin_is_local = values(ORIGIN).all(|origin| origin.split_once("://").is_some_and(|(_, host)| is_local(host)));
    let may = host_is_local && origin_is_local && comes_from_here(app, request);
    if may { Ok(()) } else { Err(SandboxRefusal::NotLocal.into()) }
}

/// Whether the socket leads to this machine, and so does what a proxy on it says of its client.
fn comes_from_here(app: &App, request: &request::Parts) -> bool {
    let server = &app.dispatcher.config.server;
    let is_open = server.sandbox_for_other_machines && !server.listen.ip().is_loopback();
    is_open || (peer(request).0.ip().to_canonical().is_loopback() && client_address(app, request).is_loopback())
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn info(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Json<Value>, Response<Body>> {
    let (parts, _) = request.into_parts();
    guard(&app, &parts).map_err(|error| problem::render(&error, &request_id(&parts.extensions)))?;
    let clock = &app.dispatcher.clock;
    Ok(Json(json!({
        "now": clock.now(),
        "ahead_seconds": clock.ahead().as_milliseconds() / 1_000,
        "site": app.public_url,
        "usdt_contract": app.dispatcher.config.chain.usdt_contract,
        "hot_address": app.dispatcher.config.chain.hot_address,
        "devnet_url": app.gateway.as_ref().and_then(|gateway| gateway.devnet_url()),
    })))
}

/// What would have gone out by mail, the newest first.
async fn newest_mails(State(app): State<Arc<App>>, request: Request<Body>) -> Result<Json<Value>, Response<Body>> {
    let (parts, _) = request.into_parts();
    let refused = |error: Error| problem::render(&error, &request_id(&parts.extensions));
    guard(&app, &parts).map_err(refused)?;
    // Those that were asked for a moment ago are there, too.
    app.dispatcher.system(account::answer_requests).await.map_err(refused)?;
    let mails = app.dispatcher.look(mails::newest).await.map_err(refused)?;
    Ok(Json(json!({ "items": mails })))
}

#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[garde(range(min = 0, max = 315_360_000))]
    advance_seconds: i64,
}

async fn clock(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let id = request_id(request.extensions());
    let (parts, body) = request.into_parts();
    let moved = tokio::time::timeout(std::time::Duration::from_mins(1), advance(&app, &parts, body)).await;
    match moved.unwrap_or_else(|_| Err(Error::from(Refusal::TimedOut).retry_after(5))) {
        Ok(answer) => {
            let mut response = Response::new(Body::from(answer.to_string()));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(error) => problem::render(&error, &id),
    }
}

/// Moves the clock forward and runs what has become due before it answers.
async fn advance(app: &Arc<App>, request: &request::Parts, body: Body) -> Result<Value> {
    guard(app, request)?;
    let body = read_body(&request.headers, body, app.dispatcher.config.server.body_bytes_max).await?;
    let Advance { advance_seconds } = input::read(Value::Object(input::parse(&body)?))?;
    // Goes on when the caller hangs up: what is stored and what is in memory move together.
    let app = Arc::clone(app);
    let moving = tokio::spawn(async move { move_clock(&app, Span::seconds(advance_seconds)).await });
    let now = moving.await.map_err(internal)??;
    Ok(json!({ "now": now, "advanced_seconds": advance_seconds }))
}

/// Makes what was ordered final on the devnet, where this process has it.
pub async fn settle(app: &App) -> Result<()> {
    match &app.gateway {
        Some(gateway) => gateway.hurry().await,
        None => Ok(()),
    }
}

/// One move after the other.
async fn move_clock(app: &Arc<App>, span: Span) -> Result<Ts> {
    let _alone = app.clock_moves.lock().await;
    let ahead = Span::milliseconds(app.dispatcher.clock.ahead().as_milliseconds().saturating_add(span.as_milliseconds()));
    app.dispatcher.system(move |cx| installation::save_clock_ahead(cx, ahead)).await?;
    app.dispatcher.clock.advance(span);
    app.tokens.reload(&app.dispatcher).await?;
    jobs::run_all(&app.jobs, &app.dispatcher).await?;
    settle(app).await?;
    Ok(app.dispatcher.clock.now())
}

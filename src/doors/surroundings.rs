//! What every answer has: a request id, security headers, CORS, a problem for unknown paths, a 500 instead of a panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};

use crate::base::error::Refusal;
use crate::doors::App;
use crate::doors::mcp;
use crate::doors::problem::{self, RequestId};

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                   connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const ALWAYS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("content-security-policy", CSP),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=()"),
];

/// Puts the surroundings around a router.
pub fn surround(router: Router<Arc<App>>, app: &Arc<App>) -> Router<Arc<App>> {
    let allowed = Arc::new(mcp::Allowed::of(&app.dispatcher.config));
    router
        .fallback(unknown_path)
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            problem::render(&Refusal::Internal.into(), &RequestId(String::new()))
        }))
        .layer(cors())
        .layer(from_fn_with_state(allowed, mcp::guard))
        .layer(from_fn_with_state(Arc::clone(app), finish))
}

/// Any origin may call, because no door here reads a cookie.
fn cors() -> CorsLayer {
    let headers = [
        "accept",
        "authorization",
        "apikey",
        "x-client-info",
        "x-supabase-api-version",
        "content-type",
        "x-api-key",
        "idempotency-key",
        "last-event-id",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "mcp-session-id",
    ];
    let exposed = [
        "x-supabase-api-version",
        "retry-after",
        "x-sb-error-code",
        "idempotency-replayed",
        "ratelimit",
        "ratelimit-policy",
        "x-request-id",
        "www-authenticate",
    ];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS])
        .allow_headers(headers.map(HeaderName::from_static))
        .expose_headers(exposed.map(HeaderName::from_static))
        .max_age(Duration::from_hours(2))
}

async fn unknown_path(request: Request) -> Response<Body> {
    if wants_page(&request) {
        return super::web::not_found();
    }
    problem::render(&Refusal::NotFound.into(), &super::request::request_id(request.extensions()))
}

/// Whether a browser asks, at an address of the site.
fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    let is_below = |door: &str| path.strip_prefix(door).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let for_programs = ["/api", "/auth", "/sandbox", "/mcp"].into_iter().any(is_below);
    let accept = request.headers().get(ACCEPT).and_then(|v| v.to_str().ok());
    !for_programs && accept.is_some_and(|accept| accept.contains("text/html"))
}

static SERIAL: AtomicU64 = AtomicU64::new(1);

async fn finish(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response<Body> {
    let id = format!("{:08x}-{:06x}", app.tokens.instance(), SERIAL.fetch_add(1, Ordering::Relaxed));
    request.extensions_mut().insert(RequestId(id.clone()));
    let program = ["/api", "/auth", "/sandbox"].iter().any(|door| request.uri().path().starts_with(door));
    let wants_page = wants_page(&request);
    let mut response = next.run(request).await;
    // Only OPTIONS is answered by the router itself with a list; a refused method says which ones there are.
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && response.headers().get(CONTENT_TYPE).is_none() {
        let allow = response.headers().get(ALLOW).cloned();
        response =
            if wants_page { super::web::not_allowed() } else { problem::render(&Refusal::MethodNotAllowed.into(), &RequestId(id.clone())) };
        // Where the router says it only after this, an empty one would keep it from doing so.
        if let Some(allow) = allow {
            response.headers_mut().insert(ALLOW, allow);
        }
    }
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let headers = response.headers_mut();
    if is_page {
        // Pages are for browsers that open them, not for scripts of other sites.
        headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    }
    for (name, value) in ALWAYS {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if program {
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    if app.public_url.starts_with("https://") {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    response
}

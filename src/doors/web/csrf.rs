//! Forms of other sites reach nothing here: whatever changes something must come from a page of this site.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, Response};
use axum::middleware::Next;

use crate::doors::App;
use crate::doors::web::{cookies, refused};

/// Refuses what another site sends.
pub async fn same_site_only(State(app): State<Arc<App>>, request: Request, next: Next) -> Response<Body> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if reads || comes_from_here(&app, request.headers(), authority.as_deref()) {
        return next.run(request).await;
    }
    refused::page(403, "This came from another site", "Open the page here and send the form again; nothing was changed.".into())
}

/// Whether an origin is this site, as users see it or as it was asked.
pub(super) fn is_ours(app: &App, headers: &HeaderMap, authority: Option<&str>, origin: &str) -> bool {
    let host = authority.or_else(|| headers.get(HOST).map(|value| value.to_str().unwrap_or("unreadable")));
    origin == app.public_url || (host.is_some() && origin.split_once("://").map(|(_, host)| host) == host)
}

/// Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin`. A request that says nothing and
/// has a session is not believed; without one there is nothing to misuse.
fn comes_from_here(app: &App, headers: &HeaderMap, authority: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let is_ours = |origin: &str| is_ours(app, headers, authority, origin);
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), origin) => matches!(site, "same-origin" | "none") && origin.is_none_or(|origin| origin == "null" || is_ours(origin)),
        (None, Some(origin)) => is_ours(origin),
        (None, None) => cookies::read(headers, cookies::session_name(app)).is_none(),
    }
}

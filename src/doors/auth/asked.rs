//! What every endpoint of sign-in does: read the request, keep to the deadline, answer in GoTrue's shapes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Request, Response};
use serde_json::{Map, Value};

use crate::base::error::{Error, Refusal};
use crate::base::input;
use crate::doors::App;
use crate::doors::auth::refusal::{AuthRefusal, respond};
use crate::doors::request::{client_address, read_body};
use crate::users::session::{self, SignedIn};

/// A request, read.
pub(super) struct Asked {
    pub(super) headers: HeaderMap,
    pub(super) address: IpAddr,
    query: String,
    fields: Map<String, Value>,
}

/// Reads a request and answers what `work` makes of it. Nothing to say is 204.
pub(super) async fn answer<F, Fut>(app: Arc<App>, request: Request<Body>, work: F) -> Response<Body>
where
    F: FnOnce(Arc<App>, Asked) -> Fut,
    Fut: Future<Output = Result<Option<Value>, AuthRefusal>>,
{
    let headers = request.headers().clone();
    let deadline = Duration::from_secs(app.dispatcher.config.server.timeout_seconds);
    let whole = async move {
        let asked = read(&app, request).await?;
        work(app, asked).await
    };
    let result = tokio::time::timeout(deadline, whole).await;
    respond(&headers, &result.unwrap_or_else(|_| Err(Error::from(Refusal::TimedOut).retry_after(5).into())))
}

async fn read(app: &App, request: Request<Body>) -> Result<Asked, AuthRefusal> {
    let (parts, body) = request.into_parts();
    let fields = input::parse(&read_body(&parts.headers, body, app.dispatcher.config.server.body_bytes_max).await?)?;
    let address = client_address(app, &parts);
    Ok(Asked { query: parts.uri.query().unwrap_or_default().to_owned(), headers: parts.headers, address, fields })
}

impl Asked {
    /// A value of the query string.
    pub(super) fn in_query(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// A field; null is as good as none.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &str, bytes_max: usize) -> Result<&str, AuthRefusal> {
        self.optional_text(name, bytes_max)?.ok_or_else(|| AuthRefusal::invalid(&format!("missing or unusable {name}")))
    }

    /// A text that may be there.
    pub(super) fn optional_text(&self, name: &str, bytes_max: usize) -> Result<Option<&str>, AuthRefusal> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if text.len() <= bytes_max && !text.contains('\0') => Ok(Some(text)),
            Some(_) => Err(AuthRefusal::invalid(&format!("missing or unusable {name}"))),
        }
    }

    /// An object that may be there.
    pub(super) fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, AuthRefusal> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(_) => Err(AuthRefusal::invalid(&format!("{name} must be an object"))),
        }
    }

    /// Whoever sent a token that is good, and whose session goes on.
    pub(super) async fn signed_in(&self, app: &Arc<App>) -> Result<SignedIn, AuthRefusal> {
        let sent = self.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
        let token = match sent {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && token.trim() != app.dispatcher.config.auth.anon_key => token,
            _ => return Err(AuthRefusal::new(401, "no_authorization", "This endpoint requires a valid Bearer token")),
        };
        let claims = app.tokens.verify(token.trim(), app.dispatcher.clock.now());
        let claims = claims.map_err(|error| AuthRefusal::new(403, "bad_jwt", &format!("invalid JWT: {}", error.detail())))?;
        let session = app.dispatcher.look(move |cx| session::account(cx, claims.session_id)).await?;
        let session = session.filter(|found| found.user.id == claims.user_id);
        session.ok_or_else(|| AuthRefusal::new(403, "session_not_found", "Session from session_id claim in JWT does not exist"))
    }
}

//! Who opens a page, and how a page asks the operations: as the API does, with the session of the cookie.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header::REFERER;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri, request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Position, Url};

use crate::base::call::{Call, Credentials, TokenClaims};
use crate::base::error::internal;
use crate::base::idempotency::IdempotencyKey;
use crate::base::news::Topic;
use crate::base::operation::{Effect, Operation};
use crate::base::{Result, Ts, Usdt};
use crate::doors::App;
use crate::doors::client;
use crate::doors::request::client_address;
use crate::doors::web::refused::Refused;
use crate::doors::web::{cookies, csrf, live};
use crate::events;
use crate::ledger;
use crate::users::session::{self, SignedIn};

/// How somebody stands who has no account here.
const NOTHING: (Usdt, i64) = (Usdt::ZERO, 0);

/// Whoever opens a page.
#[derive(Clone)]
pub struct Visitor {
    /// The house.
    pub app: Arc<App>,
    /// Where they are.
    pub address: IpAddr,
    /// What they sent.
    pub headers: HeaderMap,
    /// How they asked.
    pub method: Method,
    /// What they opened.
    pub uri: Uri,
    /// Who they are, when they have signed in.
    pub signed_in: Option<SignedIn>,
    /// What they may spend, when they have signed in.
    pub available: Usdt,
    /// The number of their newest event.
    pub last_event: i64,
    /// When.
    pub now: Ts,
}

/// Somebody who has signed in.
#[derive(Clone)]
pub struct Member {
    /// As any visitor.
    pub visitor: Visitor,
    /// Who.
    pub me: SignedIn,
}

/// An admin. For others his pages do not exist.
#[derive(Clone)]
pub struct Admin(pub Member);

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut request::Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let cookie = cookies::read(&parts.headers, cookies::session_name(app)).map(cookies::hash_of);
        let known = match cookie {
            Some(hash) => app.dispatcher.look(move |cx| {
                let Some((signed_in, unwritten)) = session::by_cookie(cx, hash)? else { return Ok(None) };
                let available = ledger::balance_of(cx, signed_in.user.id)?.available;
                let last_event = events::last_seq(cx, signed_in.user.id)?;
                Ok(Some((signed_in, unwritten, (available, last_event))))
            }),
            None => return Ok(Self::of(parts, app, None, NOTHING)),
        };
        match known.await? {
            Some((signed_in, unwritten, stands)) => {
                if unwritten && !live::asks_by_itself(parts) {
                    let id = signed_in.session_id;
                    app.dispatcher.system(move |cx| session::seen(cx, id)).await?;
                }
                Ok(Self::of(parts, app, Some(signed_in), stands))
            }
            None => Ok(Self::of(parts, app, None, NOTHING)),
        }
    }
}

impl OptionalFromRequestParts<Arc<App>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, app: &Arc<App>) -> Result<Option<Self>, Infallible> {
        Ok(<Self as FromRequestParts<Arc<App>>>::from_request_parts(parts, app).await.ok())
    }
}

impl FromRequestParts<Arc<App>> for Member {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut request::Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let visitor = <Visitor as FromRequestParts<Arc<App>>>::from_request_parts(parts, app).await?;
        let next: String = url::form_urlencoded::byte_serialize(visitor.page().as_bytes()).collect();
        match visitor.signed_in.clone() {
            Some(me) if me.lacks_second_factor() => Err(Refused::Elsewhere(format!("/login/2fa?next={next}"))),
            Some(me) => Ok(Self { visitor, me }),
            None => Err(Refused::Elsewhere(format!("/login?next={next}"))),
        }
    }
}

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut request::Parts, app: &Arc<App>) -> Result<Self, Refused> {
        let visitor = <Visitor as FromRequestParts<Arc<App>>>::from_request_parts(parts, app).await?;
        if !visitor.signed_in.as_ref().is_some_and(|me| me.user.is_admin) {
            return Err(Refused::NotFound);
        }
        let member = <Member as FromRequestParts<Arc<App>>>::from_request_parts(parts, app).await?;
        let has_two = member.me.aal == crate::users::credentials::Aal::Two;
        if app.dispatcher.config.admins_need_second_factor() && !has_two {
            return Err(Refused::Elsewhere("/profile/second-factor".into()));
        }
        Ok(Self(member))
    }
}

impl Visitor {
    fn of(parts: &request::Parts, app: &Arc<App>, signed_in: Option<SignedIn>, (available, last_event): (Usdt, i64)) -> Self {
        Self {
            app: Arc::clone(app),
            address: client_address(app, parts),
            headers: parts.headers.clone(),
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            signed_in,
            available,
            last_event,
            now: app.dispatcher.clock.now(),
        }
    }

    /// What was opened, as an address on this site.
    pub fn path_and_query(&self) -> String {
        self.uri.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned())
    }

    /// The page that they are at, to come back to: what was opened, or, for a form, the page that it was sent from. Many
    /// forms are sent to addresses that cannot be opened.
    pub fn page(&self) -> String {
        if matches!(self.method, Method::GET | Method::HEAD) {
            return self.path_and_query();
        }
        let from = self.headers.get(REFERER).and_then(|value| Url::parse(value.to_str().ok()?).ok());
        let authority = self.uri.authority().map(Authority::as_str);
        let is_ours = |from: &Url| csrf::is_ours(&self.app, &self.headers, authority, &from.origin().ascii_serialization());
        from.filter(is_ours).map_or_else(|| "/dashboard".to_owned(), |from| from[Position::BeforePath..Position::AfterQuery].to_owned())
    }

    /// A value of the query string.
    pub fn query(&self, name: &str) -> String {
        let pairs = url::form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        pairs.into_iter().find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// Asks an operation and reads as much of its answer as the page shows.
    pub async fn ask<T: DeserializeOwned>(&self, operation: &str, input: Value) -> Result<T> {
        self.act(operation, input, "").await
    }

    /// The same for what must not happen twice: a form that is sent again has one effect.
    pub async fn act<T: DeserializeOwned>(&self, operation: &str, input: Value, key: &str) -> Result<T> {
        let body = self.call(operation, input, key).await?;
        serde_json::from_slice(&body).map_err(|error| internal(format!("{operation} answered something else: {error}")))
    }

    /// The answer as it came.
    pub async fn call(&self, name: &str, input: Value, key: &str) -> Result<Vec<u8>> {
        let operation = self.operation(name).ok_or_else(|| internal(format!("there is no operation {name}")))?;
        let token = self.signed_in.as_ref().map(|me| TokenClaims { user_id: me.user.id, session_id: me.session_id });
        let call = Call {
            credentials: if operation.access.is_open() { Credentials::default() } else { Credentials { key: None, token } },
            operation,
            client: client::subject(self.address),
            idempotency_key: if key.is_empty() { None } else { Some(IdempotencyKey::parse(key)?) },
            input: Ok(input),
        };
        let deadline = std::time::Duration::from_secs(self.app.dispatcher.config.server.timeout_seconds);
        let timed_out = || crate::base::Error::from(crate::base::error::Refusal::TimedOut).retry_after(5);
        let writes = call.operation.effect == Effect::Command;
        let outcome = tokio::time::timeout(deadline, self.app.dispatcher.call(call)).await.map_err(|_| timed_out())?;
        if let Some(me) = self.signed_in.as_ref().filter(|_| writes && outcome.result.is_ok()) {
            // The other pages that they have open.
            self.app.dispatcher.news.ring_for(&[Topic::Pages(me.user.id)]);
        }
        outcome.result.map(|answer| answer.body)
    }

    /// An operation by its name.
    pub fn operation(&self, name: &str) -> Option<Arc<Operation>> {
        self.app.operations.iter().find(|operation| operation.name == name).cloned()
    }

    /// For a form that must not have an effect twice.
    pub fn fresh_key(&self) -> String {
        self.app.dispatcher.entropy().fork().base62(24)
    }
}

impl std::ops::Deref for Member {
    type Target = Visitor;
    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl std::ops::Deref for Admin {
    type Target = Member;
    fn deref(&self) -> &Member {
        &self.0
    }
}

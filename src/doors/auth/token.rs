//! `POST /auth/v1/token`: an e-mail address and a password, or a refresh token, for a session.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, Request, Response};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::base::error::{Error, Refusal, internal};
use crate::base::hourly_limits::{self, Unit};
use crate::base::limit::Policy;
use crate::base::{Context, Result, input};
use crate::doors::App;
use crate::doors::auth::refusal::{AuthRefusal, respond};
use crate::doors::auth::tokens::{LIFETIME, app_metadata};
use crate::doors::client;
use crate::doors::request::{client_address, read_body};
use crate::users::credentials::PasswordRow;
use crate::users::password;
use crate::users::session::{self, RefreshRefused, SignedIn};

/// Hashing is slow on purpose: as many at once as there are cores, and a short queue behind them.
static HASHING: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from))));
const HASHING_WAIT: Duration = Duration::from_secs(5);

pub(super) async fn token(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let headers = request.headers().clone();
    let deadline = Duration::from_secs(app.dispatcher.config.server.timeout_seconds);
    let result = tokio::time::timeout(deadline, grant(&app, request)).await;
    respond(&headers, result.unwrap_or_else(|_| Err(Error::from(Refusal::TimedOut).retry_after(5).into())))
}

async fn grant(app: &Arc<App>, request: Request<Body>) -> Result<Value, AuthRefusal> {
    let (parts, body) = request.into_parts();
    let grant_type = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "grant_type")
        .map(|(_, value)| value.into_owned());
    let fields = input::parse(&read_body(&parts.headers, body, app.dispatcher.config.server.body_bytes_max).await?)?;
    let address = client_address(app, &parts);
    app.dispatcher.count(client::subject(address), Policy::SignIn)?;
    let signed_in = match grant_type.as_deref() {
        Some("password") => by_password(app, &fields, &address.to_string(), &parts.headers).await?,
        Some("refresh_token") => by_refresh_token(app, &fields).await?,
        _ => return Err(AuthRefusal::new(400, "invalid_credentials", "unsupported_grant_type")),
    };
    session_of(app, &signed_in).map_err(AuthRefusal::from)
}

fn text<'f>(fields: &'f Map<String, Value>, name: &str, bytes_max: usize) -> Result<&'f str, AuthRefusal> {
    let text = fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty() && text.len() <= bytes_max && !text.contains('\0'));
    text.ok_or_else(|| AuthRefusal::new(400, "validation_failed", &format!("missing or unusable {name}")))
}

async fn by_password(app: &Arc<App>, fields: &Map<String, Value>, ip: &str, headers: &HeaderMap) -> Result<SignedIn, AuthRefusal> {
    let email = text(fields, "email", 254)?.trim().to_lowercase();
    let given = text(fields, "password", 1_024)?.to_owned();
    let counted = client::digest("email", &email);
    let (guess, known) = app.dispatcher.system(move |cx| Ok((count_guess(cx, counted)?, session::password_for(cx, &email)?))).await?;
    let hash = known.as_ref().map_or(password::DUMMY.to_owned(), |row| row.hash.clone());
    let right = verify_slowly(given, hash).await?;
    let Some(PasswordRow { user_id, version, .. }) = known.filter(|_| right) else { return Err(AuthRefusal::invalid_credentials()) };
    let ip = ip.to_owned();
    let user_agent = headers.get(USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let begin = move |cx: &mut Context<'_, '_>| {
        hourly_limits::take_back(cx, &guess)?;
        session::sign_in(cx, user_id, version, &ip, &user_agent)
    };
    Ok(app.dispatcher.system(begin).await?)
}

/// A guess counts before it is checked, so that many at once are not more than the limit; a right one is taken back.
fn count_guess(cx: &mut Context<'_, '_>, counted: Uuid) -> Result<Unit> {
    let limit = cx.config.limits.of(Policy::SignInFailure);
    cx.tx.serialize_on(i64::from_be_bytes(counted.as_bytes()[..8].try_into().map_err(internal)?))?;
    let unit = hourly_limits::reserve(cx, counted, Policy::SignInFailure, limit).map_err(|(error, _)| error)?;
    hourly_limits::spend(cx, &unit)?;
    Ok(unit)
}

async fn verify_slowly(given: String, hash: String) -> Result<bool> {
    let busy = || Error::from(Refusal::Busy).retry_after(5);
    let permit = tokio::time::timeout(HASHING_WAIT, Arc::clone(&HASHING).acquire_owned()).await.map_err(|_| busy())?.map_err(internal)?;
    // The place is kept until the hash is made, also when the caller has hung up by then.
    let work = move || {
        let right = password::verify(&given, &hash);
        drop(permit);
        right
    };
    tokio::task::spawn_blocking(work).await.map_err(internal)?
}

async fn by_refresh_token(app: &Arc<App>, fields: &Map<String, Value>) -> Result<SignedIn, AuthRefusal> {
    let token = text(fields, "refresh_token", 512)?;
    if token.len() < 12 {
        return Err(AuthRefusal::new(400, "validation_failed", "Refresh Token is not valid"));
    }
    let not_found = || AuthRefusal::new(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found");
    let (session_id, counter) = app.tokens.read_refresh_token(token).ok_or_else(not_found)?;
    match app.dispatcher.system(move |cx| session::refresh(cx, session_id, counter)).await? {
        Ok(signed_in) => Ok(signed_in),
        Err(RefreshRefused::NotFound) => Err(not_found()),
        Err(RefreshRefused::AlreadyUsed) => Err(AuthRefusal::new(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")),
        Err(RefreshRefused::SessionEnded) => {
            Err(AuthRefusal::new(400, "session_not_found", "Session from session_id claim in JWT does not exist"))
        }
    }
}

/// The session as clients keep it. The token is signed here, after the commit.
fn session_of(app: &App, signed_in: &SignedIn) -> Result<Value> {
    let (access_token, expires_at) = app.tokens.sign(signed_in)?;
    Ok(json!({
        "access_token": access_token,
        "token_type": "bearer",
        "expires_in": LIFETIME.as_milliseconds() / 1_000,
        "expires_at": expires_at,
        "refresh_token": app.tokens.refresh_token(signed_in.session_id, signed_in.refresh_counter),
        "user": user_of(signed_in),
    }))
}

fn user_of(signed_in: &SignedIn) -> Value {
    let SignedIn { user, password, now, .. } = signed_in;
    let identity = json!({
        "identity_id": user.id, "id": user.id, "user_id": user.id, "provider": "email", "email": password.email,
        "identity_data": { "email": password.email, "email_verified": password.email_confirmed_at.is_some(), "sub": user.id },
        "last_sign_in_at": now, "created_at": user.created_at, "updated_at": password.updated_at,
    });
    json!({
        "id": user.id, "aud": "authenticated", "role": "authenticated", "email": password.email, "phone": "",
        "email_confirmed_at": password.email_confirmed_at, "confirmed_at": password.email_confirmed_at, "last_sign_in_at": now,
        "app_metadata": app_metadata(signed_in), "user_metadata": {}, "identities": [identity],
        "created_at": user.created_at, "updated_at": password.updated_at, "is_anonymous": false,
    })
}

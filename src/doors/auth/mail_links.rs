//! `/auth/v1/recover`, `/resend`, `/otp`, `/verify`: what goes by mail.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::LOCATION;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::doors::App;
use crate::doors::auth::asked::{Asked, answer};
use crate::doors::auth::gate;
use crate::doors::auth::refusal::AuthRefusal;
use crate::doors::auth::shapes::session_of;
use crate::users::people::account::{self, Verified};
use crate::users::people::email::LENGTH_MAX;
use crate::users::people::one_time::Purpose;

pub(super) async fn recover(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    answer(app, request, async |app, asked| send(&app, &asked, Purpose::Recovery).await).await
}

pub(super) async fn otp(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    answer(app, request, async |app, asked| send(&app, &asked, Purpose::MagicLink).await).await
}

pub(super) async fn resend(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    answer(app, request, async |app, asked| match asked.text("type", 40)? {
        "signup" => send(&app, &asked, Purpose::SignUp).await,
        "email_change" => send(&app, &asked, Purpose::EmailChange).await,
        _ => Err(AuthRefusal::invalid("type must be signup or email_change")),
    })
    .await
}

/// The same answer for addresses that nobody has.
async fn send(app: &Arc<App>, asked: &Asked, purpose: Purpose) -> Result<Option<Value>, AuthRefusal> {
    match gate::send_mail(app, asked.address, asked.text("email", LENGTH_MAX)?, purpose).await {
        Ok(()) => Ok(Some(json!({}))),
        Err(error) if error.status() == 429 => Err(AuthRefusal { code: "over_email_send_rate_limit", ..AuthRefusal::from(error) }),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn verify(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    answer(app, request, verified).await
}

async fn verified(app: Arc<App>, asked: Asked) -> Result<Option<Value>, AuthRefusal> {
    let purposes: &[Purpose] = match asked.text("type", 40)? {
        "signup" => &[Purpose::SignUp],
        "recovery" => &[Purpose::Recovery],
        "email_change" => &[Purpose::EmailChange],
        "magiclink" => &[Purpose::MagicLink],
        "email" => &[Purpose::SignUp, Purpose::MagicLink],
        _ => return Err(AuthRefusal::invalid("Verify requires a verification type")),
    };
    // A token goes with the address it was sent to; its hash stands alone.
    let (token, address) = match asked.optional_text("token_hash", 200)? {
        Some(hash) => (hash.to_owned(), None),
        None => (asked.text("token", 200)?.to_owned(), Some(asked.text("email", LENGTH_MAX)?.to_owned())),
    };
    gate::knock(&app, asked.address)?;
    let client = gate::client(asked.address, &asked.headers, None);
    // Only a new address asks who is signed in; a client without a session sends another key there, or nothing.
    let me = if purposes == [Purpose::EmailChange] { asked.signed_in(&app).await.ok().map(|me| me.session_id) } else { None };
    let work = move |cx: &mut crate::base::Context<'_, '_>| account::verify(cx, &token, purposes, address.as_deref(), me, &client);
    match app.dispatcher.system(work).await? {
        Some(Verified::SignedIn(signed_in)) => Ok(Some(session_of(&app, &signed_in)?)),
        // As GoTrue answers a confirmation that lets nobody in.
        Some(Verified::NewAddress) => Ok(Some(json!({ "code": "200", "msg": "The address is confirmed. Sign in with it." }))),
        None => Err(AuthRefusal::new(403, "otp_expired", "Email link is invalid or has expired")),
    }
}

/// What a link of GoTrue says.
#[derive(Deserialize)]
pub(super) struct Link {
    token: Option<String>,
    token_hash: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Programs that read mails follow links; so this one only leads to the page that asks for a click.
pub(super) async fn follow(Query(link): Query<Link>) -> Response<Body> {
    let token = link.token_hash.or(link.token).unwrap_or_default();
    let clean: String = token.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let page = if link.kind.as_deref() == Some("recovery") { "recover" } else { "confirm" };
    (StatusCode::SEE_OTHER, [(LOCATION, format!("/{page}/{clean}"))]).into_response()
}

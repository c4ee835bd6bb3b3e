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
use crate::users::people::account;
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
    // Nothing stands for a new address, which lets nobody in.
    let purposes: Option<&[Purpose]> = match asked.text("type", 40)? {
        "signup" => Some(&[Purpose::SignUp]),
        "recovery" => Some(&[Purpose::Recovery]),
        "email_change" => None,
        "magiclink" => Some(&[Purpose::MagicLink]),
        "email" => Some(&[Purpose::SignUp, Purpose::MagicLink]),
        _ => return Err(AuthRefusal::invalid("Verify requires a verification type")),
    };
    // A token goes with the address it was sent to; its hash stands alone.
    let (token, address) = match asked.optional_text("token_hash", 200)? {
        Some(hash) => (hash.to_owned(), None),
        None => (asked.text("token", 200)?.to_owned(), Some(asked.text("email", LENGTH_MAX)?.to_owned())),
    };
    gate::knock(&app, asked.address)?;
    let worth_nothing = || AuthRefusal::new(403, "otp_expired", "Email link is invalid or has expired");
    let Some(purposes) = purposes else {
        let moved = app.dispatcher.system(move |cx| account::confirm_address(cx, &token, address.as_deref())).await?;
        let user = moved.ok_or_else(worth_nothing)?;
        // Who is in already stays so. A client without a session sends another key there, or nothing.
        return match asked.signed_in(&app).await.ok().filter(|me| me.user.id == user) {
            Some(me) => Ok(Some(session_of(&app, &me)?)),
            // As GoTrue answers a confirmation that lets nobody in.
            None => Ok(Some(json!({ "code": "200", "msg": "The address is confirmed. Sign in with it." }))),
        };
    };
    let client = gate::client(asked.address, &asked.headers, None);
    let signed_in = app.dispatcher.system(move |cx| account::verify(cx, &token, purposes, address.as_deref(), &client)).await?;
    Ok(Some(session_of(&app, &signed_in.ok_or_else(worth_nothing)?)?))
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

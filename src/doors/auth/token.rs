//! `POST /auth/v1/token`: an e-mail address and a password, or a refresh token, for a session.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use serde_json::Value;

use crate::base::limit::Policy;
use crate::doors::App;
use crate::doors::auth::asked::{Asked, answer};
use crate::doors::auth::gate;
use crate::doors::auth::refusal::AuthRefusal;
use crate::doors::auth::shapes::session_of;
use crate::doors::client;
use crate::users::people::email;
use crate::users::session::{self, RefreshRefused, SignedIn};

pub(super) async fn token(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    answer(app, request, grant).await
}

async fn grant(app: Arc<App>, asked: Asked) -> Result<Option<Value>, AuthRefusal> {
    let grant = asked.in_query("grant_type");
    if grant.as_deref() == Some("refresh_token") {
        return Ok(Some(session_of(&app, &by_refresh_token(&app, &asked).await?)?));
    }
    gate::knock(&app, asked.address)?;
    if grant.as_deref() != Some("password") {
        return Err(AuthRefusal::new(400, "invalid_credentials", "unsupported_grant_type"));
    }
    let client = gate::client(asked.address, &asked.headers, None);
    let signed_in = gate::sign_in(&app, client, asked.text("email", email::LENGTH_MAX)?, asked.text("password", 1_024)?).await?;
    Ok(Some(session_of(&app, &signed_in)?))
}

async fn by_refresh_token(app: &Arc<App>, asked: &Asked) -> Result<SignedIn, AuthRefusal> {
    let token = asked.text("refresh_token", 512)?;
    if token.len() < 12 {
        return Err(AuthRefusal::invalid("Refresh Token is not valid"));
    }
    app.dispatcher.count(client::subject(asked.address), Policy::Refresh)?;
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

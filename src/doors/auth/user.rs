//! `/auth/v1/signup`, `/user`, `/logout`: people and their accounts.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use serde_json::Value;

use crate::base::error::Error;
use crate::doors::App;
use crate::doors::auth::asked::{Asked, answer};
use crate::doors::auth::gate;
use crate::doors::auth::refusal::AuthRefusal;
use crate::doors::auth::shapes::{made_up_user, session_of, user_of};
use crate::users::people::account::Change;
use crate::users::people::email;
use crate::users::people::sign_up::SignUp;
use crate::users::session::{self, SignOut};

pub(super) async fn sign_up(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    answer(app, request, signed_up).await
}

pub(super) async fn read(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    answer(app, request, async |app, asked| Ok(Some(user_of(&asked.signed_in(&app).await?)))).await
}

pub(super) async fn change(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    answer(app, request, changed).await
}

pub(super) async fn sign_out(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    answer(app, request, signed_out).await
}

async fn signed_up(app: Arc<App>, asked: Asked) -> Result<Option<Value>, AuthRefusal> {
    let (address, password) = (asked.text("email", email::LENGTH_MAX)?, asked.text("password", 1_024)?);
    let metadata = asked.object("data")?.unwrap_or_default();
    let new =
        SignUp { email: address.to_owned(), hash: String::new(), name: String::new(), referral_code: None, metadata: metadata.clone() };
    let client = gate::client(asked.address, &asked.headers, None);
    let pending = app.dispatcher.config.auth.confirm_email && app.dispatcher.config.mail.sends(app.dispatcher.config.installation.network);
    match gate::sign_up(&app, asked.address, new, password).await {
        Ok(made) if made.confirmed => {
            let signed_in = app.dispatcher.system(move |cx| session::begin(cx, made.user_id, "password", &client)).await?;
            Ok(Some(session_of(&app, &signed_in)?))
        }
        // Whoever signs up, and whoever only asks whether the address is taken, get the same answer.
        Ok(_) => Ok(Some(made_up_user(&app, &address.trim().to_lowercase(), &metadata))),
        Err(error) if error.code() == "email_taken" && pending => Ok(Some(made_up_user(&app, &address.trim().to_lowercase(), &metadata))),
        Err(error) if error.code() == "email_taken" => Err(AuthRefusal::new(422, "user_already_exists", "User already registered")),
        Err(error) => Err(error.into()),
    }
}

async fn changed(app: Arc<App>, asked: Asked) -> Result<Option<Value>, AuthRefusal> {
    let of = asked.signed_in(&app).await?;
    let (password, address) = (asked.optional_text("password", 1_024)?, asked.optional_text("email", email::LENGTH_MAX)?);
    let current = asked.optional_text("current_password", 1_024)?;
    let change = Change { password: None, email: address.map(str::to_owned), metadata: asked.object("data")? };
    let refused = |error: Error| match error.code() {
        "second_factor_required" => {
            AuthRefusal::new(401, "insufficient_aal", "AAL2 session is required to update email or password when MFA is enabled.")
        }
        "current_password_required" => AuthRefusal::new(400, "current_password_required", "Current password required"),
        "invalid_credentials" => AuthRefusal::new(400, "current_password_invalid", "The current password is wrong"),
        _ => error.into(),
    };
    Ok(Some(user_of(&gate::change_account(&app, &of, current, password, change).await.map_err(refused)?)))
}

async fn signed_out(app: Arc<App>, asked: Asked) -> Result<Option<Value>, AuthRefusal> {
    let which = match asked.in_query("scope").as_deref() {
        None | Some("global" | "") => SignOut::Global,
        Some("local") => SignOut::Local,
        Some("others") => SignOut::Others,
        Some(_) => return Err(AuthRefusal::invalid("scope must be global, local or others")),
    };
    let of = asked.signed_in(&app).await?;
    gate::sign_out(&app, of.session_id, of.user.id, which).await?;
    Ok(None)
}

//! `/r/<code>`: the link that a user gives to others. It remembers the code and leads to where one joins.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::doors::App;
use crate::doors::problem::{self, RequestId};
use crate::users::referral_code;

const COOKIE_NAME: &str = "rr_ref";
const THIRTY_DAYS: u32 = 30 * 24 * 3_600;

/// The link.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/r/{code}", get(follow))
}

async fn follow(State(app): State<Arc<App>>, Path(code): Path<String>) -> Response {
    let asked = code.clone();
    match app.dispatcher.look(move |cx| referral_code::exists(cx, &asked)).await {
        Ok(true) => {
            let secure = if app.public_url.starts_with("https://") { "; Secure" } else { "" };
            let cookie = format!("{COOKIE_NAME}={code}; Path=/; Max-Age={THIRTY_DAYS}; HttpOnly; SameSite=Lax{secure}");
            let headers = [(LOCATION, format!("/signup?referral_code={code}")), (SET_COOKIE, cookie)];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        // A wrong code is no reason to send somebody away.
        Ok(false) => (StatusCode::SEE_OTHER, [(LOCATION, "/signup")]).into_response(),
        Err(error) => problem::render(&error, &RequestId(String::new())),
    }
}

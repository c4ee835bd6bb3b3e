//! `/r/<code>`: the link that a user gives to others. It remembers the code and leads to where one joins.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::base::error::internal;
use crate::doors::App;
use crate::doors::problem::{self, RequestId};
use crate::users::referral_code;

const COOKIE_NAME: &str = "rr_ref";
const THIRTY_DAYS: u32 = 30 * 24 * 3_600;

/// The link, and the page that it leads to.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/r/{code}", get(follow)).route("/signup", get(join))
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

/// How one joins.
#[derive(Template)]
#[template(path = "signup.html")]
struct Join {
    site: String,
    code: String,
}

#[derive(Deserialize)]
struct Given {
    referral_code: Option<String>,
}

async fn join(State(app): State<Arc<App>>, Query(given): Query<Given>, headers: HeaderMap) -> Response {
    let code = given.referral_code.or_else(|| remembered(&headers)).filter(|code| referral_code::is_well_formed(code)).unwrap_or_default();
    match (Join { site: app.public_url.clone(), code }).render() {
        Ok(html) => ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")], html).into_response(),
        Err(error) => problem::render(&internal(error), &RequestId(String::new())),
    }
}

fn remembered(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value.to_owned())
}

//! When a page cannot be shown: another page says why, or another address is the right one.

use askama::Template;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::{IntoResponse, Response as AnyResponse};

use crate::base::Error;
use crate::doors::web::form::in_words;

/// Why a page is not shown.
#[derive(Debug)]
pub enum Refused {
    /// An operation refused.
    Error(Error),
    /// Go there instead.
    Elsewhere(String),
    /// There is nothing at this address, for this visitor.
    NotFound,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match (error.status(), error.code()) {
            (404, _) => Self::NotFound,
            // The session ended between two looks.
            (401, "invalid_token" | "authentication_required") => Self::Elsewhere("/login".into()),
            _ => Self::Error(error),
        }
    }
}

#[derive(Template)]
#[template(path = "web/refused.html")]
struct RefusedPage {
    title: &'static str,
    text: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> AnyResponse {
        match self {
            Self::Elsewhere(path) => to(&path),
            Self::NotFound => page(404, "There is nothing here", "The address may be mistyped, or what was here has gone.".into()),
            Self::Error(error) => {
                let title = match error.status() {
                    403 => "That is not allowed",
                    429 => "A little slower, please",
                    503 | 504 => "Busy at the moment",
                    500 => "Something is wrong here",
                    _ => "That did not work",
                };
                let mut response = page(error.status(), title, in_words(&error));
                if let Some(seconds) = error.retry_after_seconds() {
                    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
                }
                response
            }
        }
    }
}

/// A page that says one thing.
pub fn page(status: u16, title: &'static str, text: String) -> Response<Body> {
    let html = RefusedPage { title, text }.render().unwrap_or_else(|_| title.to_owned());
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// Go there now; what was posted is done.
pub fn to(path: &str) -> Response<Body> {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(LOCATION, HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/")));
    response
}

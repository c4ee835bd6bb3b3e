//! Errors in GoTrue's two shapes: clients that send their API version get the newer one.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::base::error::Error;

const VERSION: HeaderName = HeaderName::from_static("x-supabase-api-version");

/// Why a sign-in did not happen.
#[derive(Debug)]
pub struct AuthRefusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) retry_after_seconds: Option<u64>,
}

impl AuthRefusal {
    /// A 4xx with GoTrue's code.
    pub fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), retry_after_seconds: None }
    }

    /// The same answer for a wrong password and for an unknown address.
    pub fn invalid_credentials() -> Self {
        Self::new(400, "invalid_credentials", "Invalid login credentials")
    }
}

impl From<Error> for AuthRefusal {
    fn from(error: Error) -> Self {
        let code = match (error.status(), error.code()) {
            (429, _) => "over_request_rate_limit",
            (400, "invalid_json" | "field_twice") => "invalid_json",
            (413 | 422 | 400, _) => "validation_failed",
            (504, _) => "request_timeout",
            (_, "password_changed") => return Self::invalid_credentials(),
            _ => "unexpected_failure",
        };
        Self { status: error.status(), code, message: error.detail().to_owned(), retry_after_seconds: error.retry_after_seconds() }
    }
}

/// Whether the client knows the newer shape. A date that cannot be read counts as none.
fn knows_newer_shape(headers: &HeaderMap) -> bool {
    let date = headers.get(VERSION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let well_formed =
        date.len() == 10 && date.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    well_formed && date >= "2024-01-01"
}

/// The answer for a client that sent `headers`.
pub fn respond(headers: &HeaderMap, result: Result<Value, AuthRefusal>) -> Response<Body> {
    let newer = knows_newer_shape(headers);
    let (status, body) = match &result {
        Ok(body) => (200, body.clone()),
        Err(refusal) if newer => (refusal.status, json!({ "code": refusal.code, "error_code": refusal.code, "message": refusal.message })),
        Err(refusal) => (refusal.status, json!({ "code": refusal.status, "error_code": refusal.code, "msg": refusal.message })),
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let out = response.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if newer {
        out.insert(VERSION, HeaderValue::from_static("2024-01-01"));
    }
    if let Err(refusal) = result {
        out.insert(HeaderName::from_static("x-sb-error-code"), HeaderValue::from_static(refusal.code));
        if let Some(seconds) = refusal.retry_after_seconds {
            out.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    response
}

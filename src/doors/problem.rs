//! Renders errors as problem+json (RFC 9457).

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};

use crate::base::error::Error;

/// The id of a request, in its answer and in the log.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The answer that tells `error`.
pub fn render(error: &Error, request_id: &RequestId) -> Response<Body> {
    let mut response = Response::new(Body::from(error.to_problem(&request_id.0).to_string()));
    *response.status_mut() = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.status() == 401 {
        let challenge = if error.code() == "authentication_required" { "Bearer" } else { "Bearer error=\"invalid_token\"" };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

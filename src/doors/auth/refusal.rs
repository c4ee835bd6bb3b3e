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

    /// A field is missing or unusable.
    pub fn invalid(message: &str) -> Self {
        Self::new(400, "validation_failed", message)
    }
}

impl From<Error> for AuthRefusal {
    fn from(error: Error) -> Self {
        let (status, code, message) = match (error.status(), error.code()) {
            (429, _) => (429, "over_request_rate_limit", error.detail()),
            (_, "invalid_credentials" | "password_changed") => (400, "invalid_credentials", "Invalid login credentials"),
            (_, "email_not_confirmed") => (400, "email_not_confirmed", "Email not confirmed"),
            (_, "user_suspended") => (403, "user_banned", error.detail()),
            (_, "sign_up_closed") => (422, "signup_disabled", "Signups not allowed for this instance"),
            (_, "weak_password") => (422, "weak_password", error.detail()),
            (_, "same_password") => (422, "same_password", "New password should be different from the old password."),
            (_, "email_taken") => (422, "email_exists", "A user with this email address has already been registered"),
            (_, "invalid_email") => (400, "validation_failed", "Unable to validate email address: invalid format"),
            (_, "second_factor_required") => (401, "insufficient_aal", "AAL2 session is required for this"),
            (_, "second_factor_wrong") => (422, "mfa_verification_failed", "Invalid TOTP code entered"),
            (_, "second_factor_expired") => (422, "mfa_challenge_expired", "MFA challenge has expired, verify against another challenge"),
            (_, "second_factor_name_taken") => (422, "mfa_factor_name_conflict", "A factor with this friendly name exists already"),
            (_, "too_many_second_factors") => (422, "too_many_enrolled_mfa_factors", "Maximum number of verified factors reached"),
            (404, _) => (404, "mfa_factor_not_found", "Factor not found"),
            (400, "invalid_json" | "field_twice") => (400, "invalid_json", error.detail()),
            (status @ (413 | 422 | 400), _) => (status, "validation_failed", error.detail()),
            (504, _) => (504, "request_timeout", error.detail()),
            (status, _) => (status, "unexpected_failure", error.detail()),
        };
        Self { status, code, message: message.to_owned(), retry_after_seconds: error.retry_after_seconds() }
    }
}

/// Whether the client knows the newer shape. A date that cannot be read counts as none.
fn knows_newer_shape(headers: &HeaderMap) -> bool {
    let date = headers.get(VERSION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let well_formed =
        date.len() == 10 && date.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    well_formed && date >= "2024-01-01"
}

/// The answer for a client that sent `headers`; nothing to say is 204.
pub fn respond(headers: &HeaderMap, result: &Result<Option<Value>, AuthRefusal>) -> Response<Body> {
    let newer = knows_newer_shape(headers);
    let (status, body) = match result {
        Ok(Some(body)) => (200, body.to_string()),
        Ok(None) => (204, String::new()),
        Err(refusal) => (refusal.status, body_of(refusal, newer).to_string()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let out = response.headers_mut();
    if status != 204 {
        out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
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

fn body_of(refusal: &AuthRefusal, newer: bool) -> Value {
    let AuthRefusal { status, code, message, .. } = refusal;
    let mut body = if newer {
        json!({ "code": code, "error_code": code, "message": message })
    } else {
        json!({ "code": status, "error_code": code, "msg": message })
    };
    if *code == "weak_password" {
        body["weak_password"] = json!({ "reasons": ["length"] });
    }
    body
}

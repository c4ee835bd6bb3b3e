//! What clients ask of the server itself: is it there, how does one sign in here. And what they ask for that is not here.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, Request, Response, StatusCode};
use axum::response::IntoResponse as _;
use serde_json::{Map, Value, json};

use crate::doors::App;

/// The providers that clients ask about; there is none here but e-mail.
const PROVIDERS: [&str; 22] = [
    "anonymous_users",
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "kakao",
    "keycloak",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "slack",
    "slack_oidc",
    "spotify",
    "twitch",
    "twitter",
    "zoom",
];

pub(super) async fn health() -> Response<Body> {
    let description = "roborent signs people in, in the shapes of GoTrue";
    ([(CACHE_CONTROL, "no-store")], Json(json!({ "version": env!("CARGO_PKG_VERSION"), "name": "GoTrue", "description": description })))
        .into_response()
}

pub(super) async fn settings(State(app): State<Arc<App>>) -> Response<Body> {
    let config = &app.dispatcher.config;
    let mut external: Map<String, Value> = PROVIDERS.iter().map(|name| ((*name).to_owned(), false.into())).collect();
    external.insert("email".into(), true.into());
    external.insert("phone".into(), false.into());
    let confirms = config.auth.confirm_email && config.mail.sends(config.installation.network);
    let body = json!({
        "external": external, "disable_signup": !config.auth.sign_up, "mailer_autoconfirm": !confirms, "phone_autoconfirm": false,
        "sms_provider": "", "saml_enabled": false,
    });
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Clients read `code` and `message`; programs of the API read the rest.
pub(super) async fn unknown(request: Request<Body>) -> Response<Body> {
    let id = crate::doors::request::request_id(request.extensions());
    let mut problem = crate::base::error::Error::from(crate::base::error::Refusal::NotFound).to_problem(&id.0);
    problem["message"] = "There is nothing here; the sign-in of this server knows e-mail and password.".into();
    let headers =
        [(HeaderName::from_static("content-type"), "application/problem+json"), (HeaderName::from_static("x-sb-error-code"), "not_found")];
    (StatusCode::NOT_FOUND, headers, problem.to_string()).into_response()
}

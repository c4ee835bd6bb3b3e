//! Sign-in with the shapes of GoTrue, so that unmodified Supabase clients work.

mod about;
mod asked;
pub mod factors;
pub mod gate;
mod hashing;
mod keys;
mod mail_links;
mod refusal;
mod shapes;
mod token;
mod tokens;
mod user;

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, delete, get, post};

use crate::doors::App;

pub use hashing::Hashing;
pub use keys::{Seal, load_or_make_secret, make_signing_key};
pub use tokens::Tokens;

/// The routes under `/auth/v1`.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/auth/v1/signup", post(user::sign_up))
        .route("/auth/v1/token", post(token::token))
        .route("/auth/v1/user", get(user::read).put(user::change))
        .route("/auth/v1/logout", post(user::sign_out))
        .route("/auth/v1/recover", post(mail_links::recover))
        .route("/auth/v1/otp", post(mail_links::otp))
        .route("/auth/v1/magiclink", post(mail_links::otp))
        .route("/auth/v1/resend", post(mail_links::resend))
        .route("/auth/v1/verify", get(mail_links::follow).post(mail_links::verify))
        .route("/auth/v1/factors", post(factors::enrolled))
        .route("/auth/v1/factors/{id}", delete(factors::removed))
        .route("/auth/v1/factors/{id}/challenge", post(factors::challenged))
        .route("/auth/v1/factors/{id}/verify", post(factors::shown))
        .route("/auth/v1/settings", get(about::settings))
        .route("/auth/v1/health", get(about::health))
        .route("/auth/v1/.well-known/jwks.json", get(tokens::jwks))
        .route("/auth/v1/{*rest}", any(about::unknown))
}

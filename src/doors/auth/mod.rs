//! Sign-in with the shapes of GoTrue, so that unmodified Supabase clients work.

mod keys;
mod refusal;
mod token;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::doors::App;

pub use keys::{Seal, load_or_make_secret};
pub use tokens::Tokens;

/// The routes under `/auth/v1`.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/auth/v1/token", post(token::token)).route("/auth/v1/.well-known/jwks.json", get(tokens::jwks))
}

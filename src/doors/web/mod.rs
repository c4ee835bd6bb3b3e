//! The site for people: pages made on the server, forms that work without a script, and the operations behind both. A page
//! decides nothing; it asks the operations that the API asks, as the visitor.

mod admin;
mod assets;
mod chrome;
mod cookies;
mod csrf;
mod form;
mod home;
mod keys;
mod live;
mod mine;
mod money;
pub(in crate::doors) mod pieces;
mod publish;
mod recovery;
mod refused;
mod review;
mod second_factor;
mod settings;
mod shown;
mod sign_in;
mod tasks;
mod visitor;
mod webhook;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};

use crate::doors::App;

pub use chrome::{Chrome, show};
pub use visitor::Visitor;

/// The pages.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .merge(home::router())
        .merge(sign_in::router())
        .merge(tasks::router())
        .merge(mine::router())
        .merge(publish::router())
        .merge(review::router())
        .merge(money::router())
        .merge(settings::router())
        .merge(recovery::router())
        .merge(second_factor::router())
        .merge(keys::router())
        .merge(webhook::router())
        .merge(admin::router())
        .merge(live::router())
        .merge(assets::router())
        .layer(from_fn_with_state(Arc::clone(app), csrf::same_site_only))
}

/// A page for an address where there is nothing.
pub fn not_found() -> Response {
    refused::Refused::NotFound.into_response()
}

/// A page for an address that takes forms and cannot be opened.
pub fn not_allowed() -> Response {
    refused::page(405, "This address cannot be opened", "It takes what a form on another page sends. Open that page once more.".into())
}

type Shown = Result<Response, refused::Refused>;

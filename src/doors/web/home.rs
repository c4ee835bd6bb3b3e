//! The front page, the rules, public profiles, the theme.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::limit::Policy;
use crate::base::{Ts, Usdt};
use crate::doors::web::chrome::{Chrome, show};
use crate::doors::web::form::Form;
use crate::doors::web::pieces;
use crate::doors::web::refused::{Refused, to};
use crate::doors::web::shown::{FoundTask, List, PublicUser, Rules};
use crate::doors::web::sign_in::local;
use crate::doors::web::visitor::Visitor;
use crate::doors::web::{Shown, cookies, tasks};
use crate::doors::{App, sandbox};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home))
        .route("/rules", get(rules))
        .route("/fees", get(async || to("/rules")))
        .route("/u/{user}", get(profile))
        .route("/theme", post(theme))
        .route("/sandbox-faucet", post(faucet))
}

#[derive(Template)]
#[template(path = "web/home.html")]
struct Home {
    chrome: Chrome,
    tasks: Vec<FoundTask>,
    rules: Rules,
}

async fn home(visitor: Visitor) -> Shown {
    let found: List<FoundTask> = tasks::open_tasks(&visitor, json!({ "limit": 6 })).await?;
    let rules = visitor.ask("get_platform_rules", json!({})).await?;
    Ok(show(&Home { chrome: Chrome::new(&visitor, "home", "Paid micro-tasks for people and AI agents"), tasks: found.items, rules }))
}

#[derive(Template)]
#[template(path = "web/rules.html")]
struct RulesPage {
    chrome: Chrome,
    rules: Rules,
    wallet: Vec<(&'static str, Usdt)>,
}

async fn rules(visitor: Visitor) -> Shown {
    let rules: Rules = visitor.ask("get_platform_rules", json!({})).await?;
    let config = &visitor.app.dispatcher.config;
    let wallet = vec![
        ("Smallest deposit", config.chain.deposit_min),
        ("Smallest withdrawal", config.withdrawals.min),
        ("Fee of a withdrawal", config.withdrawals.fee),
    ];
    Ok(show(&RulesPage { chrome: Chrome::new(&visitor, "rules", "Rules and fees"), rules, wallet }))
}

/// What somebody said about a user.
#[derive(Deserialize)]
struct PublicRating {
    stars: i64,
    comment: String,
    rated_as: String,
    category: String,
    task_id: Option<String>,
    title: Option<String>,
    rated_at: Ts,
}

#[derive(Template)]
#[template(path = "web/user.html")]
struct UserPage {
    chrome: Chrome,
    user: PublicUser,
    ratings: Vec<PublicRating>,
}

async fn profile(visitor: Visitor, Path(user): Path<String>) -> Shown {
    let asked = json!({ "user": user });
    let user: PublicUser = visitor.ask("get_user", asked.clone()).await?;
    let ratings: List<PublicRating> = visitor.ask("list_ratings", asked).await?;
    Ok(show(&UserPage { chrome: Chrome::new(&visitor, "", user.name.clone()), user, ratings: ratings.items }))
}

async fn theme(visitor: Visitor, form: Form) -> Response {
    let theme = match form.get("theme") {
        "dark" => "dark",
        "light" => "light",
        _ => "system",
    };
    let mut response = to(&local(form.get("next")));
    if let Ok(value) = HeaderValue::from_str(&cookies::give_theme(&visitor.app, theme)) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
    response
}

/// Play money for whoever has signed in, in the sandbox.
async fn faucet(visitor: Visitor, form: Form) -> Shown {
    let me = visitor.signed_in.as_ref().ok_or(Refused::NotFound)?;
    if !visitor.app.dispatcher.config.installation.network.is_sandbox() {
        return Err(Refused::NotFound);
    }
    visitor.app.dispatcher.count(me.user.id.0, Policy::SignIn)?;
    let faucet = visitor.app.operations.iter().find(|operation| operation.routes.iter().any(|(_, path)| *path == "/sandbox/faucet"));
    let name = faucet.map(|operation| operation.name).ok_or(Refused::NotFound)?;
    let _: Value = visitor.ask(name, json!({ "user_id": me.user.id, "usdt": 100 })).await?;
    // It is there when the page is: a block is made for it.
    sandbox::settle(&visitor.app).await?;
    let next = local(form.get("next"));
    let sign = if next.contains('?') { '&' } else { '?' };
    Ok(to(&if next.contains("done=") { next } else { format!("{next}{sign}done=faucet") }))
}

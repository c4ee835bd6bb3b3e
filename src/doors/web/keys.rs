//! API keys and referrals: what a member gives to his programs and to others.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde_json::{Value, json};

use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::mine::cursor;
use crate::doors::web::pieces::{self, Field, Qr};
use crate::doors::web::refused::{Refused, to};
use crate::doors::web::second_factor::{asks_for_a_code, step_up_before};
use crate::doors::web::shown::{Key, List, Referrals};
use crate::doors::web::tasks::Confirm;
use crate::doors::web::visitor::Member;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/keys", get(keys).post(key_made))
        .route("/keys/{id}/rotate", get(rotate).post(rotated))
        .route("/keys/{id}/revoke", get(revoke).post(revoked))
        .route("/referrals", get(referrals))
}

#[derive(Template)]
#[template(path = "web/keys.html")]
struct Keys {
    chrome: Chrome,
    form: Form,
    all: Vec<Key>,
    /// Shown once, in the answer to the form that made it.
    made: Option<String>,
}

impl Keys {
    fn name(&self) -> Field {
        self.form.field("name", "Name", "text").optional().hint("How you will know it again.")
    }
}

async fn keys_page(member: &Member, form: Form, made: Option<String>) -> Result<Keys, Refused> {
    let keys: List<Key> = member.ask("list_api_keys", json!({})).await?;
    Ok(Keys { chrome: Chrome::new(member, "keys", "API keys"), form, all: keys.items, made })
}

async fn keys(member: Member) -> Shown {
    Ok(show(&keys_page(&member, Form::default(), None).await?))
}

async fn key_made(member: Member, mut form: Form) -> Shown {
    let mut input = form.texts(&["name"]);
    input.insert("scopes".into(), form.all("scopes").into());
    if form.all("scopes").is_empty() {
        form.problem = "Choose at least one thing that the key may do.".into();
        return Ok(show_again(&keys_page(&member, form, None).await?));
    }
    match member.ask::<Value>("create_api_key", Value::Object(input)).await {
        Ok(made) => Ok(show(&keys_page(&member, Form::default(), made["api_key"].as_str().map(str::to_owned)).await?)),
        Err(error) if asks_for_a_code(&member, &error) => Err(step_up_before("/keys")),
        Err(error) if error.status() < 429 && !matches!(error.status(), 401 | 404) => {
            form.refuse(&error);
            Ok(show_again(&keys_page(&member, form, None).await?))
        }
        Err(error) => Err(error.into()),
    }
}

fn key_confirm(member: &Member, title: &str, line: &str, button: &'static str) -> Confirm {
    let chrome = Chrome::new(member, "keys", title);
    let (lines, back) = (vec![line.to_owned()], "/keys".to_owned());
    Confirm { chrome, lines, fields: Vec::new(), form: Form::default(), hidden: Vec::new(), button, is_danger: true, back }
}

async fn rotate(member: Member, Path(_): Path<String>) -> Shown {
    Ok(show(&key_confirm(
        &member,
        "Replace this key?",
        "You get a new key with the same name and scopes. The old one works for 24 hours more.",
        "Replace it",
    )))
}

async fn rotated(member: Member, Path(id): Path<String>) -> Shown {
    match member.ask::<Value>("rotate_api_key", json!({ "key_id": id })).await {
        Ok(made) => Ok(show(&keys_page(&member, Form::default(), made["api_key"].as_str().map(str::to_owned)).await?)),
        Err(error) if asks_for_a_code(&member, &error) => Err(step_up_before(&member.path_and_query())),
        Err(error) => Err(error.into()),
    }
}

async fn revoke(member: Member, Path(_): Path<String>) -> Shown {
    Ok(show(&key_confirm(
        &member,
        "Revoke this key?",
        "Whatever uses it stops working at once. A revoked key never works again.",
        "Revoke it",
    )))
}

async fn revoked(member: Member, Path(id): Path<String>) -> Shown {
    let _: Value = member.ask("revoke_api_key", json!({ "key_id": id })).await?;
    Ok(to("/keys?done=revoked"))
}

#[derive(Template)]
#[template(path = "web/referrals.html")]
struct ReferralsPage {
    chrome: Chrome,
    referrals: Referrals,
    qr: Qr,
}

async fn referrals(member: Member) -> Shown {
    let referrals: Referrals = member.ask("get_referrals", cursor(&member)).await?;
    let qr = Qr::of(&referrals.link)?;
    Ok(show(&ReferralsPage { chrome: Chrome::new(&member, "referrals", "Referrals"), referrals, qr }))
}

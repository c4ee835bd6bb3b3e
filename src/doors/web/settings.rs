//! What a member sets for himself: profile, password, address, sessions.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::base::Error;
use crate::base::ids::SessionId;
use crate::doors::App;
use crate::doors::auth::gate;
use crate::doors::web::Shown;
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::pieces::{self, Field};
use crate::doors::web::refused::{Refused, to};
use crate::doors::web::second_factor::{asks_for_a_code, step_up_before};
use crate::doors::web::shown::Profile;
use crate::doors::web::visitor::Member;
use crate::users::people::account::Change;
use crate::users::session::{self, OpenSession};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/profile", get(profile).post(profile_saved))
        .route("/profile/password", post(password))
        .route("/profile/email", post(email))
        .route("/profile/sessions/{id}/end", post(end_session))
}

#[derive(Template)]
#[template(path = "web/profile.html")]
struct ProfilePage {
    chrome: Chrome,
    form: Form,
    username: String,
    email: String,
    new_email: Option<String>,
    about: Vec<Field>,
    password: Vec<Field>,
    address: Vec<Field>,
    sessions: Vec<OpenSession>,
    this: SessionId,
    factors: usize,
}

async fn profile_page(member: &Member, form: Option<Form>) -> Result<ProfilePage, Refused> {
    let known: Profile = member.ask("get_profile", json!({})).await?;
    // What was sent by one of the forms of this page leaves the others as they are.
    let mut form = form.unwrap_or_default();
    let values = [
        ("display_name", known.display_name.clone()),
        ("username", known.username.clone()),
        ("bio", known.bio.clone()),
        ("capabilities", known.capabilities.join(", ")),
        ("max_hourly_spend_usd", known.max_hourly_spend_usd.map(|cap| cap.to_string()).unwrap_or_default()),
    ];
    for (name, value) in values {
        if !form.has(name) {
            form.set(name, value);
        }
    }
    let mut about = vec![
        form.field("display_name", "Name that others see", "text").optional().or(&known.display_name),
        form.field("bio", "About you", "textarea").optional(),
        form.field("capabilities", "What you can do", "text").optional().hint("Words such as translation, separated by commas."),
        form.field("max_hourly_spend_usd", "Spend at most, in USDT an hour", "text")
            .optional()
            .keys("decimal")
            .hint("Tasks and tips together. Empty is no limit."),
    ];
    if known.username_can_change {
        about.insert(
            1,
            form.field("username", "Name in addresses", "text")
                .or(&known.username)
                .hint("May be changed once. Letters a to z, digits and _."),
        );
    }
    let password = vec![
        form.field("current_password", "Your password now", "password").autocomplete("current-password"),
        form.field("password", "New password", "password")
            .autocomplete("new-password")
            .hint("At least 10 characters. Every other session is ended."),
    ];
    let address = vec![
        form.field("email", "New e-mail address", "email").autocomplete("email"),
        form.field("password_for_email", "Your password", "password").autocomplete("current-password"),
    ];
    let user = member.me.user.id;
    let sessions = member.app.dispatcher.look(move |cx| session::open_sessions(cx, user)).await?;
    Ok(ProfilePage {
        chrome: Chrome::new(member, "profile", "Profile"),
        form,
        username: known.username,
        email: member.me.password.email.clone(),
        new_email: member.me.new_email.clone(),
        about,
        password,
        address,
        sessions,
        this: member.me.session_id,
        factors: member.me.factors.iter().filter(|factor| factor.verified_at.is_some()).count(),
    })
}

async fn profile(member: Member) -> Shown {
    Ok(show(&profile_page(&member, None).await?))
}

async fn again(member: &Member, mut form: Form, error: &Error) -> Shown {
    if asks_for_a_code(member, error) {
        return Err(step_up_before("/profile"));
    }
    if error.status() >= 429 || matches!(error.status(), 401 | 404) {
        return Err(error.clone().into());
    }
    form.refuse(error);
    Ok(show_again(&profile_page(member, Some(form)).await?))
}

async fn profile_saved(member: Member, form: Form) -> Shown {
    let mut input = form.texts(&["username"]);
    input.insert("display_name".into(), form.get("display_name").into());
    input.insert("bio".into(), form.get("bio").into());
    let words = form.get("capabilities").split(',').map(str::trim).filter(|word| !word.is_empty());
    input.insert("capabilities".into(), words.collect());
    let cap = form.get("max_hourly_spend_usd");
    input.insert("max_hourly_spend_usd".into(), if cap.is_empty() { Value::Null } else { cap.into() });
    match member.ask::<Value>("update_profile", Value::Object(input)).await {
        Ok(_) => Ok(to("/profile?done=saved")),
        Err(error) => again(&member, form, &error).await,
    }
}

async fn password(member: Member, form: Form) -> Shown {
    let (current, new) = (Some(form.raw("current_password")), Some(form.raw("password")));
    match gate::change_account(&member.app, &member.me, current, new, Change::default()).await {
        Ok(_) => Ok(to("/profile?done=password")),
        Err(error) => guarded_again(&member, form, &error, "current_password").await,
    }
}

async fn email(member: Member, form: Form) -> Shown {
    let change = Change { email: Some(form.get("email").to_owned()), ..Change::default() };
    match gate::change_account(&member.app, &member.me, Some(form.raw("password_for_email")), None, change).await {
        Ok(after) => Ok(to(if after.new_email.is_some() { "/profile?done=mail" } else { "/profile?done=saved" })),
        Err(error) => guarded_again(&member, form, &error, "password_for_email").await,
    }
}

/// The same for a form that asks for the password of now in this field.
async fn guarded_again(member: &Member, mut form: Form, error: &Error, field: &str) -> Shown {
    if error.code() != "invalid_credentials" {
        return again(member, form, error).await;
    }
    form.wrong(field, "This is not your password.");
    Ok(show_again(&profile_page(member, Some(form)).await?))
}

async fn end_session(member: Member, Path(id): Path<String>) -> Shown {
    let (user, id) = (member.me.user.id, SessionId(id.parse().map_err(|_| Refused::NotFound)?));
    member.app.dispatcher.system(move |cx| session::end_own(cx, user, id)).await?;
    member.app.dispatcher.news.ring(user);
    Ok(to("/profile?done=revoked"))
}

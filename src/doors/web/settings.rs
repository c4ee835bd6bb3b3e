//! What a member sets for himself: profile, password, address, sessions, second factor, API keys, referrals.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::routing::{get, post};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::ids::SessionId;
use crate::base::{Error, Span};
use crate::doors::App;
use crate::doors::auth::{factors as second_factors, gate};
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::mine::cursor;
use crate::doors::web::pieces::{self, Field, Qr};
use crate::doors::web::refused::{Refused, to};
use crate::doors::web::shown::{Key, List, Profile, Referrals};
use crate::doors::web::tasks::Confirm;
use crate::doors::web::visitor::{Member, Visitor};
use crate::doors::web::{Shown, cookies, sign_in};
use crate::users::people::account::Change;
use crate::users::people::factors;
use crate::users::session::{self, OpenSession};

/// A second factor counts as fresh for so long.
const FRESH: Span = Span::minutes(15);

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/profile", get(profile).post(profile_saved))
        .route("/profile/password", post(password))
        .route("/profile/email", post(email))
        .route("/profile/sessions/{id}/end", post(end_session))
        .route("/profile/second-factor", get(second_factor).post(enroll))
        .route("/profile/second-factor/{id}/verify", post(verify))
        .route("/profile/second-factor/{id}/remove", post(remove))
        .route("/step-up", get(step_up).post(stepped_up))
        .route("/keys", get(keys).post(key_made))
        .route("/keys/{id}/rotate", get(rotate).post(rotated))
        .route("/keys/{id}/revoke", get(revoke).post(revoked))
        .route("/referrals", get(referrals))
}

/// Where a second factor is set up, what moves money away needs one that was shown lately.
pub(super) fn needs_fresh_second_factor(member: &Member) -> Result<(), Refused> {
    let has_one = member.me.factors.iter().any(|factor| factor.verified_at.is_some());
    let shown = ["totp", "recovery_code"].iter().filter_map(|method| member.me.signed_in_by(method)).max();
    if !has_one || shown.is_some_and(|at| member.now < at.plus(FRESH)) {
        return Ok(());
    }
    let next: String = url::form_urlencoded::byte_serialize(member.path_and_query().as_bytes()).collect();
    Err(Refused::Elsewhere(format!("/step-up?next={next}")))
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
    let form = form.unwrap_or_else(|| {
        let mut form = Form::default();
        form.set("display_name", known.display_name.clone());
        form.set("username", known.username.clone());
        form.set("bio", known.bio.clone());
        form.set("capabilities", known.capabilities.join(", "));
        form.set("max_hourly_spend_usd", known.max_hourly_spend_usd.map(|cap| cap.to_string()).unwrap_or_default());
        form
    });
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

async fn password(member: Member, mut form: Form) -> Shown {
    needs_fresh_second_factor(&member)?;
    if let Err(error) = gate::check_password(&member.app, &member.me, form.raw("current_password")).await {
        if error.code() != "invalid_credentials" {
            return Err(error.into());
        }
        form.wrong("current_password", "This is not your password.");
        return Ok(show_again(&profile_page(&member, Some(form)).await?));
    }
    match gate::change_account(&member.app, &member.me, Some(form.raw("password")), Change::default()).await {
        Ok(_) => Ok(to("/profile?done=password")),
        Err(error) => again(&member, form, &error).await,
    }
}

async fn email(member: Member, mut form: Form) -> Shown {
    needs_fresh_second_factor(&member)?;
    if let Err(error) = gate::check_password(&member.app, &member.me, form.raw("password_for_email")).await {
        if error.code() != "invalid_credentials" {
            return Err(error.into());
        }
        form.wrong("password_for_email", "This is not your password.");
        return Ok(show_again(&profile_page(&member, Some(form)).await?));
    }
    let change = Change { email: Some(form.get("email").to_owned()), ..Change::default() };
    match gate::change_account(&member.app, &member.me, None, change).await {
        Ok(after) => Ok(to(if after.new_email.is_some() { "/profile?done=mail" } else { "/profile?done=saved" })),
        Err(error) => again(&member, form, &error).await,
    }
}

async fn end_session(member: Member, Path(id): Path<String>) -> Shown {
    let (user, id) = (member.me.user.id, SessionId(id.parse().map_err(|_| Refused::NotFound)?));
    member.app.dispatcher.system(move |cx| session::end_own(cx, user, id)).await?;
    Ok(to("/profile?done=revoked"))
}

#[derive(Template)]
#[template(path = "web/second_factor.html")]
struct SecondFactor {
    chrome: Chrome,
    form: Form,
    factors: Vec<(Uuid, String, crate::base::Ts)>,
    fresh: Option<(Uuid, String, Qr)>,
    challenge: String,
    codes: Vec<String>,
    is_required: bool,
}

fn second_factor_page(visitor: &Visitor, form: Form) -> SecondFactor {
    let known = visitor.signed_in.as_ref().map(|me| me.factors.clone()).unwrap_or_default();
    let factors = known.into_iter().filter_map(|one| Some((one.id, one.friendly_name, one.verified_at?))).collect();
    let is_admin = visitor.signed_in.as_ref().is_some_and(|me| me.user.is_admin);
    SecondFactor {
        chrome: Chrome::new(visitor, "profile", "Second factor"),
        form,
        factors,
        fresh: None,
        challenge: String::new(),
        codes: Vec::new(),
        is_required: is_admin && visitor.app.dispatcher.config.admins_need_second_factor(),
    }
}

async fn second_factor(member: Member) -> Shown {
    Ok(show(&second_factor_page(&member, Form::default())))
}

async fn enroll(member: Member, form: Form) -> Shown {
    needs_fresh_second_factor(&member)?;
    let name: String = form.get("name").chars().filter(|c| !c.is_control()).take(60).collect();
    let made = match second_factors::enroll(&member.app, &member.me, &name).await {
        Ok(made) => made,
        Err(error) if error.status() == 422 => {
            let mut form = form;
            form.problem = error.detail().to_owned();
            return Ok(show_again(&second_factor_page(&member, form)));
        }
        Err(error) => return Err(error.into()),
    };
    let user = member.me.user.id;
    let (challenge, _) = member.app.dispatcher.system(move |cx| factors::challenge(cx, user, made.id)).await?;
    let mut page = second_factor_page(&member, form);
    page.fresh = Some((made.id, made.secret, Qr::drawn(made.qr_code)));
    page.challenge = challenge.to_string();
    Ok(show(&page))
}

async fn verify(member: Member, Path(id): Path<String>, mut form: Form) -> Shown {
    let (factor, challenge) = (id.parse().map_err(|_| Refused::NotFound)?, form.get("challenge").parse().map_err(|_| Refused::NotFound)?);
    let (value, hash) = cookies::fresh(&mut member.app.dispatcher.entropy().fork());
    match second_factors::show(&member.app, &member.me, (factor, challenge, form.get("code").to_owned()), Some(hash)).await {
        Ok((after, codes)) => {
            let mut visitor = member.visitor.clone();
            visitor.signed_in = Some(after);
            let mut page = second_factor_page(&visitor, form);
            page.codes = codes;
            let mut response = show(&page);
            if let Ok(line) = HeaderValue::from_str(&cookies::give_session(&member.app, &value)) {
                response.headers_mut().insert(SET_COOKIE, line);
            }
            Ok(response)
        }
        Err(error) if error.status() == 422 => {
            form.refuse(&error);
            form.problem = "The code was not right. Begin again, with a fresh code.".into();
            Ok(show_again(&second_factor_page(&member, form)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn remove(member: Member, Path(id): Path<String>) -> Shown {
    needs_fresh_second_factor(&member)?;
    let (me, id): (_, Uuid) = (member.me.clone(), id.parse().map_err(|_| Refused::NotFound)?);
    member.app.dispatcher.system(move |cx| factors::unenroll(cx, &me, id)).await?;
    Ok(to("/profile/second-factor?done=revoked"))
}

fn step_up_page(member: &Member, form: Form) -> Confirm {
    let next = if form.get("next").is_empty() { member.query("next") } else { form.get("next").to_owned() };
    Confirm {
        chrome: Chrome::new(member, "", "Your second factor, once more"),
        lines: vec!["What comes next needs a code that is not older than 15 minutes.".into()],
        fields: vec![form.field("code", "Code", "text").autocomplete("one-time-code").keys("numeric").first()],
        form,
        hidden: vec![("next".into(), next)],
        button: "Go on",
        is_danger: false,
        back: "/dashboard".into(),
    }
}

async fn step_up(member: Member) -> Shown {
    Ok(show(&step_up_page(&member, Form::default())))
}

async fn stepped_up(member: Member, mut form: Form) -> Shown {
    let (value, hash) = cookies::fresh(&mut member.app.dispatcher.entropy().fork());
    match sign_in::show_second(&member.app, &member.me, form.get("code"), hash).await {
        Ok(()) => {
            let mut response = to(&sign_in::local(form.get("next")));
            if let Ok(line) = HeaderValue::from_str(&cookies::give_session(&member.app, &value)) {
                response.headers_mut().insert(SET_COOKIE, line);
            }
            Ok(response)
        }
        Err(error) if error.status() == 422 => {
            form.refuse(&error);
            Ok(show_again(&step_up_page(&member, form)))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "web/keys.html")]
struct Keys {
    chrome: Chrome,
    form: Form,
    keys: Vec<Key>,
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
    Ok(Keys { chrome: Chrome::new(member, "keys", "API keys"), form, keys: keys.items, made })
}

async fn keys(member: Member) -> Shown {
    Ok(show(&keys_page(&member, Form::default(), None).await?))
}

async fn key_made(member: Member, mut form: Form) -> Shown {
    needs_fresh_second_factor(&member)?;
    let mut input = form.texts(&["name"]);
    input.insert("scopes".into(), form.all("scopes").into());
    if form.all("scopes").is_empty() {
        form.problem = "Choose at least one thing that the key may do.".into();
        return Ok(show_again(&keys_page(&member, form, None).await?));
    }
    match member.ask::<Value>("create_api_key", Value::Object(input)).await {
        Ok(made) => Ok(show(&keys_page(&member, Form::default(), made["api_key"].as_str().map(str::to_owned)).await?)),
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
    needs_fresh_second_factor(&member)?;
    let made: Value = member.ask("rotate_api_key", json!({ "key_id": id })).await?;
    Ok(show(&keys_page(&member, Form::default(), made["api_key"].as_str().map(str::to_owned)).await?))
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

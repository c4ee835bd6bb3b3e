//! The second factor of a member: set up, shown, shown once more before money moves, taken away.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use uuid::Uuid;

use crate::base::{Error, Result};
use crate::doors::App;
use crate::doors::auth::factors::{self as second_factors, NewFactor};
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::pieces::{self, Qr};
use crate::doors::web::refused::{Refused, to};
use crate::doors::web::tasks::Confirm;
use crate::doors::web::visitor::{Member, Visitor};
use crate::doors::web::{Shown, cookies, sign_in};
use crate::users;
use crate::users::people::factors;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/profile/second-factor", get(second_factor).post(enroll))
        .route("/profile/second-factor/keys", post(lock_keys))
        .route("/profile/second-factor/{id}/verify", post(verify))
        .route("/profile/second-factor/{id}/remove", post(remove))
        .route("/step-up", get(step_up).post(stepped_up))
}

/// Before a form is shown whose sending needs a code: so nothing that was typed is lost on the way. What was sent is
/// judged by whoever does it.
pub(super) fn needs_fresh_second_factor(member: &Member) -> Result<(), Refused> {
    if member.me.lacks_fresh_second_factor(member.now) { Err(step_up_before(&member.path_and_query())) } else { Ok(()) }
}

/// Whether a member was refused because he has to show his code once more.
pub(super) fn asks_for_a_code(member: &Member, error: &Error) -> bool {
    error.code() == "second_factor_required" && member.me.has_second_factor()
}

/// To the page that asks for a code, and from there to `next`.
pub(super) fn step_up_before(next: &str) -> Refused {
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Refused::Elsewhere(format!("/step-up?next={next}"))
}

fn refused(member: &Member, error: Error) -> Refused {
    if asks_for_a_code(member, &error) { step_up_before("/profile/second-factor") } else { error.into() }
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
    keys_are_locked: bool,
}

async fn second_factor_page(visitor: &Visitor, form: Form) -> Result<SecondFactor> {
    let known = visitor.signed_in.as_ref().map(|me| me.factors.clone()).unwrap_or_default();
    let factors = known.into_iter().filter_map(|one| Some((one.id, one.friendly_name, one.verified_at?))).collect();
    let is_admin = visitor.signed_in.as_ref().is_some_and(|me| me.user.is_admin);
    let keys_are_locked = match visitor.signed_in.as_ref().map(|me| me.user.id) {
        Some(user) => visitor.app.dispatcher.look(move |cx| users::second_factor::keys_are_locked(cx, user)).await?,
        None => false,
    };
    Ok(SecondFactor {
        chrome: Chrome::new(visitor, "profile", "Second factor"),
        form,
        factors,
        fresh: None,
        challenge: String::new(),
        codes: Vec::new(),
        is_required: is_admin && visitor.app.dispatcher.config.admins_need_second_factor(),
        keys_are_locked,
    })
}

async fn second_factor(member: Member) -> Shown {
    Ok(show(&second_factor_page(&member, Form::default()).await?))
}

async fn enroll(member: Member, form: Form) -> Shown {
    let name: String = form.get("name").chars().filter(|c| !c.is_control()).take(60).collect();
    let made = match second_factors::enroll(&member.app, &member.me, &name).await {
        Ok(made) => made,
        Err(error) if error.status() == 422 => {
            let mut form = form;
            error.detail().clone_into(&mut form.problem);
            return Ok(show_again(&second_factor_page(&member, form).await?));
        }
        Err(error) => return Err(refused(&member, error)),
    };
    Ok(show(&begun_page(&member, form, made).await?))
}

/// With the secret of a factor whose first code is asked for.
async fn begun_page(member: &Member, form: Form, made: NewFactor) -> Result<SecondFactor> {
    let (challenge, _) = second_factors::challenge(&member.app, &member.me, made.id).await?;
    let mut page = second_factor_page(member, form).await?;
    page.fresh = Some((made.id, made.secret, Qr::drawn(made.qr_code)));
    page.challenge = challenge.to_string();
    Ok(page)
}

async fn verify(member: Member, Path(id): Path<String>, mut form: Form) -> Shown {
    let (factor, challenge) = (id.parse().map_err(|_| Refused::NotFound)?, form.get("challenge").parse().map_err(|_| Refused::NotFound)?);
    let (value, hash) = cookies::fresh(&mut member.app.dispatcher.entropy().fork());
    match second_factors::show(&member.app, &member.me, (factor, challenge, form.get("code").to_owned()), Some(hash)).await {
        Ok((after, codes)) => {
            let mut visitor = member.visitor.clone();
            visitor.signed_in = Some(after);
            let mut page = second_factor_page(&visitor, form).await?;
            page.codes = codes;
            Ok(sign_in::with_cookie(show(&page), &cookies::give_session(&member.app, &value)))
        }
        Err(error) if error.status() == 422 => {
            // The app has the secret already: the next code is tried on the same page.
            form.refuse(&error);
            form.set("code", "");
            let made = second_factors::once_more(&member.app, &member.me, factor)?;
            Ok(show_again(&begun_page(&member, form, made).await?))
        }
        Err(error) => Err(error.into()),
    }
}

async fn remove(member: Member, Path(id): Path<String>) -> Shown {
    let (session, id): (_, Uuid) = (member.me.session_id, id.parse().map_err(|_| Refused::NotFound)?);
    let removed = member.app.dispatcher.system(move |cx| factors::unenroll(cx, session, id)).await;
    removed.map_err(|error| refused(&member, error))?;
    Ok(to("/profile/second-factor?done=revoked"))
}

async fn lock_keys(member: Member, form: Form) -> Shown {
    let (session, locked) = (member.me.session_id, form.get("locked") == "yes");
    let done = member.app.dispatcher.system(move |cx| users::second_factor::lock_keys(cx, session, locked)).await;
    done.map_err(|error| refused(&member, error))?;
    Ok(to("/profile/second-factor?done=saved"))
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
    match second_factors::show_any(&member.app, &member.me, form.get("code"), hash).await {
        Ok(()) => Ok(sign_in::give(&member, &value, &sign_in::local(form.get("next")))),
        Err(error) if error.status() == 422 => {
            form.refuse(&error);
            Ok(show_again(&step_up_page(&member, form)))
        }
        Err(error) => Err(error.into()),
    }
}

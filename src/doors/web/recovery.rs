//! A forgotten password: a mail, its link, another password. Who has a second factor gives a code before he chooses one:
//! a wrong code costs nothing that was typed.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::base::Error;
use crate::doors::App;
use crate::doors::auth::{factors, gate};
use crate::doors::web::chrome::{show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::refused::{self, to};
use crate::doors::web::second_factor::{asks_for_a_code, step_up_before};
use crate::doors::web::sign_in::{Entry, after_sign_in, code_field, entry, form_again, give, mail_sent, stale, use_token, with_cookie};
use crate::doors::web::visitor::{Member, Visitor};
use crate::doors::web::{Shown, cookies};
use crate::users::people::account::{self, Change};
use crate::users::people::email;
use crate::users::people::one_time::Purpose;
use crate::users::{UserRefusal, password};

/// Where those choose a password who have given a code.
const AFTER_THE_CODE: &str = "/new-password";

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/recover", get(recover).post(recovery_asked))
        .route("/recover/{token}", get(opened).post(used))
        .route(AFTER_THE_CODE, get(choose).post(chosen))
}

fn recover_page(visitor: &Visitor, form: Form) -> Entry {
    let fields = vec![form.field("email", "E-mail address", "email").autocomplete("username").first()];
    let mut page = entry(visitor, "Forgot your password?", form, fields, "Send me a link");
    page.intro = "A mail with a link to a new password goes to the address of your account.".into();
    page.links = vec![("Back to sign in", "/login".into())];
    page
}

async fn recover(visitor: Visitor) -> Response {
    show(&recover_page(&visitor, Form::default()))
}

async fn recovery_asked(visitor: Visitor, mut form: Form) -> Shown {
    let sent = match email::normalized(form.get("email")) {
        Ok(address) => gate::send_mail(&visitor.app, visitor.address, &address, Purpose::Recovery).await,
        Err(error) => Err(error),
    };
    match sent {
        Ok(()) => Ok(mail_sent()),
        Err(error) => form_again(error, &mut form, |form| show_again(&recover_page(&visitor, form))),
    }
}

fn password_page(visitor: &Visitor, form: Form) -> Entry {
    let fields =
        vec![form.field("password", "New password", "password").autocomplete("new-password").first().hint("At least 10 characters.")];
    entry(visitor, "Choose a new password", form, fields, "Save it and sign in")
}

fn code_page(visitor: &Visitor, form: Form) -> Entry {
    let fields = vec![code_field(&form)];
    let mut page = entry(visitor, "First your second factor", form, fields, "Go on");
    page.intro = "This account has a second factor. Give one of its codes, then you choose a new password.".into();
    page.links = vec![("Back to sign in", "/login".into())];
    page
}

/// Only looks: the link stays good until something is sent.
async fn opened(visitor: Visitor, Path(token): Path<String>) -> Shown {
    let known = visitor.app.dispatcher.look(move |cx| account::needs_code(cx, &token)).await?;
    // The link of somebody who gave a wrong code is used up, and he is the visitor.
    let waits = || visitor.signed_in.as_ref().is_some_and(|me| account::is_recovering(me, visitor.now) && me.lacks_second_factor());
    let page = if known.unwrap_or_else(waits) { code_page } else { password_page };
    Ok(show(&page(&visitor, Form::default())))
}

async fn used(visitor: Visitor, Path(token): Path<String>, mut form: Form) -> Shown {
    if form.has("code") {
        return code_given(visitor, token, form).await;
    }
    if let Err(error) = password::check_strength(form.raw("password"), "") {
        return form_again(error, &mut form, |form| show_again(&password_page(&visitor, form)));
    }
    gate::knock(&visitor.app, visitor.address)?;
    let Some((me, cookie)) = use_token(&visitor, token, &[Purpose::Recovery]).await? else { return Ok(stale()) };
    match gate::change_account(&visitor.app, &me, None, Some(form.raw("password")), Change::default()).await {
        Ok(_) => Ok(give(&visitor, &cookie, "/dashboard?done=password")),
        // The old password again: it is known now, so there is nothing to change.
        Err(error) if error.code() == "same_password" => Ok(give(&visitor, &cookie, "/dashboard")),
        // The link is used up: from here on it is the cookie that lets him try once more, if a factor was set up in the
        // meantime by way of its code.
        Err(error) => Ok(give(&visitor, &cookie, &after_sign_in(&me, &chosen_again(error.code())))),
    }
}

/// Where another password is chosen, with the reason that the first one was not taken.
fn chosen_again(why: &str) -> String {
    if why == "second_factor_required" { AFTER_THE_CODE.to_owned() } else { format!("{AFTER_THE_CODE}?refused={why}") }
}

async fn code_given(visitor: Visitor, token: String, mut form: Form) -> Shown {
    if form.get("code").is_empty() {
        form.wrong("code", "Fill this in.");
        return Ok(show_again(&code_page(&visitor, form)));
    }
    gate::knock(&visitor.app, visitor.address)?;
    let (me, begun) = match use_token(&visitor, token, &[Purpose::Recovery]).await? {
        Some((me, cookie)) => (me, Some(cookie)),
        None => match visitor.signed_in.clone().filter(|me| account::is_recovering(me, visitor.now)) {
            Some(me) => (me, None),
            None => return Ok(stale()),
        },
    };
    let (value, hash) = cookies::fresh(&mut visitor.app.dispatcher.entropy().fork());
    let Err(error) = factors::show_any(&visitor.app, &me, form.get("code"), hash).await else {
        return Ok(give(&visitor, &value, AFTER_THE_CODE));
    };
    let again = form_again(error, &mut form, |form| show_again(&code_page(&visitor, form)));
    let again = again.unwrap_or_else(IntoResponse::into_response);
    // The link is used up: from here on it is the cookie that lets him try once more.
    Ok(match begun {
        Some(cookie) => with_cookie(again, &cookies::give_session(&visitor.app, &cookie)),
        None => again,
    })
}

async fn choose(member: Member) -> Response {
    if !account::is_recovering(&member.me, member.now) {
        return too_late();
    }
    let mut form = Form::default();
    match member.query("refused").as_str() {
        "" => {}
        "weak_password" => form.refuse(&weak_password()),
        _ => form.problem = "That did not work. Nothing was changed: choose the password once more.".into(),
    }
    show(&password_page(&member, form))
}

fn weak_password() -> Error {
    UserRefusal::WeakPassword { min: password::LENGTH_MIN, max: password::LENGTH_MAX }.into()
}

async fn chosen(member: Member, mut form: Form) -> Shown {
    match gate::change_account(&member.app, &member.me, None, Some(form.raw("password")), Change::default()).await {
        Ok(_) => Ok(to("/dashboard?done=password")),
        Err(error) if error.code() == "same_password" => Ok(to("/dashboard")),
        Err(error) if error.code() == "current_password_required" => Ok(too_late()),
        Err(error) if asks_for_a_code(&member, &error) => Err(step_up_before(AFTER_THE_CODE)),
        Err(error) => form_again(error, &mut form, |form| show_again(&password_page(&member, form))),
    }
}

fn too_late() -> Response {
    refused::page(
        403,
        "This took too long",
        "A link lets you choose a new password for 15 minutes after you opened it. Ask for another one on the sign-in page.".into(),
    )
}

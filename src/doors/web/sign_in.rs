//! Signing up, in and out, and what the links in mails lead to ([`super::recovery`] has those to a new password). A link is
//! used up by a click on its page, never by opening it: programs that read mails open links.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use axum::routing::{get, post};

use crate::base::{Context, Error, Result};
use crate::doors::App;
use crate::doors::auth::{factors as second_factors, gate};
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::pieces::{self, Field};
use crate::doors::web::refused::{self, Refused, to};
use crate::doors::web::tasks::Confirm;
use crate::doors::web::visitor::Visitor;
use crate::doors::web::{Shown, cookies};
use crate::users::people::account;
use crate::users::people::one_time::Purpose;
use crate::users::people::sign_up::SignUp;
use crate::users::referral_code;
use crate::users::session::{self, Client, SignOut, SignedIn};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/login", get(login).post(logged_in))
        .route("/sign-in", get(async || to("/login")))
        .route("/signup", get(signup).post(signed_up))
        .route("/sign-up", get(async || to("/signup")))
        .route("/login/2fa", get(second).post(second_shown))
        .route("/logout", post(logout))
        .route("/confirm/{token}", get(confirm).post(confirmed))
}

/// Where to go next, if it is on this site.
pub(super) fn local(next: &str) -> String {
    let fine = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t'])
        && next.len() < 1_000
        && next.is_ascii();
    if fine { next.to_owned() } else { "/dashboard".to_owned() }
}

#[derive(Template)]
#[template(path = "web/entry.html")]
pub(super) struct Entry {
    chrome: Chrome,
    form: Form,
    pub(super) intro: String,
    fields: Vec<Field>,
    button: &'static str,
    next: String,
    pub(super) links: Vec<(&'static str, String)>,
    note: String,
}

pub(super) fn entry(visitor: &Visitor, title: &str, form: Form, fields: Vec<Field>, button: &'static str) -> Entry {
    let next = if form.get("next").is_empty() { visitor.query("next") } else { form.get("next").to_owned() };
    let links = Vec::new();
    Entry { chrome: Chrome::new(visitor, "", title), form, intro: String::new(), fields, button, next, links, note: String::new() }
}

/// A session in the browser. Every sign-in makes another cookie, so one that was planted before is worth nothing.
fn client(visitor: &Visitor) -> (Client, String) {
    let (value, hash) = cookies::fresh(&mut visitor.app.dispatcher.entropy().fork());
    (gate::client(visitor.address, &visitor.headers, Some(hash)), value)
}

pub(super) fn give(visitor: &Visitor, value: &str, next: &str) -> Response {
    with_cookie(to(next), &cookies::give_session(&visitor.app, value))
}

pub(super) fn with_cookie(mut response: Response, line: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(line) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
}

/// Ends the session that the browser had before, if it had one.
async fn end_earlier(visitor: &Visitor) -> Result<()> {
    let Some(earlier) = &visitor.signed_in else { return Ok(()) };
    gate::sign_out(&visitor.app, earlier.session_id, earlier.user.id, SignOut::Local).await
}

fn login_page(visitor: &Visitor, form: Form) -> Entry {
    let fields = vec![
        form.field("email", "E-mail address", "email").autocomplete("username").first(),
        form.field("password", "Password", "password").autocomplete("current-password"),
    ];
    let mut page = entry(visitor, "Sign in", form, fields, "Sign in");
    page.links = vec![("Forgot your password?", "/recover".into()), ("No account yet? Join", "/signup".into())];
    page
}

async fn login(visitor: Visitor) -> Response {
    if visitor.signed_in.as_ref().is_some_and(|me| !me.lacks_second_factor()) {
        return to(&local(&visitor.query("next")));
    }
    show(&login_page(&visitor, Form::default()))
}

async fn logged_in(visitor: Visitor, mut form: Form) -> Shown {
    let (client, cookie) = client(&visitor);
    let attempt = async {
        gate::knock(&visitor.app, visitor.address)?;
        gate::sign_in(&visitor.app, client, form.get("email"), form.raw("password")).await
    };
    match attempt.await {
        Ok(signed_in) => {
            end_earlier(&visitor).await?;
            Ok(give(&visitor, &cookie, &after_sign_in(&signed_in, form.get("next"))))
        }
        Err(error) => form_again(error, &mut form, |form| show_again(&login_page(&visitor, form))),
    }
}

/// What was typed stays, what is wrong stands beside it. What is nobody's fault is a page of its own.
pub(super) fn form_again(error: Error, form: &mut Form, page: impl FnOnce(Form) -> Response) -> Shown {
    if error.status() >= 429 {
        return Err(Refused::Error(error));
    }
    form.refuse(&error);
    Ok(page(std::mem::take(form)))
}

pub(super) fn after_sign_in(signed_in: &SignedIn, next: &str) -> String {
    if signed_in.lacks_second_factor() {
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        return format!("/login/2fa?next={next}");
    }
    local(next)
}

fn signup_page(visitor: &Visitor, form: Form) -> Entry {
    let fields = vec![
        form.field("name", "Name that others see", "text").autocomplete("nickname").optional().first(),
        form.field("email", "E-mail address", "email").autocomplete("username"),
        form.field("password", "Password", "password")
            .autocomplete("new-password")
            .hint("At least 10 characters. A few words are better than signs."),
        form.field("referral_code", "Referral code", "text").optional(),
    ];
    let mut page = entry(visitor, "Join", form, fields, "Create my account");
    page.intro = "One account to post tasks, to work, and to be paid in USDT.".into();
    page.links = vec![("Have an account? Sign in", "/login".into()), ("Joining with a bot? One call gets it a key", "/docs/bots".into())];
    page.note = "By joining you accept the rules of this marketplace.".into();
    page
}

async fn signup(visitor: Visitor) -> Response {
    let mut form = Form::default();
    let asked = visitor.query("referral_code");
    let code = if asked.is_empty() { cookies::read(&visitor.headers, "rr_ref").unwrap_or_default().to_owned() } else { asked };
    if referral_code::is_well_formed(&code) {
        form.set("referral_code", code);
    }
    show(&signup_page(&visitor, form))
}

async fn signed_up(visitor: Visitor, mut form: Form) -> Shown {
    let code = Some(form.get("referral_code").to_owned()).filter(|code| !code.is_empty());
    let new = SignUp {
        email: form.get("email").to_owned(),
        hash: String::new(),
        name: form.get("name").to_owned(),
        referral_code: code,
        metadata: serde_json::Map::new(),
    };
    let config = &visitor.app.dispatcher.config;
    let pending = config.auth.confirm_email && config.mail.sends(config.installation.network);
    match gate::sign_up(&visitor.app, visitor.address, new, form.raw("password")).await {
        Ok(made) if made.confirmed => {
            let (client, cookie) = client(&visitor);
            let begin = move |cx: &mut Context<'_, '_>| session::begin(cx, made.user_id, "password", &client);
            visitor.app.dispatcher.system(begin).await?;
            end_earlier(&visitor).await?;
            Ok(give(&visitor, &cookie, &local(form.get("next"))))
        }
        // The same page for an address that is taken: nobody learns who is here.
        Ok(_) => Ok(mail_sent()),
        Err(error) if error.code() == "email_taken" && pending => Ok(mail_sent()),
        Err(error) => form_again(error, &mut form, |form| show_again(&signup_page(&visitor, form))),
    }
}

pub(super) fn mail_sent() -> Response {
    refused::page(
        200,
        "Look into your mail",
        "If there is something to do with this address, a mail with a link is on its way. The link works once, for a while.".into(),
    )
}

pub(super) fn code_field(form: &Form) -> Field {
    let field = form.field("code", "Code", "text").autocomplete("one-time-code").keys("numeric");
    field.first().hint("Six digits from your app, or one of your recovery codes.")
}

fn second_page(visitor: &Visitor, form: Form) -> Entry {
    let fields = vec![code_field(&form)];
    let mut page = entry(visitor, "Your second factor", form, fields, "Go on");
    page.intro = "Open your authenticator app and type the code it shows for roborent.".into();
    page.links = vec![("Sign in as somebody else", "/login".into())];
    page
}

async fn second(visitor: Visitor) -> Response {
    match &visitor.signed_in {
        Some(me) if me.lacks_second_factor() => show(&second_page(&visitor, Form::default())),
        Some(_) => to(&local(&visitor.query("next"))),
        None => to("/login"),
    }
}

async fn second_shown(visitor: Visitor, mut form: Form) -> Shown {
    let Some(me) = visitor.signed_in.clone() else { return Ok(to("/login")) };
    let (value, hash) = cookies::fresh(&mut visitor.app.dispatcher.entropy().fork());
    match second_factors::show_any(&visitor.app, &me, form.get("code"), hash).await {
        Ok(()) => Ok(give(&visitor, &value, &local(form.get("next")))),
        Err(error) => form_again(error, &mut form, |form| show_again(&second_page(&visitor, form))),
    }
}

async fn logout(visitor: Visitor) -> Shown {
    end_earlier(&visitor).await?;
    let mut response = with_cookie(to("/?done=signed-out"), &cookies::take_session(&visitor.app));
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\""));
    Ok(response)
}

/// Uses up the token of a mail that lets in: who has it is signed in, under the cookie that is answered.
pub(super) async fn use_token(visitor: &Visitor, token: String, purposes: &'static [Purpose]) -> Result<Option<(SignedIn, String)>> {
    let (client, cookie) = client(visitor);
    let used = visitor.app.dispatcher.system(move |cx| account::verify(cx, &token, purposes, None, &client)).await?;
    let Some(signed_in) = used else { return Ok(None) };
    end_earlier(visitor).await?;
    Ok(Some((signed_in, cookie)))
}

pub(super) fn stale() -> Response {
    refused::page(403, "This link works no more", "It was used already, or it is too old. Ask for another one on the sign-in page.".into())
}

async fn confirm(visitor: Visitor) -> Response {
    show(&Confirm {
        chrome: Chrome::new(&visitor, "", "Confirm your address"),
        lines: vec!["One click, and it is done.".into()],
        fields: Vec::new(),
        form: Form::default(),
        hidden: Vec::new(),
        button: "Confirm",
        is_danger: false,
        back: "/".into(),
    })
}

async fn confirmed(visitor: Visitor, Path(token): Path<String>) -> Shown {
    gate::knock(&visitor.app, visitor.address)?;
    // A new address lets nobody in: who is in stays so.
    let of_address = token.clone();
    if visitor.app.dispatcher.system(move |cx| account::confirm_address(cx, &of_address, None)).await?.is_some() {
        return Ok(to(if visitor.signed_in.is_some() { "/dashboard?done=confirmed" } else { "/login?done=confirmed" }));
    }
    match use_token(&visitor, token, &[Purpose::SignUp, Purpose::MagicLink]).await? {
        Some((signed_in, cookie)) => Ok(give(&visitor, &cookie, &after_sign_in(&signed_in, "/dashboard?done=confirmed"))),
        None => Ok(stale()),
    }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn only_addresses_of_this_site_come_next() {
        for next in ["", "//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: b"] {
            assert_eq!(local(next), "/dashboard", "{next}");
        }
        assert_eq!(local("/tasks?q=1"), "/tasks?q=1");
    }
}

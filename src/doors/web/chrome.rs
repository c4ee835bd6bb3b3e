//! What stands around every page: name, navigation, balance, the banner of the sandbox, the theme.

use askama::Template;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::{IntoResponse as _, Response as AnyResponse};

use crate::base::error::internal;
use crate::base::{Ts, Usdt};
use crate::doors::web::refused::Refused;
use crate::doors::web::visitor::Visitor;
use crate::doors::web::{assets, cookies};

/// What the layout draws.
pub struct Chrome {
    /// Above the page and in the tab.
    pub title: String,
    /// Which entry of the navigation this is.
    pub here: &'static str,
    /// Who has signed in; empty = nobody.
    pub name: String,
    /// Shows the way to the admin panel.
    pub is_admin: bool,
    /// May only read.
    pub is_suspended: bool,
    /// What they may spend.
    pub available: Usdt,
    /// The number of their newest event.
    pub last_event: i64,
    /// `light`, `dark`, or nothing for what the system says.
    pub theme: &'static str,
    /// Play money, a clock that moves.
    pub sandbox: bool,
    /// The clock of the server.
    pub now: Ts,
    /// As users see this server.
    pub site: String,
    /// The page, to come back to.
    pub path: String,
    /// Something that was just done, in a line.
    pub notice: String,
    /// The addresses of the style and the script, which change with their content.
    pub style: &'static str,
    /// See above.
    pub script: &'static str,
}

impl Chrome {
    /// Around a page with this title.
    pub fn new(visitor: &Visitor, here: &'static str, title: impl Into<String>) -> Self {
        let user = visitor.signed_in.as_ref().filter(|me| !me.lacks_second_factor()).map(|me| &me.user);
        let theme = match cookies::read(&visitor.headers, "theme") {
            Some("dark") => "dark",
            Some("light") => "light",
            _ => "",
        };
        Self {
            title: title.into(),
            here,
            name: user.map_or_else(String::new, |user| user.public_name().to_owned()),
            is_admin: user.is_some_and(|user| user.is_admin),
            is_suspended: user.is_some_and(|user| user.status == crate::users::user::Status::Suspended),
            available: visitor.available,
            last_event: visitor.last_event,
            theme,
            sandbox: visitor.app.dispatcher.config.installation.network.is_sandbox(),
            now: visitor.now,
            site: visitor.app.public_url.clone(),
            path: visitor.page(),
            notice: notice(&visitor.query("done")).to_owned(),
            style: assets::style(),
            script: assets::script(),
        }
    }

    /// Whether somebody has signed in.
    pub fn is_member(&self) -> bool {
        !self.name.is_empty()
    }

    /// The clock as the banner shows it.
    pub fn clock(&self) -> String {
        let text = self.now.to_string();
        text.get(..16).unwrap_or(&text).replace('T', " ")
    }
}

/// What was just done. The address names it, so that a reload shows nothing that did not happen.
fn notice(done: &str) -> &'static str {
    match done {
        "accepted" => "The slot is yours. Hand in your proof before the deadline.",
        "submitted" => "Your proof is in review.",
        "cancelled" => "You gave the slot back.",
        "approved" => "Approved. The worker was paid.",
        "rejected" => "Rejected. The worker may dispute it within 72 hours.",
        "changes" => "You asked for changes.",
        "tipped" => "Your tip was sent.",
        "rated" => "Thank you for the rating.",
        "disputed" => "The dispute is open. An admin decides.",
        "evidence" => "Added to the dispute.",
        "published" => "Your task is published. Its rewards are in escrow.",
        "closed" => "The task takes no more workers. Free slots were refunded.",
        "extended" => "The task was extended.",
        "reported" => "Thank you. An admin looks at it.",
        "saved" => "Saved.",
        "revoked" => "Revoked.",
        "password" => "Your password was changed, and every other session was ended.",
        "mail" => "Open the link in the mail that was sent to you.",
        "confirmed" => "Your address is confirmed.",
        "decided" => "Decided, and written into the audit log.",
        "sent" => "It is on its way.",
        "signed-out" => "You have signed out.",
        "faucet" => "Play money has arrived: 100 USDT, by a transfer on the chain of the sandbox.",
        "withdrawal-cancelled" => "The withdrawal was taken back. The money is available again.",
        _ => "",
    }
}

/// A page, as an answer. Pages are made for whoever asks, so nobody keeps them.
pub fn show(page: &impl Template) -> AnyResponse {
    with_status(page, 200)
}

/// A form that was refused: the same page with what is wrong.
pub fn show_again(page: &impl Template) -> AnyResponse {
    with_status(page, 422)
}

fn with_status(page: &impl Template, status: u16) -> AnyResponse {
    match page.render() {
        Ok(html) => {
            let mut response = Response::new(Body::from(html));
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => Refused::from(internal(error)).into_response(),
    }
}

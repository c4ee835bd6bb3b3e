//! Mails: written in the transaction that is their reason, sent by a job afterwards. The sandbox shows them instead.

use uuid::Uuid;

use crate::base::{Context, Result, Span, Ts};
use crate::users::people::one_time::Purpose;
use crate::users::people::store;

const ATTEMPTS_MAX: i64 = 6;
const KEPT: Span = Span::days(30);
const CHUNK: u64 = 500;

::store::row! {
    /// A mail that is to go out.
    #[derive(Clone, Debug)]
    pub struct DueMail {
        /// For its outcome.
        pub id: Uuid,
        /// To whom.
        pub recipient: String,
        /// In a line.
        pub subject: String,
        /// Plain text.
        pub body: String,
        /// How often it was tried.
        pub attempts: i64,
    }
}

::store::row! {
    /// A mail as the sandbox shows it.
    #[derive(Debug, serde::Serialize)]
    pub struct Mail {
        /// To whom.
        pub to: String,
        /// In a line.
        pub subject: String,
        body: String,
        at: Ts,
    }
}

/// Writes the mail that brings a one-time token to its user.
pub fn send_token(cx: &mut Context<'_, '_>, to: &str, purpose: Purpose, token: &str) -> Result<()> {
    let (subject, line, path) = match purpose {
        Purpose::SignUp => ("Confirm your address", "Open this page to confirm that this is your address:", "confirm"),
        Purpose::EmailChange => ("Confirm your new address", "Open this page to sign in with this address from now on:", "confirm"),
        Purpose::Recovery => {
            ("Choose a new password", "Open this page to choose a new password. Your old one works until then:", "recover")
        }
        Purpose::MagicLink => ("Your sign-in link", "Open this page to sign in:", "confirm"),
    };
    let lasts = if purpose == Purpose::SignUp { "24 hours" } else { "an hour" };
    send_link(cx, to, subject, line, &format!("{path}/{token}"), lasts)
}

/// The same with a token for recovery, for an address that nobody has confirmed yet.
pub fn send_first_password(cx: &mut Context<'_, '_>, to: &str, token: &str) -> Result<()> {
    let line = "Open this page to confirm that this is your address and to choose your password:";
    send_link(cx, to, "Confirm your address", line, &format!("recover/{token}"), "an hour")
}

fn send_link(cx: &mut Context<'_, '_>, to: &str, subject: &str, line: &str, path: &str, lasts: &str) -> Result<()> {
    let site = cx.config.server.site();
    let body = format!(
        "{line}\n\n{site}/{path}\n\nIt works once, for {lasts}. If you did not ask for it, do nothing: without it nothing changes.\n"
    );
    queue(cx, to, subject, &body)
}

/// Tells a user of something that happened to his account.
pub fn queue(cx: &mut Context<'_, '_>, to: &str, subject: &str, body: &str) -> Result<()> {
    let next_at = cx.config.mail.sends(cx.config.installation.network).then_some(cx.now);
    store::insert_mail(cx, to, subject, body, next_at)
}

/// What is to go out now, the oldest first.
pub fn due(cx: &mut Context<'_, '_>) -> Result<Vec<DueMail>> {
    store::mails_due(cx)
}

/// Claims a mail before it is handed to the mail server: if this process dies then, it is tried again later.
pub fn claim(cx: &mut Context<'_, '_>, mail: &DueMail) -> Result<()> {
    let attempts = mail.attempts + 1;
    let again = (attempts < ATTEMPTS_MAX).then(|| cx.now.plus(Span::minutes(1 << attempts)));
    store::postpone_mail(cx, mail.id, attempts, again)
}

/// It is on its way.
pub fn sent(cx: &mut Context<'_, '_>, id: Uuid) -> Result<()> {
    store::mail_sent(cx, id)
}

/// The newest mails, for the sandbox.
pub fn newest(cx: &mut Context<'_, '_>) -> Result<Vec<Mail>> {
    let since = cx.now.minus(KEPT);
    store::newest_mails(cx, since)
}

/// Job: forgets old mails, tokens and challenges. Answers whether there may be more.
pub fn forget_old(cx: &mut Context<'_, '_>) -> Result<bool> {
    let before = cx.now.minus(KEPT);
    Ok(store::forget(cx, before, CHUNK.cast_signed())? == CHUNK)
}

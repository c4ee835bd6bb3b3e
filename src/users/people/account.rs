//! A person's account: another password, another address, and what the mails of both lead to.

use serde_json::{Map, Value};

use crate::base::error::internal;
use crate::base::{Context, Result, Span};
use crate::users::UserRefusal;
use crate::users::people::one_time::{self, Purpose, Redeemed};
use crate::users::people::{email, mails, sign_up, store};
use crate::users::session::{self, Client, SignedIn};
use crate::users::store as users;

/// After a mail let somebody in he may set a password without the old one for so long.
pub const RECOVERY_LASTS: Span = Span::minutes(15);

/// What to change.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The hash of another password, and the version of the one it was decided by.
    pub password: Option<(String, i64)>,
    /// Another address.
    pub email: Option<String>,
    /// What to keep with the account; null takes a field away.
    pub metadata: Option<Map<String, Value>>,
}

/// Changes the account of a session. Another password ends every other session; another address waits until the mail to
/// it was answered.
///
/// # Errors
/// `password_changed`, `invalid_email`, `email_taken`, `invalid_field`.
pub fn change(cx: &mut Context<'_, '_>, of: &SignedIn, change: &Change) -> Result<SignedIn> {
    let user = of.user.id;
    let (old_metadata, mut new_email) = store::person(cx, user)?;
    let mut kept: Map<String, Value> = serde_json::from_str(&old_metadata).map_err(internal)?;
    for (name, value) in change.metadata.iter().flatten() {
        if value.is_null() {
            kept.remove(name);
        } else {
            kept.insert(name.clone(), value.clone());
        }
    }
    let metadata = sign_up::metadata(&kept)?;
    if let Some(address) = &change.email {
        let address = email::normalized(address)?;
        if address != of.password.email {
            if users::password_by_email(cx, &address)?.is_some() {
                return Err(UserRefusal::EmailTaken.into());
            }
            if cx.config.mail.exists(cx.config.installation.network) {
                let token = one_time::issue(cx, user, Purpose::EmailChange, &address)?;
                mails::send_token(cx, &address, Purpose::EmailChange, &token)?;
                new_email = Some(address);
            } else {
                store::set_email(cx, user, &address)?;
            }
        }
    }
    if let Some((hash, version)) = &change.password {
        if !store::set_password(cx, user, hash, *version)? {
            return Err(UserRefusal::PasswordChanged.into());
        }
        users::end_other_sessions(cx, user, of.session_id)?;
        mails::queue(
            cx,
            &of.password.email,
            "Your password was changed",
            "Your password was changed just now, and every other session was ended.\nIf that was not you, choose a new one by \"Forgot your password?\" on the sign-in page.\n",
        )?;
    }
    store::save_person(cx, user, &metadata, new_email.as_deref())?;
    session::account(cx, of.session_id)?.ok_or_else(|| UserRefusal::PasswordChanged.into())
}

/// Sends a mail that leads to a new password, if somebody signs in with this address.
pub fn ask_recovery(cx: &mut Context<'_, '_>, address: &str) -> Result<()> {
    ask(cx, address, Purpose::Recovery)
}

/// Sends the mail of a sign-up once more, if it waits for its confirmation.
pub fn ask_confirmation(cx: &mut Context<'_, '_>, address: &str) -> Result<()> {
    ask(cx, address, Purpose::SignUp)
}

/// Sends a mail that lets its reader in, if somebody signs in with this address.
pub fn ask_magic_link(cx: &mut Context<'_, '_>, address: &str) -> Result<()> {
    ask(cx, address, Purpose::MagicLink)
}

/// Whoever asks learns nothing of whether there is such an address.
fn ask(cx: &mut Context<'_, '_>, address: &str, purpose: Purpose) -> Result<()> {
    let Ok(address) = email::normalized(address) else { return Ok(()) };
    let Some(row) = users::password_by_email(cx, &address)? else { return Ok(()) };
    let fits = match purpose {
        Purpose::SignUp => row.email_confirmed_at.is_none(),
        Purpose::Recovery | Purpose::MagicLink => true,
        Purpose::EmailChange => false,
    };
    if !fits || !cx.config.mail.exists(cx.config.installation.network) {
        return Ok(());
    }
    let token = one_time::issue(cx, row.user_id, purpose, &address)?;
    mails::send_token(cx, &address, purpose, &token)
}

/// Uses up the token of a mail, does what it stands for, and lets its reader in. Nothing when the token is worth nothing.
///
/// # Errors
/// `email_taken` when somebody else took the new address in the meantime.
pub fn verify(
    cx: &mut Context<'_, '_>,
    token: &str,
    purposes: &[Purpose],
    email: Option<&str>,
    client: &Client,
) -> Result<Option<SignedIn>> {
    let Some(Redeemed { user_id, purpose, email }) = one_time::redeem(cx, token, purposes, email)? else { return Ok(None) };
    let method = match purpose {
        Purpose::SignUp | Purpose::MagicLink => {
            store::confirm_email(cx, user_id)?;
            "otp"
        }
        Purpose::Recovery => {
            store::confirm_email(cx, user_id)?;
            "recovery"
        }
        Purpose::EmailChange => {
            let (metadata, waiting) = store::person(cx, user_id)?;
            if waiting.as_deref() != Some(email.as_str()) {
                return Ok(None);
            }
            if users::password_by_email(cx, &email)?.is_some() {
                return Err(UserRefusal::EmailTaken.into());
            }
            store::set_email(cx, user_id, &email)?;
            store::save_person(cx, user_id, &metadata, None)?;
            "otp"
        }
    };
    session::begin(cx, user_id, method, client).map(Some)
}

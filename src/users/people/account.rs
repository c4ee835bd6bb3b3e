//! A person's account: another password, another address, and what the mails of both lead to.

use serde_json::{Map, Value};

use crate::base::error::internal;
use crate::base::ids::SessionId;
use crate::base::{Context, Result, Span, Ts, UserId};
use crate::users::people::one_time::{self, Purpose, Redeemed};
use crate::users::people::{email, factors, mails, sign_up, store};
use crate::users::session::{self, Client, SignedIn};
use crate::users::store as users;
use crate::users::{UserRefusal, password, second_factor};

/// After a mail let somebody in he may set a password without the old one for so long.
const RECOVERY_LASTS: Span = Span::minutes(15);

const REQUESTS_TOGETHER: i64 = 50;
const HAS_ACCOUNT: &str = "Somebody, probably you, wanted to join with this address. You have an account with it already: sign in,\n\
    or choose a new password by \"Forgot your password?\" on the sign-in page. If that was not you, nothing has happened.\n";

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

/// Whether a mail has just let somebody in because he forgot his password.
pub fn is_recovering(of: &SignedIn, now: Ts) -> bool {
    of.signed_in_by("recovery").is_some_and(|at| now < at.plus(RECOVERY_LASTS))
}

/// Changes the account of a session. Another password ends every other session; another address waits until the mail to
/// it was answered. Both need a second factor that was shown lately, where there is one.
///
/// # Errors
/// `second_factor_required`, `password_changed`, `invalid_email`, `email_taken`, `invalid_field`.
pub fn change(cx: &mut Context<'_, '_>, session: SessionId, change: &Change) -> Result<SignedIn> {
    let of = session::open(cx, session)?;
    if change.password.is_some() || change.email.is_some() {
        second_factor::shown_lately(&of, cx.now)?;
    }
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
        users::end_other_sessions(cx, user, session)?;
        mails::queue(
            cx,
            &of.password.email,
            "Your password was changed",
            "Your password was changed just now, and every other session was ended.\nIf that was not you, choose a new one by \"Forgot your password?\" on the sign-in page.\n",
        )?;
    }
    store::save_person(cx, user, &metadata, new_email.as_deref())?;
    session::open(cx, session)
}

/// Somebody asks for a mail to an address. Whether it is anybody's is looked up later, by a job: whoever asks learns nothing,
/// not even from how long it took.
pub fn ask(cx: &mut Context<'_, '_>, address: &str, purpose: Purpose) -> Result<()> {
    let Ok(address) = email::normalized(address) else { return Ok(()) };
    if cx.config.mail.exists(cx.config.installation.network) { store::insert_request(cx, &address, purpose) } else { Ok(()) }
}

/// Job: writes the mails that were asked for, to those addresses that are somebody's. Answers whether there may be more.
pub fn answer_requests(cx: &mut Context<'_, '_>) -> Result<bool> {
    let asked = store::take_requests(cx, REQUESTS_TOGETHER)?;
    for (address, purpose) in &asked {
        answer(cx, address, *purpose)?;
    }
    Ok(i64::try_from(asked.len()).is_ok_and(|n| n == REQUESTS_TOGETHER))
}

fn answer(cx: &mut Context<'_, '_>, address: &str, purpose: Purpose) -> Result<()> {
    let Some(row) = users::password_by_email(cx, address)? else { return Ok(()) };
    if row.email_confirmed_at.is_none() {
        // Whoever signed up with this address may not be its owner, and then the password is not his either. From the second
        // mail on none keeps that password.
        store::forget_tokens_of(cx, row.user_id, Purpose::SignUp)?;
        let token = one_time::issue(cx, row.user_id, Purpose::Recovery, address)?;
        return mails::send_first_password(cx, address, &token);
    }
    match purpose {
        Purpose::SignUp => mails::queue(cx, address, "You have an account already", HAS_ACCOUNT),
        Purpose::Recovery | Purpose::MagicLink => {
            let token = one_time::issue(cx, row.user_id, purpose, address)?;
            mails::send_token(cx, address, purpose, &token)
        }
        Purpose::EmailChange => Ok(()),
    }
}

/// Whether somebody who comes by the token of a recovery mail has to give a code before he sets another password. It only
/// looks; nothing when the token is worth nothing.
pub fn needs_code(cx: &mut Context<'_, '_>, token: &str) -> Result<Option<bool>> {
    let Some(user) = one_time::owner(cx, token, Purpose::Recovery)? else { return Ok(None) };
    Ok(Some(factors::of(cx, user)?.iter().any(|factor| factor.verified_at.is_some())))
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
        Purpose::SignUp => {
            store::confirm_email(cx, user_id)?;
            "otp"
        }
        Purpose::MagicLink => "otp",
        Purpose::Recovery => {
            take_over(cx, user_id)?;
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

/// The reader of a recovery mail has shown that the address is his. If nobody had before, nobody knows whose password stands
/// there: it is worth nothing from now on, whether he chooses another one or not.
fn take_over(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    let unconfirmed = users::password_of(cx, user)?.filter(|row| row.email_confirmed_at.is_none());
    if let Some(row) = unconfirmed {
        store::set_password(cx, user, password::DUMMY, row.version)?;
        store::forget_tokens_of(cx, user, Purpose::SignUp)?;
        store::confirm_email(cx, user)?;
    }
    Ok(())
}

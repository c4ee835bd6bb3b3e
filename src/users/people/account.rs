//! A person's account: another password, another address, and what the mails of both lead to.

use serde_json::{Map, Value};

use crate::base::error::{Refusal, internal};
use crate::base::ids::SessionId;
use crate::base::{Context, Result, Span, Ts, UserId};
use crate::users::people::one_time::{self, Purpose, Redeemed};
use crate::users::people::{email, factors, mails, sign_up, store};
use crate::users::session::{self, Client, SignedIn};
use crate::users::store as users;
use crate::users::user::Status;
use crate::users::{UserRefusal, password, second_factor};

/// After a mail let somebody in he may set a password without the old one for so long.
const RECOVERY_LASTS: Span = Span::minutes(15);

const REQUESTS_TOGETHER: i64 = 50;
const HAS_ACCOUNT: &str = "Somebody, probably you, wanted to join with this address. You have an account with it already: sign in,\n\
    or choose a new password by \"Forgot your password?\" on the sign-in page. If that was not you, nothing has happened.\n";

const NOT_YOU: &str = "If that was not you, change your password now: that keeps this address.\n";
const MOVED: &str = "Your account signs in with another address from now on, and not with this one.\n\
    If that was not you, write to the operator of this marketplace.\n";

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
/// `second_factor_required`, `user_suspended`, `password_changed`, `invalid_email`, `email_taken`, `invalid_field`.
pub fn change(cx: &mut Context<'_, '_>, session: SessionId, change: &Change) -> Result<SignedIn> {
    let of = session::open(cx, session)?;
    // Who is suspended may still save his account from a thief by a recovery mail.
    let saves_it = is_recovering(&of, cx.now) && change.email.is_none() && change.metadata.is_none();
    if !saves_it {
        session::may_change(&of)?;
    }
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
    if let Some((hash, version)) = &change.password {
        if !store::set_password(cx, user, hash, *version)? {
            return Err(UserRefusal::PasswordChanged.into());
        }
        users::end_other_sessions(cx, user, session)?;
        // What somebody else has begun in this account, or reads in its mails, ends here.
        store::forget_all_tokens_of(cx, user)?;
        new_email = None;
        mails::queue(
            cx,
            &of.password.email,
            "Your password was changed",
            "Your password was changed just now, and every other session was ended.\nIf that was not you, choose a new one by \"Forgot your password?\" on the sign-in page.\n",
        )?;
    }
    if let Some(address) = &change.email {
        let address = email::normalized(address)?;
        if address != of.password.email {
            new_email = ask_address(cx, &of, address)?;
        }
    }
    store::save_person(cx, user, &metadata, new_email.as_deref())?;
    session::open(cx, session)
}

/// Another address waits until the mail to it was answered; where there are no mails it counts at once.
fn ask_address(cx: &mut Context<'_, '_>, of: &SignedIn, address: String) -> Result<Option<String>> {
    let user = of.user.id;
    if users::password_by_email(cx, &address)?.is_some() {
        return Err(UserRefusal::EmailTaken.into());
    }
    if !cx.config.mail.exists(cx.config.installation.network) {
        store::set_email(cx, user, &address)?;
        store::forget_all_tokens_of(cx, user)?;
        return Ok(None);
    }
    let token = one_time::issue(cx, user, Purpose::EmailChange, &address)?;
    mails::send_token(cx, &address, Purpose::EmailChange, &token)?;
    mails::queue(
        cx,
        &of.password.email,
        "A new address for your account",
        &format!("Somebody, probably you, wants to sign in with {address} from now on. {NOT_YOU}"),
    )?;
    Ok(Some(address))
}

/// Somebody asks for a mail to an address. Whether it is anybody's is looked up later, by a job: whoever asks learns nothing,
/// not even from how long it took.
pub fn ask(cx: &mut Context<'_, '_>, address: &str, purpose: Purpose) -> Result<()> {
    let Ok(address) = email::normalized(address) else { return Ok(()) };
    // A new address is asked for by who is signed in, once more if he likes.
    let is_sent = purpose != Purpose::EmailChange && cx.config.mail.exists(cx.config.installation.network);
    if is_sent { store::insert_request(cx, &address, purpose) } else { Ok(()) }
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

/// Uses up the token of a mail that lets its reader in, and does what it stands for. Nothing when the token is worth nothing.
///
/// # Errors
/// An internal one when a new address is among `purposes`: [`confirm_address`] lets nobody in.
pub fn verify(
    cx: &mut Context<'_, '_>,
    token: &str,
    purposes: &[Purpose],
    email: Option<&str>,
    client: &Client,
) -> Result<Option<SignedIn>> {
    let Some(Redeemed { user_id, purpose, .. }) = one_time::redeem(cx, token, purposes, email)? else { return Ok(None) };
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
        Purpose::EmailChange => return Err(internal("a new address lets nobody in")),
    };
    session::begin(cx, user_id, method, client).map(Some)
}

/// Uses up the token of the mail to a new address, which counts from now on. Its reader is not let in by that: whoever is
/// not in already signs in. Answers whose it is; nothing when the token is worth nothing.
///
/// # Errors
/// `email_taken` when somebody else took the address in the meantime, `user_suspended`.
pub fn confirm_address(cx: &mut Context<'_, '_>, token: &str, email: Option<&str>) -> Result<Option<UserId>> {
    let redeemed = one_time::redeem(cx, token, &[Purpose::EmailChange], email)?;
    let Some(Redeemed { user_id, email, .. }) = redeemed else { return Ok(None) };
    Ok(move_to(cx, user_id, &email)?.then_some(user_id))
}

/// The address that a user waits for is his now. Answers whether it is the one that he waits for.
fn move_to(cx: &mut Context<'_, '_>, user: UserId, address: &str) -> Result<bool> {
    let (metadata, waiting) = store::person(cx, user)?;
    if waiting.as_deref() != Some(address) {
        return Ok(false);
    }
    if users::password_by_email(cx, address)?.is_some() {
        return Err(UserRefusal::EmailTaken.into());
    }
    if users::user(cx, user)?.is_some_and(|user| user.status == Status::Suspended) {
        return Err(Refusal::UserSuspended.into());
    }
    let old = users::password_of(cx, user)?;
    store::set_email(cx, user, address)?;
    store::forget_all_tokens_of(cx, user)?;
    store::save_person(cx, user, &metadata, None)?;
    old.map_or(Ok(()), |old| mails::queue(cx, &old.email, "Your address was changed", MOVED))?;
    Ok(true)
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

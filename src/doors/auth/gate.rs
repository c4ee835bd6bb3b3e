//! What clients and the pages of the site share: signing up and in, with the limits that slow guessing down.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use uuid::Uuid;

use crate::base::call::lock_name;
use crate::base::hourly_limits::{self, Used};
use crate::base::ids::SessionId;
use crate::base::limit::Policy;
use crate::base::{Context, Result, UserId};
use crate::doors::App;
use crate::doors::client;
use crate::users::credentials::PasswordRow;
use crate::users::password;
use crate::users::people::account::{self, Change};
use crate::users::people::email::normalized;
use crate::users::people::one_time::Purpose;
use crate::users::people::sign_up::{self, SignUp, SignedUp};
use crate::users::session::{self, Client, SignOut, SignedIn};
use crate::users::{UserRefusal, second_factor};

/// Bytes of the longest password that is looked at.
const PASSWORD_BYTES_MAX: usize = 1_024;

/// Where somebody is.
pub fn client(address: IpAddr, headers: &HeaderMap, cookie_hash: Option<[u8; 32]>) -> Client {
    let user_agent = headers.get(USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    Client { ip: address.to_string(), user_agent, cookie_hash }
}

/// Counts somebody who knocks, whatever he wants and however it ends.
///
/// # Errors
/// `rate_limited`.
pub fn knock(app: &App, address: IpAddr) -> Result<()> {
    app.dispatcher.count(client::subject(address), Policy::SignIn)
}

/// Begins a session for whoever knows the password. He has knocked before.
///
/// # Errors
/// `invalid_credentials`, for an unknown address too; `email_not_confirmed`, `rate_limited`, `busy`.
pub async fn sign_in(app: &Arc<App>, client: Client, email: &str, given: &str) -> Result<SignedIn> {
    let email = email.trim().to_lowercase();
    let counted = client::digest("email", &email);
    let (guess, known) =
        app.dispatcher.system(move |cx| Ok((count(cx, counted, Policy::SignInFailure)?, session::password_for(cx, &email)?))).await?;
    let hash = known.as_ref().map_or(password::DUMMY.to_owned(), |row| row.hash.clone());
    let right = given.len() <= PASSWORD_BYTES_MAX && app.hashing.verify(given.to_owned(), hash).await?;
    let Some(PasswordRow { user_id, version, .. }) = known.filter(|_| right) else { return Err(UserRefusal::WrongCredentials.into()) };
    let begin = move |cx: &mut Context<'_, '_>| {
        hourly_limits::take_back(cx, guess)?;
        session::sign_in(cx, user_id, version, &client)
    };
    app.dispatcher.system(begin).await
}

/// Makes a user with a password.
///
/// # Errors
/// `sign_up_closed`, `weak_password`, `rate_limited`, and what [`sign_up::sign_up`] refuses.
pub async fn sign_up(app: &Arc<App>, address: IpAddr, mut new: SignUp, given: &str) -> Result<SignedUp> {
    if !app.dispatcher.config.auth.sign_up {
        return Err(UserRefusal::SignUpClosed.into());
    }
    normalized(&new.email)?;
    password::check_strength(given, new.email.trim())?;
    let subject = client::subject(address);
    knock(app, address)?;
    new.hash = app.hashing.hash(app, given.to_owned()).await?;
    let make = move |cx: &mut Context<'_, '_>| {
        let unit = count(cx, subject, Policy::Register)?;
        let made = sign_up::sign_up(cx, &new);
        // An address that is taken costs a unit as a new one does: who asks learns no more by its being free.
        match made {
            Err(error) if error.status() >= 500 => Err(error),
            Err(error) if error.code() != "email_taken" => {
                hourly_limits::take_back(cx, unit)?;
                Ok(Err(error))
            }
            made => Ok(made),
        }
    };
    app.dispatcher.system(make).await?
}

/// Sends a mail to an address, if somebody has it; the answer does not tell.
///
/// # Errors
/// `rate_limited`.
pub async fn send_mail(app: &Arc<App>, address: IpAddr, email: &str, purpose: Purpose) -> Result<()> {
    knock(app, address)?;
    let email = email.trim().to_lowercase();
    let counted = client::digest("mail", &email);
    let ask = move |cx: &mut Context<'_, '_>| {
        count(cx, counted, Policy::Mail)?;
        account::ask(cx, &email, purpose)
    };
    app.dispatcher.system(ask).await
}

/// Checks the password that somebody says he has now.
async fn check_password(app: &Arc<App>, of: &SignedIn, given: &str) -> Result<()> {
    let counted = client::digest("email", &of.password.email);
    let guess = app.dispatcher.system(move |cx| count(cx, counted, Policy::SignInFailure)).await?;
    if given.len() > PASSWORD_BYTES_MAX || !app.hashing.verify(given.to_owned(), of.password.hash.clone()).await? {
        return Err(UserRefusal::WrongCredentials.into());
    }
    app.dispatcher.system(move |cx| hourly_limits::take_back(cx, guess)).await
}

/// Sets another password, if one is given, and whatever else changes. Password and address change for those only who give
/// the password of now, or come by a mail because they forgot it.
///
/// # Errors
/// `second_factor_required`, `current_password_required`, `invalid_credentials`, `rate_limited`, `weak_password`,
/// `same_password`, and what [`account::change`] refuses.
pub async fn change_account(
    app: &Arc<App>,
    of: &SignedIn,
    current: Option<&str>,
    password: Option<&str>,
    mut change: Change,
) -> Result<SignedIn> {
    if password.is_some() || change.email.is_some() {
        let now = app.dispatcher.clock.now();
        // The room looks itself; here it is before a guess is counted and anything is hashed.
        second_factor::shown_lately(of, now)?;
        if !account::is_recovering(of, now) {
            check_password(app, of, current.ok_or(UserRefusal::CurrentPasswordRequired)?).await?;
        }
    }
    if let Some(new) = password {
        password::check_strength(new, &of.password.email)?;
        if app.hashing.verify(new.to_owned(), of.password.hash.clone()).await? {
            return Err(UserRefusal::SamePassword.into());
        }
        change.password = Some((app.hashing.hash(app, new.to_owned()).await?, of.password.version));
    }
    if let Some(address) = &change.email {
        count_address(app, of, address).await?;
    }
    let session = of.session_id;
    let changed = app.dispatcher.system(move |cx| account::change(cx, session, &change)).await;
    // A new password has ended other sessions.
    app.dispatcher.news.ring(of.user.id);
    changed
}

/// Counts the mail to another address, for its user and for the address, before anybody looks whose it is: to learn that
/// it is taken costs as much.
async fn count_address(app: &Arc<App>, of: &SignedIn, address: &str) -> Result<()> {
    let address = normalized(address)?;
    if address == of.password.email {
        return Ok(());
    }
    let (user, counted) = (of.user.id.0, client::digest("mail", &address));
    app.dispatcher.system(move |cx| [user, counted].into_iter().try_for_each(|subject| count(cx, subject, Policy::Mail).map(drop))).await
}

/// Ends sessions of a user. What they have open hears it at once on this node, elsewhere within a minute.
pub async fn sign_out(app: &Arc<App>, session: SessionId, user: UserId, which: SignOut) -> Result<()> {
    app.dispatcher.system(move |cx| session::sign_out(cx, session, user, which)).await?;
    app.dispatcher.news.ring(user);
    Ok(())
}

/// Counts one use of an hourly limit before it is known how it ends, so that many at once are not more than the limit.
pub(super) fn count(cx: &mut Context<'_, '_>, subject: Uuid, policy: Policy) -> Result<Used> {
    let limit = cx.config.limits.of(policy);
    cx.tx.serialize_on(lock_name(subject, policy))?;
    let unit = hourly_limits::reserve(cx, subject, policy, limit).map_err(|(error, _)| error)?;
    hourly_limits::spend(cx, unit)
}

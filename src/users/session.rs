//! Sessions: what stands behind a token. Ending one takes effect on the next request, on every node.

use serde_json::json;

use crate::base::ids::SessionId;
use crate::base::{Context, Result, Span, Ts, UserId};
use crate::users::UserRefusal;
use crate::users::credentials::{NewSession, PasswordRow};
use crate::users::store;
use crate::users::user::{Status, User};

/// A session ends when it was not refreshed for so long.
const IDLE: Span = Span::days(30);
/// And at the latest so long after the sign-in.
const ABSOLUTE: Span = Span::days(180);
/// A token that was already exchanged gives the same successor again for so long: parallel tabs and lost answers.
const REUSE: Span = Span::seconds(120);

/// What a sign-in or a refresh gives to the door, which signs the token after the commit.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Their address.
    pub password: PasswordRow,
    /// The session.
    pub session_id: SessionId,
    /// The counter that the refresh token carries.
    pub refresh_counter: i64,
    /// How and when they signed in, a JSON array.
    pub amr: String,
    /// When the token is made.
    pub now: Ts,
}

/// How a refresh token ended that is not good for a new one. The change it caused, if any, is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshRefused {
    /// There is no such session, or the database was restored from before the token.
    NotFound,
    /// It was used before, longer ago than parallel tabs explain: the session is ended.
    AlreadyUsed,
    /// The session is over.
    SessionEnded,
}

/// What the door needs before it checks a password. The address is compared in lower case.
pub fn password_for(cx: &mut Context<'_, '_>, email: &str) -> Result<Option<PasswordRow>> {
    store::password_by_email(cx, &email.trim().to_lowercase())
}

/// Begins a session for whoever gave the right password, checked against `version` of it.
///
/// # Errors
/// `password_changed` when the password moved in the meantime.
pub fn sign_in(cx: &mut Context<'_, '_>, user_id: UserId, version: i64, ip: &str, user_agent: &str) -> Result<SignedIn> {
    let user = store::user_locked(cx, user_id)?.filter(|user| user.status != Status::Closed).ok_or(UserRefusal::PasswordChanged)?;
    let password = store::password_of(cx, user_id)?.filter(|row| row.version == version).ok_or(UserRefusal::PasswordChanged)?;
    let amr = json!([{ "method": "password", "timestamp": cx.now.as_seconds() }]).to_string();
    let session = NewSession {
        id: SessionId(cx.new_id()),
        user_id,
        amr: amr.clone(),
        created_at: cx.now,
        expires_at: cx.now.plus(IDLE),
        ip: ip.to_owned(),
        user_agent: user_agent.chars().filter(|c| !c.is_control()).take(200).collect(),
    };
    store::insert_session(cx, &session)?;
    store::signed_in(cx, user_id)?;
    Ok(SignedIn { user, password, session_id: session.id, refresh_counter: 0, amr, now: cx.now })
}

/// Exchanges a refresh token, whose signature the door has checked, for the next one.
pub fn refresh(cx: &mut Context<'_, '_>, session_id: SessionId, counter: i64) -> Result<Result<SignedIn, RefreshRefused>> {
    let Some(session) = store::session(cx, session_id)? else { return Ok(Err(RefreshRefused::NotFound)) };
    if session.revoked_at.is_some() || session.expires_at <= cx.now {
        return Ok(Err(RefreshRefused::SessionEnded));
    }
    let newest = session.refresh_counter;
    let next = if counter == newest {
        newest + 1
    } else if counter == newest - 1 && cx.now <= session.refreshed_at.plus(REUSE) {
        newest
    } else {
        store::end_session(cx, session.id)?;
        return Ok(Err(if counter > newest { RefreshRefused::NotFound } else { RefreshRefused::AlreadyUsed }));
    };
    let user = store::user(cx, session.user_id)?.filter(|user| user.status != Status::Closed);
    let (Some(user), Some(password)) = (user, store::password_of(cx, session.user_id)?) else {
        return Ok(Err(RefreshRefused::SessionEnded));
    };
    if next > newest {
        let expires_at = cx.now.plus(IDLE).min(session.created_at.plus(ABSOLUTE));
        store::refreshed(cx, session.id, next, expires_at)?;
    }
    Ok(Ok(SignedIn { user, password, session_id: session.id, refresh_counter: next, amr: session.amr, now: cx.now }))
}

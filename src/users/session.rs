//! Sessions: what stands behind a token and behind the cookie of the site. Ending one takes effect on the next request,
//! on every node.

use serde_json::{Value, json};

use crate::base::error::{Refusal, internal};
use crate::base::ids::SessionId;
use crate::base::{Context, Result, Span, Ts, UserId};
use crate::users::UserRefusal;
use crate::users::credentials::{Aal, NewSession, PasswordRow, SessionKind, SessionRow};
use crate::users::people::factors::{self, Factor};
use crate::users::people::store as people;
use crate::users::store;
use crate::users::user::{Status, User};

/// A session ends when it was not refreshed for so long.
const IDLE: Span = Span::days(30);
/// And at the latest so long after the sign-in.
const ABSOLUTE: Span = Span::days(180);
/// One on the site ends when no page was opened for so long.
const IDLE_WEB: Span = Span::days(14);
/// That of an admin sooner.
const IDLE_ADMIN: Span = Span::minutes(30);
const ABSOLUTE_ADMIN: Span = Span::hours(12);
/// That a page was opened is written down at most so often.
const SEEN_EVERY: Span = Span::minutes(5);
/// A token that was already exchanged gives the same successor again for so long: parallel tabs and lost answers.
const REUSE: Span = Span::seconds(120);

/// A second factor that was shown counts for so long where money leaves.
const SECOND_FACTOR_FRESH: Span = Span::minutes(15);

/// Where somebody signs in from, and what he keeps the session by.
#[derive(Clone, Debug)]
pub struct Client {
    /// His address.
    pub ip: String,
    /// His program.
    pub user_agent: String,
    /// SHA-256 of the cookie, when it is a browser on the site.
    pub cookie_hash: Option<[u8; 32]>,
}

/// What a sign-in or a refresh gives to the door, which signs the token after the commit.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Their address.
    pub password: PasswordRow,
    /// What they keep with their account, a JSON object.
    pub metadata: String,
    /// An address that waits for its confirmation.
    pub new_email: Option<String>,
    /// Their second factors.
    pub factors: Vec<Factor>,
    /// The session.
    pub session_id: SessionId,
    /// The counter that the refresh token carries.
    pub refresh_counter: i64,
    /// How sure it is that it is them.
    pub aal: Aal,
    /// How and when they signed in, a JSON array.
    pub amr: String,
    /// When the token is made.
    pub now: Ts,
}

impl SignedIn {
    /// Whether a second factor is there and was not shown in this session.
    pub fn lacks_second_factor(&self) -> bool {
        self.aal == Aal::One && self.has_second_factor()
    }

    /// Whether one is there that counts.
    pub fn has_second_factor(&self) -> bool {
        self.factors.iter().any(|factor| factor.verified_at.is_some())
    }

    /// Whether one is there and was not shown in this session lately.
    pub fn lacks_fresh_second_factor(&self, now: Ts) -> bool {
        let shown = ["totp", "recovery_code"].iter().filter_map(|method| self.signed_in_by(method)).max();
        self.has_second_factor() && shown.is_none_or(|at| now >= at.plus(SECOND_FACTOR_FRESH))
    }

    /// When they last signed in by this method, in this session.
    pub fn signed_in_by(&self, method: &str) -> Option<Ts> {
        let methods: Vec<Value> = serde_json::from_str(&self.amr).ok()?;
        let last = methods.iter().rev().find(|one| one["method"] == method)?;
        last["timestamp"].as_i64().map(|seconds| Ts::from_milliseconds(seconds.saturating_mul(1_000)))
    }
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

/// Which sessions a sign-out ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOut {
    /// All of the user.
    Global,
    /// This one.
    Local,
    /// All but this one.
    Others,
}

/// What the door needs before it checks a password. The address is compared in lower case.
pub fn password_for(cx: &mut Context<'_, '_>, email: &str) -> Result<Option<PasswordRow>> {
    store::password_by_email(cx, &email.trim().to_lowercase())
}

/// Begins a session for whoever gave the right password, checked against `version` of it.
///
/// # Errors
/// `password_changed` when the password moved in the meantime, `email_not_confirmed`.
pub fn sign_in(cx: &mut Context<'_, '_>, user_id: UserId, version: i64, client: &Client) -> Result<SignedIn> {
    let password = store::password_of(cx, user_id)?.filter(|row| row.version == version).ok_or(UserRefusal::PasswordChanged)?;
    if password.email_confirmed_at.is_none() {
        return Err(UserRefusal::EmailNotConfirmed.into());
    }
    begin(cx, user_id, "password", client)
}

/// Begins a session for whoever has shown by `method` who he is.
///
/// # Errors
/// `password_changed` when there is no such user any more.
pub fn begin(cx: &mut Context<'_, '_>, user_id: UserId, method: &str, client: &Client) -> Result<SignedIn> {
    let user = store::user_locked(cx, user_id)?.filter(|user| user.status != Status::Closed).ok_or(UserRefusal::PasswordChanged)?;
    let kind = if client.cookie_hash.is_some() { SessionKind::Web } else { SessionKind::Api };
    let (idle, _) = lifetime(kind, user.is_admin);
    let session = NewSession {
        id: SessionId(cx.new_id()),
        user_id,
        kind,
        aal: Aal::One,
        amr: json!([{ "method": method, "timestamp": cx.now.as_seconds() }]).to_string(),
        created_at: cx.now,
        expires_at: cx.now.plus(idle),
        cookie_hash: client.cookie_hash,
        ip: client.ip.clone(),
        user_agent: client.user_agent.chars().filter(|c| !c.is_control()).take(200).collect(),
    };
    store::insert_session(cx, &session)?;
    store::signed_in(cx, user_id)?;
    whole(cx, user, (session.id, 0, Aal::One, session.amr))?.ok_or_else(|| internal("a session without an address"))
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
    let Some(user) = store::user(cx, session.user_id)?.filter(|user| user.status != Status::Closed) else {
        return Ok(Err(RefreshRefused::SessionEnded));
    };
    if next > newest {
        let (idle, absolute) = lifetime(session.kind, user.is_admin);
        let expires_at = cx.now.plus(idle).min(session.created_at.plus(absolute));
        store::refreshed(cx, session.id, next, expires_at)?;
    }
    Ok(whole(cx, user, (session.id, next, session.aal, session.amr))?.ok_or(RefreshRefused::SessionEnded))
}

/// A session that goes on, with its user; nothing when it is over.
pub fn account(cx: &mut Context<'_, '_>, session_id: SessionId) -> Result<Option<SignedIn>> {
    match store::session_read(cx, session_id)? {
        Some(session) => account_of(cx, session),
        None => Ok(None),
    }
}

/// The same for what cannot go on without it.
///
/// # Errors
/// `password_changed` when the session is over: a new password ends the others.
pub fn open(cx: &mut Context<'_, '_>, session_id: SessionId) -> Result<SignedIn> {
    account(cx, session_id)?.ok_or_else(|| UserRefusal::PasswordChanged.into())
}

/// The same for what changes the account: who is suspended changes nothing.
///
/// # Errors
/// `password_changed`, `user_suspended`.
pub fn open_to_change(cx: &mut Context<'_, '_>, session_id: SessionId) -> Result<SignedIn> {
    let of = open(cx, session_id)?;
    may_change(&of).map(|()| of)
}

/// Fails for who is suspended.
///
/// # Errors
/// `user_suspended`.
pub fn may_change(of: &SignedIn) -> Result<()> {
    if of.user.status == Status::Suspended { Err(Refusal::UserSuspended.into()) } else { Ok(()) }
}

/// The session behind a cookie of the site, and whether it is time to write down that it is used.
pub fn by_cookie(cx: &mut Context<'_, '_>, cookie_hash: [u8; 32]) -> Result<Option<(SignedIn, bool)>> {
    let Some(session) = store::session_by_cookie(cx, cookie_hash)? else { return Ok(None) };
    let unwritten = cx.now.since(session.last_seen_at) >= SEEN_EVERY;
    Ok(account_of(cx, session)?.map(|signed_in| (signed_in, unwritten)))
}

/// Writes down that a page was opened, and lets the session go on.
pub fn seen(cx: &mut Context<'_, '_>, session_id: SessionId) -> Result<()> {
    let Some(session) = store::session(cx, session_id)? else { return Ok(()) };
    let is_admin = store::user(cx, session.user_id)?.is_some_and(|user| user.is_admin);
    let (idle, absolute) = lifetime(session.kind, is_admin);
    store::session_seen(cx, session_id, cx.now.plus(idle).min(session.created_at.plus(absolute)))
}

/// Ends sessions of the user whose session this is.
pub fn sign_out(cx: &mut Context<'_, '_>, session_id: SessionId, user_id: UserId, which: SignOut) -> Result<()> {
    match which {
        SignOut::Global => store::end_sessions_of(cx, user_id).map(drop),
        SignOut::Local => store::end_session(cx, session_id),
        SignOut::Others => store::end_other_sessions(cx, user_id, session_id),
    }
}

/// A session in the list of its user.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// For its end.
    pub id: SessionId,
    /// On the site, or of a program.
    pub kind: SessionKind,
    /// Since when.
    pub created_at: Ts,
    /// Used last, within some minutes.
    pub last_seen_at: Ts,
    /// From where.
    pub ip: String,
    /// With what.
    pub user_agent: String,
}

/// The sessions of a user that go on, the newest first.
pub fn open_sessions(cx: &mut Context<'_, '_>, user_id: UserId) -> Result<Vec<OpenSession>> {
    let open = |row: SessionRow| OpenSession {
        id: row.id,
        kind: row.kind,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at.max(row.refreshed_at),
        ip: row.ip,
        user_agent: row.user_agent,
    };
    Ok(store::sessions_of(cx, user_id)?.into_iter().map(open).collect())
}

/// Ends one session of a user. Somebody else's is not there.
pub fn end_own(cx: &mut Context<'_, '_>, user_id: UserId, session_id: SessionId) -> Result<()> {
    match store::session(cx, session_id)?.filter(|session| session.user_id == user_id && session.revoked_at.is_none()) {
        Some(session) => store::end_session(cx, session.id),
        None => Err(Refusal::NotFound.into()),
    }
}

const fn lifetime(kind: SessionKind, is_admin: bool) -> (Span, Span) {
    match (kind, is_admin) {
        (SessionKind::Api, _) => (IDLE, ABSOLUTE),
        (SessionKind::Web, false) => (IDLE_WEB, ABSOLUTE),
        (SessionKind::Web, true) => (IDLE_ADMIN, ABSOLUTE_ADMIN),
    }
}

fn account_of(cx: &mut Context<'_, '_>, session: SessionRow) -> Result<Option<SignedIn>> {
    if session.revoked_at.is_some() || session.expires_at <= cx.now {
        return Ok(None);
    }
    match store::user(cx, session.user_id)?.filter(|user| user.status != Status::Closed) {
        Some(user) => whole(cx, user, (session.id, session.refresh_counter, session.aal, session.amr)),
        None => Ok(None),
    }
}

fn whole(cx: &mut Context<'_, '_>, user: User, session: (SessionId, i64, Aal, String)) -> Result<Option<SignedIn>> {
    let Some(password) = store::password_read(cx, user.id)? else { return Ok(None) };
    let (metadata, new_email) = people::person(cx, user.id)?;
    let factors = factors::of(cx, user.id)?;
    let (session_id, refresh_counter, aal, amr) = session;
    Ok(Some(SignedIn { user, password, metadata, new_email, factors, session_id, refresh_counter, aal, amr, now: cx.now }))
}

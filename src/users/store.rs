//! The tables of users and of what they sign in with.

use uuid::Uuid;

use crate::base::context::Scopes;
use crate::base::ids::{KeyId, SessionId};
use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::users::admin_action::Action;
use crate::users::credentials::{Aal, KeyOwner, KeyRow, NewSession, PasswordRow, SessionKind, SessionOwner, SessionRow, SigningKeyRow};
use crate::users::reputation::{Reputation, Tally};
use crate::users::user::{Status, User};

::store::statements! {
    KEY_OWNER: ([u8; 32],) => KeyOwner =
        "select k.id, k.user_id, k.scopes, k.revoked_at, k.expires_at, u.is_admin, u.status \
         from api_keys k join users u on u.id = k.user_id where k.hash = $1";
    KEY_OWNER_LOCKED: ([u8; 32],) => KeyOwner =
        "select k.id, k.user_id, k.scopes, k.revoked_at, k.expires_at, u.is_admin, u.status \
         from api_keys k join users u on u.id = k.user_id where k.hash = $1 {lock:k, u}";
    SESSION_OWNER: (SessionId, UserId) => SessionOwner =
        "select s.id, s.user_id, s.aal, s.revoked_at, s.expires_at, u.is_admin, u.status \
         from sessions s join users u on u.id = s.user_id where s.id = $1 and s.user_id = $2";
    SESSION_OWNER_LOCKED: (SessionId, UserId) => SessionOwner =
        "select s.id, s.user_id, s.aal, s.revoked_at, s.expires_at, u.is_admin, u.status \
         from sessions s join users u on u.id = s.user_id where s.id = $1 and s.user_id = $2 {lock:s, u}";
    USER: (UserId,) => User =
        "select id, username, username_changed, display_name, is_bot, is_admin, status, bio, capabilities, webhook_url, \
                max_hourly_spend, referral_code, referrer_id, created_at from users where id = $1";
    USER_LOCKED: (UserId,) => User =
        "select id, username, username_changed, display_name, is_bot, is_admin, status, bio, capabilities, webhook_url, \
                max_hourly_spend, referral_code, referrer_id, created_at from users where id = $1 {lock}";
    USER_BY_USERNAME: (String,) => User =
        "select id, username, username_changed, display_name, is_bot, is_admin, status, bio, capabilities, webhook_url, \
                max_hourly_spend, referral_code, referrer_id, created_at from users where username = $1";
    ID_BY_REFERRAL_CODE: (String,) => (UserId,) = "select id from users where referral_code = $1";
    INSERT_USER: (UserId, String, String, bool, bool, Status, String, String, Option<UserId>, Ts) => () =
        "insert into users (id, username, username_changed, display_name, is_bot, is_admin, status, bio, capabilities, referral_code, referrer_id, created_at) \
         values ($1, $2, false, $3, $4, $5, $6, '', $7, $8, $9, $10)";
    SAVE_PROFILE: (UserId, String, bool, String, String, String, Option<String>, Option<Usdt>) => () =
        "update users set username = $2, username_changed = $3, display_name = $4, bio = $5, capabilities = $6, \
                webhook_url = $7, max_hourly_spend = $8 where id = $1";
    SET_STATUS: (UserId, Status) => () = "update users set status = $2 where id = $1";
    KEYS_OF: (UserId,) => KeyRow =
        "select id, prefix, name, scopes, created_at, last_used_at, expires_at, revoked_at from api_keys where user_id = $1 order by (revoked_at is not null), id desc limit 200";
    KEYS_THAT_STAY: (UserId,) => (i64,) = "select count(*) from api_keys where user_id = $1 and revoked_at is null and expires_at is null";
    KEYS_THAT_WORK: (UserId, Ts) => (i64,) =
        "select count(*) from api_keys where user_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)";
    KEY_OF: (KeyId, UserId) => KeyRow =
        "select id, prefix, name, scopes, created_at, last_used_at, expires_at, revoked_at from api_keys where id = $1 and user_id = $2";
    INSERT_KEY: (KeyId, UserId, String, [u8; 32], String, Scopes, Ts) => () =
        "insert into api_keys (id, user_id, prefix, hash, name, scopes, created_at) values ($1, $2, $3, $4, $5, $6, $7)";
    EXPIRE_KEY: (KeyId, Ts) => () = "update api_keys set expires_at = $2 where id = $1";
    REVOKE_KEY: (KeyId, Ts) => () = "update api_keys set revoked_at = $2 where id = $1";
    TOUCH_KEY: (KeyId, Ts) => () = "update api_keys set last_used_at = $2 where id = $1";
    FORGET_KEYS: (Ts, i64) => () =
        "delete from api_keys where id in (select id from api_keys where revoked_at < $1 or expires_at < $1 limit $2)";
    PASSWORD_BY_EMAIL: (String,) => PasswordRow =
        "select user_id, email, email_confirmed_at, hash, version, last_sign_in_at, updated_at from passwords where email = $1";
    PASSWORD_OF: (UserId,) => PasswordRow =
        "select user_id, email, email_confirmed_at, hash, version, last_sign_in_at, updated_at from passwords where user_id = $1 {lock}";
    PASSWORD_READ: (UserId,) => PasswordRow =
        "select user_id, email, email_confirmed_at, hash, version, last_sign_in_at, updated_at from passwords where user_id = $1";
    INSERT_PASSWORD: (UserId, String, Option<Ts>, String, Ts) => () =
        "insert into passwords (user_id, email, email_confirmed_at, hash, version, updated_at) values ($1, $2, $3, $4, 1, $5)";
    SIGNED_IN: (UserId, Ts) => () = "update passwords set last_sign_in_at = $2 where user_id = $1";
    INSERT_SESSION: (SessionId, UserId, SessionKind, Aal, String, Ts, Ts, Option<[u8; 32]>, String, String) => () =
        "insert into sessions (id, user_id, kind, aal, amr, created_at, refreshed_at, last_seen_at, expires_at, refresh_counter, cookie_hash, ip, \
                user_agent) values ($1, $2, $3, $4, $5, $6, $6, $6, $7, 0, $8, $9, $10)";
    SESSION: (SessionId,) => SessionRow =
        "select id, user_id, kind, aal, amr, created_at, refreshed_at, last_seen_at, expires_at, revoked_at, refresh_counter, ip, user_agent \
         from sessions where id = $1 {lock}";
    SESSION_READ: (SessionId,) => SessionRow =
        "select id, user_id, kind, aal, amr, created_at, refreshed_at, last_seen_at, expires_at, revoked_at, refresh_counter, ip, user_agent \
         from sessions where id = $1";
    SESSION_BY_COOKIE: ([u8; 32],) => SessionRow =
        "select id, user_id, kind, aal, amr, created_at, refreshed_at, last_seen_at, expires_at, revoked_at, refresh_counter, ip, user_agent \
         from sessions where cookie_hash = $1";
    SESSIONS_OF: (UserId, Ts) => SessionRow =
        "select id, user_id, kind, aal, amr, created_at, refreshed_at, last_seen_at, expires_at, revoked_at, refresh_counter, ip, user_agent \
         from sessions where user_id = $1 and revoked_at is null and expires_at > $2 order by id desc limit 50";
    SESSION_SEEN: (SessionId, Ts, Ts) => () = "update sessions set last_seen_at = $2, expires_at = $3 where id = $1";
    REFRESHED: (SessionId, i64, Ts, Ts) => () =
        "update sessions set refresh_counter = $2, refreshed_at = $3, expires_at = $4 where id = $1";
    END_SESSION: (SessionId, Ts) => () = "update sessions set revoked_at = $2 where id = $1";
    END_OTHER_SESSIONS: (UserId, SessionId, Ts) => () =
        "update sessions set revoked_at = $3 where user_id = $1 and id <> $2 and revoked_at is null";
    END_SESSIONS_OF: (UserId, Ts) => () = "update sessions set revoked_at = $2 where user_id = $1 and revoked_at is null";
    FORGET_SESSIONS: (Ts, i64) => () =
        "delete from sessions where id in (select id from sessions where revoked_at < $1 or expires_at < $1 limit $2)";
    SIGNING_KEYS: (Ts,) => SigningKeyRow =
        "select kid, private_sealed, public_jwk, created_at, sign_until, publish_until from signing_keys where publish_until > $1 order by created_at desc limit 20";
    END_SIGNING: (String, Ts, Ts) => () = "update signing_keys set sign_until = $2, publish_until = $3 where kid = $1";
    INSERT_SIGNING_KEY: (String, Vec<u8>, String, Ts, Ts, Ts) => () =
        "insert into signing_keys (kid, private_sealed, public_jwk, created_at, sign_until, publish_until) values ($1, $2, $3, $4, $5, $6)";
    INSERT_TALLIES: (Uuid, UserId, Tally, i64) => () = "insert into untallied (id, user_id, what, amount) values {rows}";
    LOCK_TALLYING: () => (i64,) = "select id from tallying where id = 1 {lock}";
    TALLIES: () => (Uuid, UserId, Tally, i64) = "select id, user_id, what, amount from untallied order by id limit 1024";
    FORGET_TALLIES: (Uuid,) => () = "delete from untallied where id in ({rows})";
    REPUTATION: (UserId,) => Reputation =
        "select user_id, completed, paid, reviews, rejections, disputes, disputes_lost, stars, ratings, review_minutes, median_review_minutes \
         from reputations where user_id = $1";
    REPUTATIONS: (UserId,) => Reputation =
        "select user_id, completed, paid, reviews, rejections, disputes, disputes_lost, stars, ratings, review_minutes, median_review_minutes \
         from reputations where user_id in ({rows}) order by user_id";
    SAVE_REPUTATIONS: (UserId, i64, i64, i64, i64, i64, i64, i64, i64, String, Option<i64>) => () =
        "insert into reputations (user_id, completed, paid, reviews, rejections, disputes, disputes_lost, stars, ratings, review_minutes, \
                median_review_minutes) values {rows} \
         on conflict (user_id) do update set completed = excluded.completed, paid = excluded.paid, reviews = excluded.reviews, \
                rejections = excluded.rejections, disputes = excluded.disputes, disputes_lost = excluded.disputes_lost, \
                stars = excluded.stars, ratings = excluded.ratings, review_minutes = excluded.review_minutes, \
                median_review_minutes = excluded.median_review_minutes";
    REFERRED_BY: (UserId, UserId, i64) => User =
        "select id, username, username_changed, display_name, is_bot, is_admin, status, bio, capabilities, webhook_url, \
                max_hourly_spend, referral_code, referrer_id, created_at from users where referrer_id = $1 and id < $2 order by id desc limit $3";
    INSERT_ACTION: (Uuid, UserId, String, Uuid, String, String, String, Ts) => () =
        "insert into admin_actions (id, admin_id, action, subject_id, reason, before, after, at) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    ADMIN_IDS: () => (UserId,) = "select id from users where is_admin and status = 'active' limit 100";
    ADMINS: () => (UserId,) = "select id from users where is_admin limit 1";
}

/// The owner of a key, locked when the call may write.
pub(super) fn key_owner(cx: &mut Context<'_, '_>, hash: [u8; 32], lock: bool) -> Result<Option<KeyOwner>> {
    Ok(cx.tx.maybe(if lock { &KEY_OWNER_LOCKED } else { &KEY_OWNER }, (hash,))?)
}

/// The owner of a session, locked when the call may write.
pub(super) fn session_owner(cx: &mut Context<'_, '_>, session: SessionId, user: UserId, lock: bool) -> Result<Option<SessionOwner>> {
    Ok(cx.tx.maybe(if lock { &SESSION_OWNER_LOCKED } else { &SESSION_OWNER }, (session, user))?)
}

/// A user by id.
pub fn user(cx: &mut Context<'_, '_>, id: UserId) -> Result<Option<User>> {
    Ok(cx.tx.maybe(&USER, (id,))?)
}

/// A user by id, locked.
pub fn user_locked(cx: &mut Context<'_, '_>, id: UserId) -> Result<Option<User>> {
    Ok(cx.tx.maybe(&USER_LOCKED, (id,))?)
}

pub(super) fn user_by_username(cx: &mut Context<'_, '_>, username: &str) -> Result<Option<User>> {
    Ok(cx.tx.maybe(&USER_BY_USERNAME, (username,))?)
}

pub(super) fn id_by_referral_code(cx: &mut Context<'_, '_>, code: &str) -> Result<Option<UserId>> {
    Ok(cx.tx.maybe(&ID_BY_REFERRAL_CODE, (code,))?.map(|(id,)| id))
}

pub(super) fn insert_user(cx: &mut Context<'_, '_>, user: &User) -> Result<()> {
    let row = (
        user.id,
        user.username.as_str(),
        user.display_name.as_str(),
        user.is_bot,
        user.is_admin,
        user.status,
        user.capabilities.as_str(),
        user.referral_code.as_str(),
        user.referrer_id,
        user.created_at,
    );
    Ok(cx.tx.write(&INSERT_USER, row)?)
}

pub(super) fn save_profile(cx: &mut Context<'_, '_>, user: &User) -> Result<()> {
    let row = (
        user.id,
        user.username.as_str(),
        user.username_changed,
        user.display_name.as_str(),
        user.bio.as_str(),
        user.capabilities.as_str(),
        user.webhook_url.as_deref(),
        user.max_hourly_spend,
    );
    Ok(cx.tx.write(&SAVE_PROFILE, row)?)
}

/// Lets a user act, or not.
pub fn set_status(cx: &mut Context<'_, '_>, id: UserId, status: Status) -> Result<()> {
    Ok(cx.tx.write(&SET_STATUS, (id, status))?)
}

pub(super) fn keys_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<Vec<KeyRow>> {
    Ok(cx.tx.all(&KEYS_OF, (user,))?)
}

/// How many keys count against the most that a user may have.
pub(super) fn keys_that_stay(cx: &mut Context<'_, '_>, user: UserId) -> Result<i64> {
    Ok(cx.tx.one(&KEYS_THAT_STAY, (user,))?.0)
}

/// How many keys work now, those included that a rotation lets expire.
pub fn keys_that_work(cx: &mut Context<'_, '_>, user: UserId) -> Result<i64> {
    let now = cx.now;
    Ok(cx.tx.one(&KEYS_THAT_WORK, (user, now))?.0)
}

pub(super) fn key_of(cx: &mut Context<'_, '_>, key: KeyId, user: UserId) -> Result<Option<KeyRow>> {
    Ok(cx.tx.maybe(&KEY_OF, (key, user))?)
}

pub(super) fn insert_key(cx: &mut Context<'_, '_>, key: &KeyRow, user: UserId, hash: [u8; 32]) -> Result<()> {
    Ok(cx.tx.write(&INSERT_KEY, (key.id, user, key.prefix.as_str(), hash, key.name.as_str(), key.scopes, key.created_at))?)
}

pub(super) fn expire_key(cx: &mut Context<'_, '_>, key: KeyId, at: Ts) -> Result<()> {
    Ok(cx.tx.write(&EXPIRE_KEY, (key, at))?)
}

pub(super) fn revoke_key(cx: &mut Context<'_, '_>, key: KeyId, at: Ts) -> Result<()> {
    Ok(cx.tx.write(&REVOKE_KEY, (key, at))?)
}

/// Nothing happens when the key is forgotten already.
pub(super) fn touch_key(cx: &mut Context<'_, '_>, key: KeyId, at: Ts) -> Result<()> {
    cx.tx.change(&TOUCH_KEY, (key, at))?;
    Ok(())
}

/// Forgets keys that ended before `before`; answers how many.
pub(super) fn forget_keys(cx: &mut Context<'_, '_>, before: Ts, at_most: i64) -> Result<u64> {
    Ok(cx.tx.change(&FORGET_KEYS, (before, at_most))?)
}

/// Forgets sessions that ended before `before`; answers how many.
pub(super) fn forget_sessions(cx: &mut Context<'_, '_>, before: Ts, at_most: i64) -> Result<u64> {
    Ok(cx.tx.change(&FORGET_SESSIONS, (before, at_most))?)
}

pub(super) fn password_by_email(cx: &mut Context<'_, '_>, email: &str) -> Result<Option<PasswordRow>> {
    Ok(cx.tx.maybe(&PASSWORD_BY_EMAIL, (email,))?)
}

pub(super) fn password_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<Option<PasswordRow>> {
    Ok(cx.tx.maybe(&PASSWORD_OF, (user,))?)
}

/// As it is, for a snapshot too.
pub(super) fn password_read(cx: &mut Context<'_, '_>, user: UserId) -> Result<Option<PasswordRow>> {
    Ok(cx.tx.maybe(&PASSWORD_READ, (user,))?)
}

pub(super) fn insert_password(cx: &mut Context<'_, '_>, user: UserId, email: &str, hash: &str, confirmed: bool) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&INSERT_PASSWORD, (user, email, confirmed.then_some(now), hash, now))?)
}

pub(super) fn signed_in(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&SIGNED_IN, (user, now))?)
}

pub(super) fn insert_session(cx: &mut Context<'_, '_>, session: &NewSession) -> Result<()> {
    let row = (
        session.id,
        session.user_id,
        session.kind,
        session.aal,
        session.amr.as_str(),
        session.created_at,
        session.expires_at,
        session.cookie_hash,
        session.ip.as_str(),
        session.user_agent.as_str(),
    );
    Ok(cx.tx.write(&INSERT_SESSION, row)?)
}

pub(super) fn session(cx: &mut Context<'_, '_>, id: SessionId) -> Result<Option<SessionRow>> {
    Ok(cx.tx.maybe(&SESSION, (id,))?)
}

/// As it is, for a snapshot too.
pub(super) fn session_read(cx: &mut Context<'_, '_>, id: SessionId) -> Result<Option<SessionRow>> {
    Ok(cx.tx.maybe(&SESSION_READ, (id,))?)
}

pub(super) fn session_by_cookie(cx: &mut Context<'_, '_>, hash: [u8; 32]) -> Result<Option<SessionRow>> {
    Ok(cx.tx.maybe(&SESSION_BY_COOKIE, (hash,))?)
}

/// The sessions of a user that go on, the newest first.
pub(super) fn sessions_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<Vec<SessionRow>> {
    let now = cx.now;
    Ok(cx.tx.all(&SESSIONS_OF, (user, now))?)
}

pub(super) fn session_seen(cx: &mut Context<'_, '_>, id: SessionId, expires_at: Ts) -> Result<()> {
    let now = cx.now;
    cx.tx.change(&SESSION_SEEN, (id, now, expires_at))?;
    Ok(())
}

/// Ends every session of a user but one.
pub(super) fn end_other_sessions(cx: &mut Context<'_, '_>, user: UserId, except: SessionId) -> Result<()> {
    let now = cx.now;
    cx.tx.change(&END_OTHER_SESSIONS, (user, except, now))?;
    Ok(())
}

pub(super) fn refreshed(cx: &mut Context<'_, '_>, id: SessionId, counter: i64, expires_at: Ts) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&REFRESHED, (id, counter, now, expires_at))?)
}

pub(super) fn end_session(cx: &mut Context<'_, '_>, id: SessionId) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&END_SESSION, (id, now))?)
}

/// Ends every session of a user.
pub fn end_sessions_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<u64> {
    let now = cx.now;
    Ok(cx.tx.change(&END_SESSIONS_OF, (user, now))?)
}

pub(super) fn signing_keys(cx: &mut Context<'_, '_>) -> Result<Vec<SigningKeyRow>> {
    let now = cx.now;
    Ok(cx.tx.all(&SIGNING_KEYS, (now,))?)
}

pub(super) fn end_signing(cx: &mut Context<'_, '_>, kid: &str, sign_until: Ts, publish_until: Ts) -> Result<()> {
    Ok(cx.tx.write(&END_SIGNING, (kid, sign_until, publish_until))?)
}

pub(super) fn insert_signing_key(cx: &mut Context<'_, '_>, key: &SigningKeyRow) -> Result<()> {
    let row = (key.kid.as_str(), key.private_sealed.as_slice(), key.public_jwk.as_str(), key.created_at, key.sign_until, key.publish_until);
    Ok(cx.tx.write(&INSERT_SIGNING_KEY, row)?)
}

pub(super) fn there_is_an_admin(cx: &mut Context<'_, '_>) -> Result<bool> {
    Ok(cx.tx.maybe(&ADMINS, ())?.is_some())
}

/// Writes down what counts for whom.
pub(super) fn insert_tallies(cx: &mut Context<'_, '_>, counts: &[(UserId, Tally, i64)]) -> Result<()> {
    let rows: Vec<_> = counts.iter().map(|(user, what, amount)| (cx.new_id(), *user, *what, *amount)).collect();
    Ok(cx.tx.write_rows(&INSERT_TALLIES, &rows)?)
}

/// One counter at a time, over all nodes.
pub(super) fn lock_tallying(cx: &mut Context<'_, '_>) -> Result<()> {
    cx.tx.one(&LOCK_TALLYING, ())?;
    Ok(())
}

/// What one run of the counting job takes.
pub(super) const TALLIED_TOGETHER: usize = 1_024;

/// The oldest of what is not counted yet.
pub(super) fn tallies(cx: &mut Context<'_, '_>) -> Result<Vec<(Uuid, UserId, Tally, i64)>> {
    Ok(cx.tx.all(&TALLIES, ())?)
}

pub(super) fn forget_tallies(cx: &mut Context<'_, '_>, ids: &[(Uuid,)]) -> Result<()> {
    Ok(cx.tx.write_rows(&FORGET_TALLIES, ids)?)
}

pub(super) fn reputation(cx: &mut Context<'_, '_>, user: UserId) -> Result<Option<Reputation>> {
    Ok(cx.tx.maybe(&REPUTATION, (user,))?)
}

/// The reputations of those who have one, in the order of their ids, as `users` are.
pub(super) fn reputations(cx: &mut Context<'_, '_>, users: &[(UserId,)]) -> Result<Vec<Reputation>> {
    Ok(cx.tx.all_of(&REPUTATIONS, users)?)
}

pub(super) fn save_reputations(cx: &mut Context<'_, '_>, reputations: &[Reputation]) -> Result<()> {
    let rows: Vec<_> = reputations
        .iter()
        .map(|r| {
            let (minutes, median) = (r.review_minutes.as_str(), r.median_review_minutes);
            (r.user_id, r.completed, r.paid, r.reviews, r.rejections, r.disputes, r.disputes_lost, r.stars, r.ratings, minutes, median)
        })
        .collect();
    Ok(cx.tx.write_rows(&SAVE_REPUTATIONS, &rows)?)
}

/// Who registered with the code of `referrer`, newest first, below the id `before`.
pub fn referred_by(cx: &mut Context<'_, '_>, referrer: UserId, before: UserId, at_most: i64) -> Result<Vec<User>> {
    Ok(cx.tx.all(&REFERRED_BY, (referrer, before, at_most))?)
}

/// The admins who may act, for what they have to be told.
pub fn admin_ids(cx: &mut Context<'_, '_>) -> Result<Vec<UserId>> {
    let mut ids: Vec<UserId> = cx.tx.all(&ADMIN_IDS, ())?.into_iter().map(|(id,)| id).collect();
    ids.sort_unstable();
    Ok(ids)
}

pub(super) fn insert_action(cx: &mut Context<'_, '_>, action: &Action<'_>) -> Result<()> {
    let (id, admin, now) = (cx.new_id(), cx.user_id()?, cx.now);
    Ok(cx.tx.write(&INSERT_ACTION, (id, admin, action.name, action.subject, action.reason, action.before, action.after, now))?)
}

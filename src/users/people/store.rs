//! The tables of people: what they say of themselves, mails, one-time tokens, second factors.

use uuid::Uuid;

use crate::base::ids::SessionId;
use crate::base::{Context, Result, Span, Ts, UserId};
use crate::users::people::factors::{Challenge, Factor};
use crate::users::people::mails::{DueMail, Mail};
use crate::users::people::one_time::Purpose;

::store::row! {
    /// A one-time token as stored.
    pub(super) struct TokenRow {
        pub(super) user_id: UserId,
        pub(super) purpose: Purpose,
        pub(super) email: String,
        pub(super) expires_at: Ts,
    }
}

::store::statements! {
    PERSON: (UserId,) => (String, Option<String>) = "select user_metadata, new_email from people where user_id = $1";
    SAVE_PERSON: (UserId, String, Option<String>) => () =
        "insert into people (user_id, user_metadata, new_email) values ($1, $2, $3) \
         on conflict (user_id) do update set user_metadata = excluded.user_metadata, new_email = excluded.new_email";
    SET_PASSWORD: (UserId, String, i64, Ts) => () =
        "update passwords set hash = $2, version = version + 1, updated_at = $4 where user_id = $1 and version = $3";
    SET_EMAIL: (UserId, String, Ts) => () =
        "update passwords set email = $2, email_confirmed_at = $3, updated_at = $3 where user_id = $1";
    CONFIRM_EMAIL: (UserId, Ts) => () =
        "update passwords set email_confirmed_at = $2, updated_at = $2 where user_id = $1 and email_confirmed_at is null";
    TOKEN: ([u8; 32],) => TokenRow = "select user_id, purpose, email, expires_at from mail_tokens where hash = $1 {lock}";
    TOKEN_READ: ([u8; 32],) => TokenRow = "select user_id, purpose, email, expires_at from mail_tokens where hash = $1";
    INSERT_TOKEN: ([u8; 32], UserId, Purpose, String, Ts, Ts) => () =
        "insert into mail_tokens (hash, user_id, purpose, email, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)";
    FORGET_TOKEN: ([u8; 32],) => () = "delete from mail_tokens where hash = $1";
    FORGET_TOKENS_OF: (UserId, Purpose) => () = "delete from mail_tokens where user_id = $1 and purpose = $2";
    FORGET_ALL_TOKENS_OF: (UserId,) => () = "delete from mail_tokens where user_id = $1";
    FORGET_OLD_TOKENS: (Ts, i64) => () =
        "delete from mail_tokens where hash in (select hash from mail_tokens where expires_at < $1 order by expires_at limit $2)";
    INSERT_REQUEST: (Uuid, String, Purpose, Ts) => () = "insert into mail_requests (id, email, purpose, created_at) values ($1, $2, $3, $4)";
    REQUESTS: (i64,) => (Uuid, String, Purpose) = "select id, email, purpose from mail_requests order by id limit $1 {lock}";
    FORGET_REQUEST: (Uuid,) => () = "delete from mail_requests where id = $1";
    INSERT_MAIL: (Uuid, String, String, String, Ts, Option<Ts>) => () =
        "insert into mails (id, recipient, subject, body, created_at, next_at, attempts) values ($1, $2, $3, $4, $5, $6, 0)";
    MAILS_DUE: (Ts,) => DueMail =
        "select id, recipient, subject, body, attempts from mails where next_at <= $1 order by next_at limit 20";
    POSTPONE_MAIL: (Uuid, i64, Option<Ts>) => () = "update mails set attempts = $2, next_at = $3 where id = $1";
    MAIL_SENT: (Uuid, Ts) => () = "update mails set sent_at = $2, next_at = null, attempts = attempts + 1 where id = $1";
    NEWEST_MAILS: (Ts,) => Mail =
        "select recipient, subject, body, created_at from mails where created_at > $1 order by created_at desc, id desc limit 50";
    FORGET_OLD_MAILS: (Ts, i64) => () =
        "delete from mails where id in (select id from mails where created_at < $1 order by created_at limit $2)";
    FACTORS_OF: (UserId,) => Factor =
        "select id, user_id, friendly_name, secret_sealed, verified_at, last_step, challenged_at, created_at, updated_at \
         from factors where user_id = $1 order by id limit 20";
    FACTOR: (Uuid, UserId) => Factor =
        "select id, user_id, friendly_name, secret_sealed, verified_at, last_step, challenged_at, created_at, updated_at \
         from factors where id = $1 and user_id = $2 {lock}";
    INSERT_FACTOR: (Uuid, UserId, String, Vec<u8>, Ts) => () =
        "insert into factors (id, user_id, friendly_name, secret_sealed, last_step, created_at, updated_at) values ($1, $2, $3, $4, 0, $5, $5)";
    FACTOR_USED: (Uuid, i64, Ts, Ts) => () = "update factors set last_step = $2, verified_at = $3, updated_at = $4 where id = $1";
    FACTOR_CHALLENGED: (Uuid, Ts) => () = "update factors set challenged_at = $2 where id = $1";
    DELETE_FACTOR: (Uuid,) => () = "delete from factors where id = $1";
    DELETE_UNVERIFIED: (UserId,) => () = "delete from factors where user_id = $1 and verified_at is null";
    CHALLENGE: (Uuid, Uuid) => Challenge = "select id, tries, expires_at from challenges where id = $1 and factor_id = $2 {lock}";
    INSERT_CHALLENGE: (Uuid, Uuid, Ts, Ts) => () =
        "insert into challenges (id, factor_id, tries, created_at, expires_at) values ($1, $2, 0, $3, $4)";
    CHALLENGE_TRIED: (Uuid,) => () = "update challenges set tries = tries + 1 where id = $1";
    DELETE_CHALLENGE: (Uuid,) => () = "delete from challenges where id = $1";
    FORGET_OLD_CHALLENGES: (Ts, i64) => () =
        "delete from challenges where id in (select id from challenges where expires_at < $1 order by expires_at limit $2)";
    INSERT_CODES: ([u8; 32], UserId) => () = "insert into recovery_codes (hash, user_id) values {rows}";
    FORGET_CODES_OF: (UserId,) => () = "delete from recovery_codes where user_id = $1";
    USE_CODE: ([u8; 32], UserId) => () = "delete from recovery_codes where hash = $1 and user_id = $2";
    LOCKED_KEYS: (UserId,) => (UserId,) = "select user_id from locked_keys where user_id = $1";
    LOCK_KEYS: (UserId, Ts) => () = "insert into locked_keys (user_id, since) values ($1, $2) on conflict (user_id) do nothing";
    UNLOCK_KEYS: (UserId,) => () = "delete from locked_keys where user_id = $1";
    RAISE_SESSION: (SessionId, String, Option<[u8; 32]>) => () =
        "update sessions set aal = 'aal2', amr = $2, cookie_hash = $3 where id = $1";
    END_WEAKER_SESSIONS: (UserId, SessionId, Ts) => () =
        "update sessions set revoked_at = $3 where user_id = $1 and id <> $2 and revoked_at is null and aal = 'aal1'";
}

pub(in crate::users) fn person(cx: &mut Context<'_, '_>, user: UserId) -> Result<(String, Option<String>)> {
    Ok(cx.tx.maybe(&PERSON, (user,))?.unwrap_or_else(|| ("{}".to_owned(), None)))
}

pub(super) fn save_person(cx: &mut Context<'_, '_>, user: UserId, metadata: &str, new_email: Option<&str>) -> Result<()> {
    Ok(cx.tx.write(&SAVE_PERSON, (user, metadata, new_email))?)
}

/// Answers whether the version was still the one that the change was decided by.
pub(super) fn set_password(cx: &mut Context<'_, '_>, user: UserId, hash: &str, version: i64) -> Result<bool> {
    let now = cx.now;
    Ok(cx.tx.change(&SET_PASSWORD, (user, hash, version, now))? == 1)
}

pub(super) fn set_email(cx: &mut Context<'_, '_>, user: UserId, email: &str) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&SET_EMAIL, (user, email, now))?)
}

pub(super) fn confirm_email(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    let now = cx.now;
    cx.tx.change(&CONFIRM_EMAIL, (user, now))?;
    Ok(())
}

pub(super) fn token(cx: &mut Context<'_, '_>, hash: [u8; 32]) -> Result<Option<TokenRow>> {
    Ok(cx.tx.maybe(&TOKEN, (hash,))?)
}

/// The same without taking it.
pub(super) fn token_read(cx: &mut Context<'_, '_>, hash: [u8; 32]) -> Result<Option<TokenRow>> {
    Ok(cx.tx.maybe(&TOKEN_READ, (hash,))?)
}

pub(super) fn insert_token(
    cx: &mut Context<'_, '_>,
    hash: [u8; 32],
    user: UserId,
    purpose: Purpose,
    email: &str,
    lasts: Span,
) -> Result<()> {
    let (now, until) = (cx.now, cx.now.plus(lasts));
    Ok(cx.tx.write(&INSERT_TOKEN, (hash, user, purpose, email, now, until))?)
}

pub(super) fn forget_token(cx: &mut Context<'_, '_>, hash: [u8; 32]) -> Result<()> {
    Ok(cx.tx.write(&FORGET_TOKEN, (hash,))?)
}

pub(super) fn forget_tokens_of(cx: &mut Context<'_, '_>, user: UserId, purpose: Purpose) -> Result<()> {
    cx.tx.change(&FORGET_TOKENS_OF, (user, purpose))?;
    Ok(())
}

pub(super) fn forget_all_tokens_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    cx.tx.change(&FORGET_ALL_TOKENS_OF, (user,))?;
    Ok(())
}

/// A mail was asked for.
pub(super) fn insert_request(cx: &mut Context<'_, '_>, email: &str, purpose: Purpose) -> Result<()> {
    let (id, now) = (cx.new_ordered_id(), cx.now);
    Ok(cx.tx.write(&INSERT_REQUEST, (id, email, purpose, now))?)
}

/// Takes the oldest requests for mails.
pub(super) fn take_requests(cx: &mut Context<'_, '_>, at_most: i64) -> Result<Vec<(String, Purpose)>> {
    let rows = cx.tx.all(&REQUESTS, (at_most,))?;
    for (id, ..) in &rows {
        cx.tx.write(&FORGET_REQUEST, (*id,))?;
    }
    Ok(rows.into_iter().map(|(_, email, purpose)| (email, purpose)).collect())
}

pub(super) fn insert_mail(cx: &mut Context<'_, '_>, recipient: &str, subject: &str, body: &str, next_at: Option<Ts>) -> Result<()> {
    let (id, now) = (cx.new_ordered_id(), cx.now);
    Ok(cx.tx.write(&INSERT_MAIL, (id, recipient, subject, body, now, next_at))?)
}

pub(super) fn mails_due(cx: &mut Context<'_, '_>) -> Result<Vec<DueMail>> {
    let now = cx.now;
    Ok(cx.tx.all(&MAILS_DUE, (now,))?)
}

pub(super) fn postpone_mail(cx: &mut Context<'_, '_>, id: Uuid, attempts: i64, next_at: Option<Ts>) -> Result<()> {
    cx.tx.change(&POSTPONE_MAIL, (id, attempts, next_at))?;
    Ok(())
}

pub(super) fn mail_sent(cx: &mut Context<'_, '_>, id: Uuid) -> Result<()> {
    let now = cx.now;
    cx.tx.change(&MAIL_SENT, (id, now))?;
    Ok(())
}

pub(super) fn newest_mails(cx: &mut Context<'_, '_>, since: Ts) -> Result<Vec<Mail>> {
    Ok(cx.tx.all(&NEWEST_MAILS, (since,))?)
}

/// Forgets what ended before `before`, some of each; answers the largest number of rows that one of them lost.
pub(super) fn forget(cx: &mut Context<'_, '_>, mails_before: Ts, at_most: i64) -> Result<u64> {
    let now = cx.now;
    let mails = cx.tx.change(&FORGET_OLD_MAILS, (mails_before, at_most))?;
    let tokens = cx.tx.change(&FORGET_OLD_TOKENS, (now, at_most))?;
    let challenges = cx.tx.change(&FORGET_OLD_CHALLENGES, (now, at_most))?;
    Ok(mails.max(tokens).max(challenges))
}

pub(super) fn factors_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<Vec<Factor>> {
    Ok(cx.tx.all(&FACTORS_OF, (user,))?)
}

pub(super) fn factor(cx: &mut Context<'_, '_>, id: Uuid, user: UserId) -> Result<Option<Factor>> {
    Ok(cx.tx.maybe(&FACTOR, (id, user))?)
}

pub(super) fn insert_factor(cx: &mut Context<'_, '_>, id: Uuid, user: UserId, name: &str, secret: &[u8]) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&INSERT_FACTOR, (id, user, name, secret, now))?)
}

pub(super) fn factor_used(cx: &mut Context<'_, '_>, factor: &Factor, step: i64) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&FACTOR_USED, (factor.id, step, factor.verified_at.unwrap_or(now), now))?)
}

pub(super) fn delete_factor(cx: &mut Context<'_, '_>, id: Uuid) -> Result<()> {
    Ok(cx.tx.write(&DELETE_FACTOR, (id,))?)
}

pub(super) fn delete_unverified(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    cx.tx.change(&DELETE_UNVERIFIED, (user,))?;
    Ok(())
}

pub(super) fn challenge(cx: &mut Context<'_, '_>, id: Uuid, factor: Uuid) -> Result<Option<Challenge>> {
    Ok(cx.tx.maybe(&CHALLENGE, (id, factor))?)
}

pub(super) fn insert_challenge(cx: &mut Context<'_, '_>, id: Uuid, factor: Uuid, expires_at: Ts) -> Result<()> {
    let now = cx.now;
    cx.tx.write(&INSERT_CHALLENGE, (id, factor, now, expires_at))?;
    Ok(cx.tx.write(&FACTOR_CHALLENGED, (factor, now))?)
}

pub(super) fn challenge_tried(cx: &mut Context<'_, '_>, id: Uuid) -> Result<()> {
    Ok(cx.tx.write(&CHALLENGE_TRIED, (id,))?)
}

pub(super) fn delete_challenge(cx: &mut Context<'_, '_>, id: Uuid) -> Result<()> {
    Ok(cx.tx.write(&DELETE_CHALLENGE, (id,))?)
}

/// Other recovery codes for a user.
pub(super) fn set_codes(cx: &mut Context<'_, '_>, user: UserId, hashes: &[[u8; 32]]) -> Result<()> {
    cx.tx.change(&FORGET_CODES_OF, (user,))?;
    let rows: Vec<_> = hashes.iter().map(|hash| (*hash, user)).collect();
    if rows.is_empty() { Ok(()) } else { Ok(cx.tx.write_rows(&INSERT_CODES, &rows)?) }
}

/// Uses a recovery code up; answers whether it was one.
pub(super) fn use_code(cx: &mut Context<'_, '_>, hash: [u8; 32], user: UserId) -> Result<bool> {
    Ok(cx.tx.change(&USE_CODE, (hash, user))? == 1)
}

pub(super) fn raise_session(cx: &mut Context<'_, '_>, id: SessionId, amr: &str, cookie_hash: Option<[u8; 32]>) -> Result<()> {
    Ok(cx.tx.write(&RAISE_SESSION, (id, amr, cookie_hash))?)
}

pub(super) fn end_weaker_sessions(cx: &mut Context<'_, '_>, user: UserId, except: SessionId) -> Result<()> {
    let now = cx.now;
    cx.tx.change(&END_WEAKER_SESSIONS, (user, except, now))?;
    Ok(())
}

pub(in crate::users) fn keys_are_locked(cx: &mut Context<'_, '_>, user: UserId) -> Result<bool> {
    Ok(cx.tx.maybe(&LOCKED_KEYS, (user,))?.is_some())
}

pub(in crate::users) fn lock_keys(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    let now = cx.now;
    cx.tx.change(&LOCK_KEYS, (user, now)).map(drop)?;
    Ok(())
}

pub(in crate::users) fn unlock_keys(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    cx.tx.change(&UNLOCK_KEYS, (user,)).map(drop)?;
    Ok(())
}

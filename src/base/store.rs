//! What the dispatcher remembers: answers to repeated calls, and the uses of hourly limits.

use uuid::Uuid;

use crate::base::clock::Ts;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::limit::Policy;

::store::row! {
    /// The stored answer of an earlier call.
    pub(super) struct StoredAnswer {
        pub(super) input_hash: [u8; 32],
        pub(super) status: i64,
        pub(super) body: Vec<u8>,
    }
}

::store::statements! {
    ANSWER: ([u8; 16],) => StoredAnswer = "select input_hash, status, body from idempotency where digest = $1";
    SAVE_ANSWER: ([u8; 16], [u8; 32], i64, Vec<u8>, Ts, bool) => () =
        "insert into idempotency (digest, input_hash, status, body, created_at, kept) values ($1, $2, $3, $4, $5, $6)";
    FORGET_ANSWERS: (Ts, i64) => () =
        "delete from idempotency where digest in (select digest from idempotency where not kept and created_at < $1 order by created_at limit $2)";
    LAST_AND_FIRST_USE: (Uuid, String, Ts) => (Option<i64>, Option<i64>, Option<Ts>) =
        "select (select n from hourly_uses where subject = $1 and policy = $2 order by n desc limit 1), \
                (select n from hourly_uses where subject = $1 and policy = $2 and at > $3 order by n limit 1), \
                (select at from hourly_uses where subject = $1 and policy = $2 and at > $3 order by n limit 1)";
    USE_AT: (Uuid, String, i64) => (Ts,) = "select at from hourly_uses where subject = $1 and policy = $2 and n = $3";
    SAVE_USE: (Uuid, String, i64, Ts) => () = "insert into hourly_uses (subject, policy, n, at) values ($1, $2, $3, $4)";
    TAKE_BACK_USE: (Uuid, String, i64) => () = "delete from hourly_uses where subject = $1 and policy = $2 and n = $3";
    FORGET_USES: (Ts, i64) => () =
        "delete from hourly_uses where (subject, policy, n) in (select subject, policy, n from hourly_uses where at <= $1 order by at limit $2)";
    FACT: (String,) => (String,) = "select value from installation where key = $1";
    SAVE_FACT: (String, String) => () =
        "insert into installation (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value";
}

pub(super) fn answer(cx: &mut Context<'_, '_>, digest: [u8; 16]) -> Result<Option<StoredAnswer>> {
    Ok(cx.tx.maybe(&ANSWER, (digest,))?)
}

/// `kept` is for ever.
pub(super) fn save_answer(
    cx: &mut Context<'_, '_>,
    digest: [u8; 16],
    input_hash: [u8; 32],
    status: u16,
    body: &[u8],
    kept: bool,
) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&SAVE_ANSWER, (digest, input_hash, i64::from(status), body, now, kept))?)
}

/// Forgets answers made before `before`; answers how many.
pub(super) fn forget_answers(cx: &mut Context<'_, '_>, before: Ts, at_most: i64) -> Result<u64> {
    Ok(cx.tx.change(&FORGET_ANSWERS, (before, at_most))?)
}

/// Announces the next read.
pub(super) fn announce_last_and_first_use(cx: &mut Context<'_, '_>, subject: Uuid, policy: Policy, since: Ts) {
    cx.tx.announce(&LAST_AND_FIRST_USE, (subject, policy.name(), since));
}

/// The number of the newest use; number and time of the oldest one after `since`.
pub(super) fn last_and_first_use(
    cx: &mut Context<'_, '_>,
    subject: Uuid,
    policy: Policy,
    since: Ts,
) -> Result<(Option<i64>, Option<i64>, Option<Ts>)> {
    Ok(cx.tx.one(&LAST_AND_FIRST_USE, (subject, policy.name(), since))?)
}

pub(super) fn use_at(cx: &mut Context<'_, '_>, subject: Uuid, policy: Policy, n: i64) -> Result<Option<Ts>> {
    Ok(cx.tx.maybe(&USE_AT, (subject, policy.name(), n))?.map(|(at,)| at))
}

pub(super) fn save_use(cx: &mut Context<'_, '_>, subject: Uuid, policy: Policy, n: i64, at: Ts) -> Result<()> {
    Ok(cx.tx.write(&SAVE_USE, (subject, policy.name(), n, at))?)
}

/// Takes one use back; nothing happens when it is forgotten already.
pub(super) fn take_back_use(cx: &mut Context<'_, '_>, subject: Uuid, policy: Policy, n: i64) -> Result<()> {
    cx.tx.change(&TAKE_BACK_USE, (subject, policy.name(), n))?;
    Ok(())
}

/// Forgets uses that no hour counts any more; answers how many.
pub(super) fn forget_uses(cx: &mut Context<'_, '_>, until: Ts, at_most: i64) -> Result<u64> {
    Ok(cx.tx.change(&FORGET_USES, (until, at_most))?)
}

/// A fact about this installation.
pub(super) fn fact(cx: &mut Context<'_, '_>, key: &str) -> Result<Option<String>> {
    Ok(cx.tx.maybe(&FACT, (key,))?.map(|(value,)| value))
}

pub(super) fn save_fact(cx: &mut Context<'_, '_>, key: &str, value: &str) -> Result<()> {
    Ok(cx.tx.write(&SAVE_FACT, (key, value))?)
}

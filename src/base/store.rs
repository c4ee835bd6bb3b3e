//! What the dispatcher remembers: answers to repeated calls, and what was done lately.

use uuid::Uuid;

use crate::base::clock::Ts;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::recent::Stored;

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
    RECENT: (Uuid, String) => (i64, Vec<u8>) = "select hour, deeds from recent where subject = $1 and purpose = $2";
    INSERT_RECENT: (Uuid, String, i64, Vec<u8>) => () = "insert into recent (subject, purpose, hour, deeds) values ($1, $2, $3, $4)";
    SAVE_DEEDS: (Vec<u8>, Uuid, String, Vec<u8>) => () =
        "update recent set deeds = $1 where subject = $2 and purpose = $3 and deeds = $4";
    SAVE_RECENT: (i64, Vec<u8>, Uuid, String, Vec<u8>) => () =
        "update recent set hour = $1, deeds = $2 where subject = $3 and purpose = $4 and deeds = $5";
    FORGET_RECENT: (i64, i64) => () =
        "delete from recent where (subject, purpose) in (select subject, purpose from recent where hour < $1 order by hour limit $2)";
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

/// Announces [`recent`].
pub(super) fn announce_recent(cx: &mut Context<'_, '_>, subject: Uuid, purpose: &str) {
    cx.tx.announce(&RECENT, (subject, purpose));
}

pub(super) fn recent(cx: &mut Context<'_, '_>, subject: Uuid, purpose: &str) -> Result<Option<Stored>> {
    Ok(cx.tx.maybe(&RECENT, (subject, purpose))?)
}

/// Writes a row that is still as it was read, or not there. The index by hour is left alone where the hour stays.
pub(super) fn save_recent(
    cx: &mut Context<'_, '_>,
    (subject, purpose): (Uuid, &str),
    stored: Option<&Stored>,
    (hour, deeds): &Stored,
) -> Result<()> {
    let deeds = deeds.as_slice();
    Ok(match stored {
        None => cx.tx.write(&INSERT_RECENT, (subject, purpose, *hour, deeds)),
        Some((of, before)) if of == hour => cx.tx.write(&SAVE_DEEDS, (deeds, subject, purpose, before.as_slice())),
        Some((_, before)) => cx.tx.write(&SAVE_RECENT, (*hour, deeds, subject, purpose, before.as_slice())),
    }?)
}

/// Forgets rows of before an hour; answers how many.
pub(super) fn forget_recent(cx: &mut Context<'_, '_>, hour: i64, at_most: i64) -> Result<u64> {
    Ok(cx.tx.change(&FORGET_RECENT, (hour, at_most))?)
}

/// A fact about this installation.
pub(super) fn fact(cx: &mut Context<'_, '_>, key: &str) -> Result<Option<String>> {
    Ok(cx.tx.maybe(&FACT, (key,))?.map(|(value,)| value))
}

pub(super) fn save_fact(cx: &mut Context<'_, '_>, key: &str, value: &str) -> Result<()> {
    Ok(cx.tx.write(&SAVE_FACT, (key, value))?)
}

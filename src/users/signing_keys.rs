//! The keys that sign tokens: shared by all nodes through the database, sealed at rest.

use crate::base::{Context, Result, Span};
use crate::users::credentials::SigningKeyRow;
use crate::users::store;

/// The next key is published so long before it is the only one that signs: clients keep the public keys for a while.
const PUBLISHED_AHEAD: Span = Span::hours(1);

/// The keys that are published now, newest first.
pub fn signing_keys(cx: &mut Context<'_, '_>) -> Result<Vec<SigningKeyRow>> {
    store::signing_keys(cx)
}

/// Adds `key` unless another node was first; answers the keys that are published now.
pub fn ensure_signing_key(cx: &mut Context<'_, '_>, key: &SigningKeyRow) -> Result<Vec<SigningKeyRow>> {
    // Nodes that start together on a fresh database must not each make a key.
    cx.tx.serialize_on(0x726f_626f_6b69)?;
    let keys = store::signing_keys(cx)?;
    let soon = cx.now.plus(PUBLISHED_AHEAD);
    if keys.iter().any(|known| known.sign_until > soon) {
        return Ok(keys);
    }
    store::insert_signing_key(cx, key)?;
    store::signing_keys(cx)
}

/// How long the old key goes on signing after another was made: clients keep the public keys for ten minutes.
const SIGNS_ON: Span = Span::minutes(15);
/// How long it stays published after that: a token of its last second is good for an hour.
const PUBLISHED_AFTER: Span = Span::hours(2);

/// Adds `key` and lets the others sign for a few minutes more only; answers how many those are.
pub fn rotate(cx: &mut Context<'_, '_>, key: &SigningKeyRow) -> Result<usize> {
    cx.tx.serialize_on(0x726f_626f_6b69)?;
    let until = cx.now.plus(SIGNS_ON);
    let old: Vec<SigningKeyRow> = store::signing_keys(cx)?.into_iter().filter(|known| known.sign_until > until).collect();
    for known in &old {
        store::end_signing(cx, &known.kid, until, until.plus(PUBLISHED_AFTER))?;
    }
    store::insert_signing_key(cx, key)?;
    Ok(old.len())
}

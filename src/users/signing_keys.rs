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

//! Jobs: rows of keys and sessions that ended long ago are forgotten. Until then the list of keys shows them, and their
//! owner can see what a stranger did with them.

use crate::base::{Context, Result, Span};
use crate::users::store;

const KEYS_KEPT: Span = Span::days(90);
const SESSIONS_KEPT: Span = Span::days(30);
const CHUNK: u64 = 500;

/// Forgets keys 90 days after they were revoked or expired. Answers whether there may be more.
pub fn forget_ended_keys(cx: &mut Context<'_, '_>) -> Result<bool> {
    let before = cx.now.minus(KEYS_KEPT);
    Ok(store::forget_keys(cx, before, CHUNK.cast_signed())? == CHUNK)
}

/// Forgets sessions 30 days after they ended. Answers whether there may be more.
pub fn forget_ended_sessions(cx: &mut Context<'_, '_>) -> Result<bool> {
    let before = cx.now.minus(SESSIONS_KEPT);
    Ok(store::forget_sessions(cx, before, CHUNK.cast_signed())? == CHUNK)
}

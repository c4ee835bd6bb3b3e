//! Referral codes: what a user gives to others, bound to a new user once, at registration.

use crate::base::{Context, Result};
use crate::users::store;

/// Digits and letters of a code.
pub(super) const LENGTH: usize = 8;

/// Whether somebody has this code.
pub fn exists(cx: &mut Context<'_, '_>, code: &str) -> Result<bool> {
    Ok(is_well_formed(code) && store::id_by_referral_code(cx, code)?.is_some())
}

/// Whether a text could be a code.
pub fn is_well_formed(code: &str) -> bool {
    code.len() == LENGTH && code.bytes().all(|b| b.is_ascii_alphanumeric())
}

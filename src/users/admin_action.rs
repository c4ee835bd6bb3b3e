//! What admins did, for ever: who, what, to whom, why, before and after.

use uuid::Uuid;

use crate::base::{Context, Result};
use crate::users::store;

/// One decision of an admin.
#[derive(Clone, Copy, Debug)]
pub struct Action<'a> {
    /// What was done.
    pub name: &'static str,
    /// To what.
    pub subject: Uuid,
    /// Why.
    pub reason: &'a str,
    /// How it was.
    pub before: &'a str,
    /// How it is.
    pub after: &'a str,
}

/// Writes down what the caller decided.
pub fn record(cx: &mut Context<'_, '_>, action: Action<'_>) -> Result<()> {
    store::insert_action(cx, &action)
}

//! A flagged user does everything as before; his withdrawals wait for an admin.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::Refusal;
use crate::base::{Context, Result, UserId};
use crate::users::admin_action::{self, Action};
use crate::users::store::user;
use crate::wallet::store as wallet;

/// Whom, and why.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagUser {
    /// Whom.
    #[garde(skip)]
    user_id: UserId,
    /// True: look at his withdrawals; false: no longer.
    #[garde(skip)]
    flagged: bool,
    /// Kept in the audit log.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

/// The user as he is now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Flagged {
    /// Whom.
    user_id: UserId,
    /// Whether his withdrawals are looked at.
    flagged: bool,
}

pub(super) fn flag_user(cx: &mut Context<'_, '_>, input: &FlagUser) -> Result<Flagged> {
    let FlagUser { user_id, flagged, ref reason } = *input;
    user(cx, user_id)?.ok_or(Refusal::NotFound)?;
    let word = |flagged: bool| if flagged { "flagged" } else { "" };
    let before = wallet::is_flagged(cx, user_id)?;
    wallet::set_flagged(cx, user_id, flagged)?;
    admin_action::record(cx, Action { name: "flag_user", subject: user_id.0, reason, before: word(before), after: word(flagged) })?;
    Ok(Flagged { user_id, flagged })
}

//! Suspension: a user may read, and nothing else. His tasks take no more workers; nothing earned is lost.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::Refusal;
use crate::base::{Context, Result, UserId};
use crate::moderation::ModerationRefusal;
use crate::tasks::close::close_tasks_of;
use crate::users::admin_action::{self, Action};
use crate::users::store as users;
use crate::users::user::{Status, User};
use crate::wallet::review;

/// Whom, and why.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Whom.
    #[garde(skip)]
    user_id: UserId,
    /// Kept in the audit log.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

/// The user as he is now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Decided {
    /// Whom.
    user_id: UserId,
    /// What he is now.
    status: Status,
}

pub(super) fn suspend_user(cx: &mut Context<'_, '_>, input: &Decision) -> Result<Decided> {
    if cx.user_id()? == input.user_id {
        return Err(ModerationRefusal::OwnAccount.into());
    }
    let user = user(cx, input.user_id)?;
    if user.status != Status::Active {
        return Err(ModerationRefusal::NotActive.into());
    }
    decide(cx, &user, Status::Suspended, "suspend_user", &input.reason)?;
    users::end_sessions_of(cx, user.id)?;
    close_tasks_of(cx, user.id)?;
    review::hold_all_of(cx, user.id)?;
    Ok(Decided { user_id: user.id, status: Status::Suspended })
}

pub(super) fn restore_user(cx: &mut Context<'_, '_>, input: &Decision) -> Result<Decided> {
    let user = user(cx, input.user_id)?;
    if user.status != Status::Suspended {
        return Err(ModerationRefusal::NotSuspended.into());
    }
    decide(cx, &user, Status::Active, "restore_user", &input.reason)?;
    Ok(Decided { user_id: user.id, status: Status::Active })
}

fn user(cx: &mut Context<'_, '_>, id: UserId) -> Result<User> {
    Ok(users::user_locked(cx, id)?.ok_or(Refusal::NotFound)?)
}

fn decide(cx: &mut Context<'_, '_>, user: &User, status: Status, name: &'static str, reason: &str) -> Result<()> {
    users::set_status(cx, user.id, status)?;
    admin_action::record(cx, Action { name, subject: user.id.0, reason, before: user.status.name(), after: status.name() })
}

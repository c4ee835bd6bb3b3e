//! An admin closes a task that should not be there.

use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::base::{Context, Result};
use crate::moderation::ModerationRefusal;
use crate::tasks::close::{Closed, close_by_operator};
use crate::tasks::task::{TaskId, TaskStatus};
use crate::users::admin_action::{self, Action};

/// Which task, and why.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendTask {
    /// Which.
    #[garde(skip)]
    task_id: TaskId,
    /// Kept in the audit log.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

pub(super) fn suspend_task(cx: &mut Context<'_, '_>, input: &SuspendTask) -> Result<Closed> {
    let closed = close_by_operator(cx, input.task_id)?.ok_or(ModerationRefusal::TaskNotOpen)?;
    let action = Action {
        name: "suspend_task",
        subject: input.task_id.0,
        reason: &input.reason,
        before: TaskStatus::Open.name(),
        after: closed.status.name(),
    };
    admin_action::record(cx, action)?;
    Ok(closed)
}

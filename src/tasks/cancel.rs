//! A worker gives his slot up.

use serde::Serialize;

use schemars::JsonSchema;

use crate::base::error::Refusal;
use crate::base::{Context, Result};
use crate::tasks::accept::WhichTask;
use crate::tasks::acceptance::{AcceptanceId, AcceptanceStatus};
use crate::tasks::case::Case;
use crate::tasks::{TaskRefusal, store};

/// The slot is free again.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Cancelled {
    /// Which one was given up.
    acceptance_id: AcceptanceId,
    /// Always `withdrawn`.
    status: AcceptanceStatus,
}

pub(super) fn cancel_acceptance(cx: &mut Context<'_, '_>, input: &WhichTask) -> Result<Cancelled> {
    let worker = cx.user_id()?;
    let Some(mut case) = Case::held_by(cx, input.task_id, worker)? else {
        store::task(cx, input.task_id)?.ok_or(Refusal::NotFound)?;
        return Err(TaskRefusal::NotAccepted.into());
    };
    case.acceptance.withdraw(cx.now)?;
    case.free(cx)?;
    let (acceptance_id, status) = (case.acceptance.id, case.acceptance.status);
    case.save(cx)?;
    Ok(Cancelled { acceptance_id, status })
}

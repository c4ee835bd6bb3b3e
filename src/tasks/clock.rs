//! What time does by itself: deadlines, review windows, disputes, dates of expiry. The same rules and the same settling
//! as when people act; each item in a transaction of its own, so it may run late, twice, or on several nodes.

use serde_json::json;

use crate::base::{Context, Result};
use crate::events::EventKind;
use crate::tasks::acceptance::{AcceptanceId, AcceptanceStatus, Decision, Happening};
use crate::tasks::approve::approve;
use crate::tasks::case::Case;
use crate::tasks::close::close;
use crate::tasks::decide_dispute::decide;
use crate::tasks::store;
use crate::tasks::task::{ClosedBy, TaskId, TaskStatus};
use crate::users::store::admin_ids;

/// Something at which the clock has something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A deadline, a window, or a reminder.
    Acceptance(AcceptanceId),
    /// A date of expiry.
    Task(TaskId),
}

/// What is due now, the oldest first, up to a few hundred.
pub fn due(cx: &mut Context<'_, '_>) -> Result<Vec<Due>> {
    let mut due: Vec<Due> = store::waiting(cx)?.into_iter().map(Due::Acceptance).collect();
    due.extend(store::overdue_tasks(cx)?.into_iter().map(Due::Task));
    Ok(due)
}

/// Does it, one step. Nothing when somebody else has done it.
pub fn act(cx: &mut Context<'_, '_>, due: Due) -> Result<()> {
    match due {
        Due::Acceptance(id) => act_on_acceptance(cx, id),
        Due::Task(id) => act_on_task(cx, id),
    }
}

fn act_on_task(cx: &mut Context<'_, '_>, id: TaskId) -> Result<()> {
    let Some(task) = store::task_locked(cx, id)? else { return Ok(()) };
    if task.status != TaskStatus::Open || cx.now < task.expires_at {
        return Ok(());
    }
    // An admin who suspends a user writes his name here and lets the task expire.
    let by = if task.closed_by == ClosedBy::Nobody { ClosedBy::Clock } else { task.closed_by };
    close(cx, task, by).map(drop)
}

fn act_on_acceptance(cx: &mut Context<'_, '_>, id: AcceptanceId) -> Result<()> {
    let mut case = Case::of_acceptance(cx, id)?;
    if case.acceptance.next_at().is_none_or(|at| cx.now < at) {
        return Ok(());
    }
    let before = case.acceptance.clone();
    let Some(happening) = case.acceptance.tick(&case.task, cx.now) else { return remind(cx, case) };
    let at = before.due_at.unwrap_or(cx.now);
    match happening {
        Happening::Expired => {
            case.tell(before.worker_id, EventKind::AcceptanceExpired, json!({}));
            case.free(cx)?;
            case.save(cx)
        }
        Happening::RejectionStands => {
            case.free(cx)?;
            case.save(cx)
        }
        Happening::ReviewResumed => {
            case.tell(case.task.creator_id, EventKind::ReviewResumed, json!({ "auto_approve_at": case.acceptance.due_at }));
            case.save(cx)
        }
        Happening::AutoApproved => {
            case.acceptance = before;
            approve(cx, case, true, at).map(drop)
        }
        Happening::DisputeTimedOut => {
            case.acceptance = before;
            store::insert_remark(cx, id, "decision", "pay", "Nobody decided in time.")?;
            decide(cx, case, Decision::Pay, None, at).map(drop)
        }
    }
}

/// Reminds who has to decide: the creator of a review, the admins of a dispute.
fn remind(cx: &mut Context<'_, '_>, mut case: Case) -> Result<()> {
    let Some(percent) = case.acceptance.remind(cx.now) else { return Ok(()) };
    let told = json!({ "percent": percent, "due_at": case.acceptance.due_at, "status": case.acceptance.status });
    if case.acceptance.status == AcceptanceStatus::Disputed {
        for admin in admin_ids(cx)? {
            case.tell(admin, EventKind::ReviewReminder, told.clone());
        }
    } else {
        case.tell(case.task.creator_id, EventKind::ReviewReminder, told);
    }
    case.save(cx)
}

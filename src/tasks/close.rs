//! No more workers for a task: its free slots are paid back at once, those at work may finish.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::{Refusal, internal};
use crate::base::{Context, Result, Usdt, UserId};
use crate::events;
use crate::ledger::{self, AccountId, Transaction, TransactionKind};
use crate::tasks::accept::WhichTask;
use crate::tasks::case::task_completed;
use crate::tasks::settlement::escrow;
use crate::tasks::task::{ClosedBy, Task, TaskId, TaskStatus};
use crate::tasks::{search, store};

/// The task takes no more workers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Closed {
    /// Which.
    task_id: TaskId,
    /// `closing` while somebody is at work, otherwise how it ended.
    pub status: TaskStatus,
    /// What came back for the free slots.
    refunded_usd: Usdt,
    /// Slots that somebody is at work on, or that are not decided.
    slots_live: i64,
}

pub(super) fn close_task(cx: &mut Context<'_, '_>, input: &WhichTask) -> Result<Closed> {
    let me = cx.user_id()?;
    let task = store::task_locked(cx, input.task_id)?.filter(|task| task.creator_id == me).ok_or(Refusal::NotFound)?;
    task.takes_workers(cx.now)?;
    close(cx, task, ClosedBy::Creator)
}

/// Closes an open task for an admin; nothing when it is not open.
///
/// # Errors
/// `not_found`
pub fn close_by_operator(cx: &mut Context<'_, '_>, id: TaskId) -> Result<Option<Closed>> {
    let task = store::task_locked(cx, id)?.ok_or(Refusal::NotFound)?;
    if task.status != TaskStatus::Open {
        return Ok(None);
    }
    close(cx, task, ClosedBy::Operator).map(Some)
}

/// Lets the open tasks of a user take no more workers from now on; the clock closes them one by one.
pub fn close_tasks_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<u64> {
    store::expire_tasks_of(cx, user)
}

/// Closes an open task: its creator, its date or an admin wants it.
pub(super) fn close(cx: &mut Context<'_, '_>, mut task: Task, by: ClosedBy) -> Result<Closed> {
    let free = task.close(by, cx.now);
    let refunded_usd = task.reward.times(free).ok_or_else(|| internal("a task holds more than i64"))?;
    if refunded_usd > Usdt::ZERO {
        let back = Transaction::new(TransactionKind::Close, task.id.0);
        ledger::record(cx, &back.post(escrow(task.id), AccountId::available(task.creator_id), refunded_usd))?;
    }
    store::save_task(cx, &task)?;
    search::forget(cx, task.id)?;
    if task.is_over() {
        events::emit(cx, &[task_completed(&task)?])?;
    }
    Ok(Closed { task_id: task.id, status: task.status, refunded_usd, slots_live: task.slots_live })
}

//! A worker takes a slot. The last one goes to exactly one of those who ask for it.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::error::Refusal;
use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::events::{self, Event, EventKind};
use crate::tasks::acceptance::{Acceptance, AcceptanceId};
use crate::tasks::store::{self, Candidate};
use crate::tasks::task::{Task, TaskId};
use crate::tasks::{TaskRefusal, settlement};

/// After so many acceptances of his own cancelling, a task is closed to a worker.
pub(super) const ATTEMPTS_MAX: i64 = 2;

/// Which task.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhichTask {
    /// From a search.
    #[garde(skip)]
    pub(super) task_id: TaskId,
}

/// The slot is yours.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Accepted {
    /// For ever.
    acceptance_id: AcceptanceId,
    /// The same id, under its other name.
    assignment_id: AcceptanceId,
    /// A proof counts before this time.
    deadline: Option<Ts>,
    /// What the creator pays.
    reward_usd: Usdt,
    /// What you get of it.
    reward_net_usd: Usdt,
}

pub(super) fn reads_first(cx: &mut Context<'_, '_>, input: &WhichTask, worker: UserId) {
    store::announce_task_and_candidate(cx, input.task_id, worker);
}

pub(super) fn accept_task(cx: &mut Context<'_, '_>, input: &WhichTask) -> Result<Accepted> {
    let worker = cx.user_id()?;
    let (mut task, candidate) = store::task_and_candidate(cx, input.task_id, worker)?.ok_or(Refusal::NotFound)?;
    fits(&task, &candidate, worker, cx.now)?;
    task.take_slot(cx.now)?;
    let acceptance = Acceptance::new(AcceptanceId(cx.new_id()), &task, worker, cx.now);
    store::save_task(cx, &task)?;
    store::insert_acceptance(cx, &acceptance)?;
    let data = json!({ "task_id": task.id, "acceptance_id": acceptance.id, "worker_id": worker, "deadline": acceptance.due_at });
    events::emit(cx, &[Event::new(task.creator_id, EventKind::TaskAccepted, data)])?;
    Ok(Accepted {
        acceptance_id: acceptance.id,
        assignment_id: acceptance.id,
        deadline: acceptance.due_at,
        reward_usd: task.reward,
        reward_net_usd: settlement::net(&task),
    })
}

/// Whether this worker may take a slot of this task, apart from there being one.
fn fits(task: &Task, candidate: &Candidate, worker: UserId, now: Ts) -> Result<(), TaskRefusal> {
    if task.creator_id == worker {
        return Err(TaskRefusal::OwnTask);
    }
    match candidate.status {
        Some(_) if candidate.holds_until().is_some_and(|until| now < until) => return Err(TaskRefusal::AlreadyAccepted),
        Some(_) => return Err(TaskRefusal::AlreadyTried),
        None if candidate.withdrawn >= ATTEMPTS_MAX => return Err(TaskRefusal::AlreadyTried),
        None => {}
    }
    task.takes_workers(now)?;
    if !task.worker_type.fits(candidate.is_bot) {
        return Err(TaskRefusal::WorkerTypeMismatch { wanted: task.worker_type.name() });
    }
    match task.min_rating {
        Some(least) if !candidate.has_rating(least) => Err(TaskRefusal::RatingTooLow { least: least.to_string() }),
        _ => Ok(()),
    }
}

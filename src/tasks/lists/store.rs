//! The lists, by keyset.

use ::store::Both;
use uuid::Uuid;

use crate::base::{Context, Result, UserId};
use crate::tasks::acceptance::Acceptance;
use crate::tasks::store::{acceptance_columns, task_columns};
use crate::tasks::submission::Proof;
use crate::tasks::task::{Task, TaskId};

/// A task and its title.
pub(super) type TaskRow = Both<Task, (String,)>;
/// A task, an acceptance of it, its title.
pub(super) type AcceptanceRow = Both<Task, Both<Acceptance, (String,)>>;
/// A task, an acceptance of it, the title, the display name and the username of the worker.
pub(super) type WaitingRow = Both<Task, Both<Acceptance, (String, String, String)>>;
/// A proof, its acceptance, the display name and the username of the worker.
pub(super) type SubmissionRow = Both<Proof, Both<Acceptance, (String, String)>>;

::store::statements! {
    PUBLISHED: (UserId, Uuid, i64) => TaskRow = concat!(
        "select ", task_columns!(), ", x.title from tasks t join task_texts x on x.task_id = t.id \
         where t.creator_id = $1 and t.id < $2 order by t.id desc limit $3"
    );
    ACCEPTED: (UserId, Uuid, i64) => AcceptanceRow = concat!(
        "select ", task_columns!(), ", ", acceptance_columns!(), ", x.title from acceptances a join tasks t on t.id = a.task_id \
         join task_texts x on x.task_id = t.id where a.worker_id = $1 and a.id < $2 order by a.id desc limit $3"
    );
    RECEIVED: (TaskId, Uuid, i64) => SubmissionRow = concat!(
        "select s.id, s.n, s.proof_url, s.proof_text, s.submitted_at, ", acceptance_columns!(), ", w.display_name, w.username \
         from submissions s join acceptances a on a.id = s.acceptance_id join users w on w.id = a.worker_id \
         where s.task_id = $1 and s.id < $2 order by s.id desc limit $3"
    );
    WAITING: (UserId, i64) => WaitingRow = concat!(
        "select ", task_columns!(), ", ", acceptance_columns!(), ", x.title, w.display_name, w.username \
         from tasks t join acceptances a on a.task_id = t.id join task_texts x on x.task_id = t.id join users w on w.id = a.worker_id \
         where t.creator_id = $1 and t.slots_live > 0 and a.status = 'submitted' and a.status <> 'withdrawn' order by t.id limit $2"
    );
}

/// Tasks of a creator, newest first.
pub(super) fn published(cx: &mut Context<'_, '_>, creator: UserId, before: Uuid, at_most: i64) -> Result<Vec<TaskRow>> {
    Ok(cx.tx.all(&PUBLISHED, (creator, before, at_most))?)
}

/// Slots of a worker, newest first.
pub(super) fn accepted(cx: &mut Context<'_, '_>, worker: UserId, before: Uuid, at_most: i64) -> Result<Vec<AcceptanceRow>> {
    Ok(cx.tx.all(&ACCEPTED, (worker, before, at_most))?)
}

/// Proofs for a task, newest first.
pub(super) fn received(cx: &mut Context<'_, '_>, task: TaskId, before: Uuid, at_most: i64) -> Result<Vec<SubmissionRow>> {
    Ok(cx.tx.all(&RECEIVED, (task, before, at_most))?)
}

/// Slots of a creator's tasks whose proofs wait for a verdict.
pub(super) fn waiting(cx: &mut Context<'_, '_>, creator: UserId, at_most: i64) -> Result<Vec<WaitingRow>> {
    Ok(cx.tx.all(&WAITING, (creator, at_most))?)
}

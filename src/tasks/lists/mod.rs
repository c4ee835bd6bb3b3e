//! What a user has to do with the market: tasks he published, slots he took, proofs he got.

pub(crate) mod store;
mod waiting;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::error::Refusal;
use crate::base::page::{self, Page};
use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::tasks::acceptance::{AcceptanceId, AcceptanceStatus, SubmissionId};
use crate::tasks::lists::store::{AcceptanceRow, SubmissionRow, TaskRow};
use crate::tasks::settlement::net;
use crate::tasks::submission::{SubmissionStatus, status_of};
use crate::tasks::task::{TaskId, TaskStatus};

pub(super) use waiting::list_waiting;
pub use waiting::waiting_for;

/// Which part of a list.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MyList {
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 50; 20 when left out.
    #[garde(inner(range(min = 1, max = 50)))]
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
}

/// Which part of a task's list.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskList {
    /// A task of yours.
    #[garde(skip)]
    task_id: TaskId,
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 50; 20 when left out.
    #[garde(inner(range(min = 1, max = 50)))]
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
}

/// A task in its creator's list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PublishedTask {
    /// For ever.
    task_id: TaskId,
    /// In a line.
    title: String,
    /// Where it stands.
    status: TaskStatus,
    /// One of the list.
    category: String,
    /// What a slot costs.
    reward_usd: Usdt,
    /// All slots.
    slots_total: i64,
    /// Paid ones.
    slots_filled: i64,
    /// Somebody is at work, or they are not decided.
    slots_live: i64,
    /// Free ones.
    slots_remaining: i64,
    /// What lies in escrow.
    escrow_usd: Option<Usdt>,
    /// Since when.
    published_at: Ts,
    /// Takes workers before then.
    expires_at: Ts,
}

/// A slot in its worker's list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AcceptedTask {
    /// The slot.
    acceptance_id: AcceptanceId,
    /// The task.
    task_id: TaskId,
    /// In a line; written by its creator.
    #[schemars(extend("x-untrusted" = true))]
    title: String,
    /// Where the slot stands.
    status: AcceptanceStatus,
    /// What the slot costs the creator.
    reward_usd: Usdt,
    /// What you get of it.
    reward_net_usd: Usdt,
    /// Since when.
    accepted_at: Ts,
    /// When the clock decides: the deadline of the proof, of the verdict, of a dispute.
    due_at: Option<Ts>,
    /// Your newest proof.
    submission_id: Option<SubmissionId>,
    /// When the slot was settled.
    settled_at: Option<Ts>,
}

/// A proof in the list of the task's creator.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReceivedSubmission {
    /// For a verdict.
    submission_id: SubmissionId,
    /// The slot.
    acceptance_id: AcceptanceId,
    /// Who handed it in.
    worker_id: UserId,
    /// His public name.
    #[schemars(extend("x-untrusted" = true))]
    worker_name: String,
    /// Where it stands.
    status: SubmissionStatus,
    /// Written by the worker.
    #[schemars(extend("x-untrusted" = true))]
    proof_url: Option<String>,
    /// Written by the worker.
    #[schemars(extend("x-untrusted" = true))]
    proof_text: Option<String>,
    /// When.
    submitted_at: Ts,
    /// Without a verdict by then it counts as approved.
    auto_approve_at: Option<Ts>,
    #[serde(skip)]
    id: Uuid,
}

pub(super) fn list_published(cx: &mut Context<'_, '_>, input: &MyList) -> Result<Page<PublishedTask>> {
    const LIST: &str = "published";
    let me = cx.user_id()?;
    let (before, limit) = (page::begin(LIST, input.cursor.as_ref(), Uuid::max())?, input.limit.unwrap_or(20));
    let rows = store::published(cx, me, before, i64::from(limit) + 1)?;
    let now = cx.now;
    let item = |row: TaskRow| {
        let ::store::Both(task, (title,)) = row;
        PublishedTask {
            task_id: task.id,
            title,
            status: task.status_at(now),
            reward_usd: task.reward,
            slots_total: task.slots_total,
            slots_filled: task.slots_filled,
            slots_live: task.slots_live,
            slots_remaining: if task.status_at(now) == TaskStatus::Open { task.slots_free() } else { 0 },
            escrow_usd: task.escrow(),
            published_at: task.published_at,
            expires_at: task.expires_at,
            category: task.category,
        }
    };
    Ok(Page::of(rows.into_iter().map(item).collect(), limit as usize, |task: &PublishedTask| page::cursor(LIST, &task.task_id.to_string())))
}

pub(super) fn list_accepted(cx: &mut Context<'_, '_>, input: &MyList) -> Result<Page<AcceptedTask>> {
    const LIST: &str = "mine";
    let me = cx.user_id()?;
    let (before, limit) = (page::begin(LIST, input.cursor.as_ref(), Uuid::max())?, input.limit.unwrap_or(20));
    let rows = store::accepted(cx, me, before, i64::from(limit) + 1)?;
    let now = cx.now;
    let item = |row: AcceptanceRow| {
        let ::store::Both(task, ::store::Both(acceptance, (title,))) = row;
        let acceptance = acceptance.at(&task, now);
        AcceptedTask {
            acceptance_id: acceptance.id,
            task_id: task.id,
            title,
            status: acceptance.status,
            reward_usd: task.reward,
            reward_net_usd: net(&task),
            accepted_at: acceptance.accepted_at,
            due_at: acceptance.due_at,
            submission_id: acceptance.submission_id,
            settled_at: acceptance.settled_at,
        }
    };
    Ok(Page::of(rows.into_iter().map(item).collect(), limit as usize, |slot: &AcceptedTask| {
        page::cursor(LIST, &slot.acceptance_id.to_string())
    }))
}

pub(super) fn list_submissions(cx: &mut Context<'_, '_>, input: &TaskList) -> Result<Page<ReceivedSubmission>> {
    const LIST: &str = "submissions";
    let me = cx.user_id()?;
    let task = crate::tasks::store::task(cx, input.task_id)?.filter(|task| task.creator_id == me).ok_or(Refusal::NotFound)?;
    let (before, limit) = (page::begin(LIST, input.cursor.as_ref(), Uuid::max())?, input.limit.unwrap_or(20));
    let rows = store::received(cx, task.id, before, i64::from(limit) + 1)?;
    let now = cx.now;
    let item = |row: SubmissionRow| {
        let ::store::Both(proof, ::store::Both(acceptance, (display_name, username))) = row;
        let acceptance = acceptance.at(&task, now);
        let status = status_of(proof.id, &acceptance);
        ReceivedSubmission {
            submission_id: proof.id,
            acceptance_id: acceptance.id,
            worker_id: acceptance.worker_id,
            worker_name: if display_name.is_empty() { username } else { display_name },
            status,
            proof_url: proof.url,
            proof_text: proof.text,
            submitted_at: proof.submitted_at,
            auto_approve_at: acceptance.due_at.filter(|_| status == SubmissionStatus::InReview),
            id: proof.id.0,
        }
    };
    Ok(Page::of(rows.into_iter().map(item).collect(), limit as usize, |proof: &ReceivedSubmission| {
        page::cursor(LIST, &proof.id.to_string())
    }))
}

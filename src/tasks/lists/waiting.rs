//! What waits for a creator's verdict, over all of his tasks.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::tasks::acceptance::{AcceptanceId, AcceptanceStatus, SubmissionId};
use crate::tasks::lists::store;
use crate::tasks::task::TaskId;

/// Looked at; beyond that the oldest tasks come first.
const LOOKED_AT: i64 = 500;
const SHOWN_MAX: usize = 50;

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListWaiting {}

/// The most urgent proofs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WaitingSubmissions {
    /// The one that is approved by itself first comes first; at most 50.
    items: Vec<WaitingSubmission>,
    /// How many wait, counted up to 500.
    waiting: usize,
}

/// A proof that waits.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WaitingSubmission {
    /// For a verdict.
    submission_id: SubmissionId,
    /// The slot.
    acceptance_id: AcceptanceId,
    /// The task.
    task_id: TaskId,
    /// In a line.
    title: String,
    /// What the slot costs.
    reward_usd: Usdt,
    /// Who handed it in.
    worker_id: UserId,
    /// His public name.
    worker_name: String,
    /// When.
    submitted_at: Ts,
    /// Without a verdict by then it counts as approved.
    auto_approve_at: Option<Ts>,
}

pub(in crate::tasks) fn list_waiting(cx: &mut Context<'_, '_>, _: &ListWaiting) -> Result<WaitingSubmissions> {
    let me = cx.user_id()?;
    let mut items = waiting(cx, me)?;
    let waiting = items.len();
    items.sort_by_key(|proof| proof.auto_approve_at);
    items.truncate(SHOWN_MAX);
    Ok(WaitingSubmissions { items, waiting })
}

/// How many proofs wait for a user's verdict, counted up to 500.
pub fn waiting_for(cx: &mut Context<'_, '_>, user: UserId) -> Result<usize> {
    Ok(waiting(cx, user)?.len())
}

fn waiting(cx: &mut Context<'_, '_>, creator: UserId) -> Result<Vec<WaitingSubmission>> {
    let now = cx.now;
    let item = |row: store::WaitingRow| {
        let ::store::Both(task, ::store::Both(acceptance, (title, display_name, username))) = row;
        let acceptance = acceptance.at(&task, now);
        let waits = acceptance.status == AcceptanceStatus::Submitted;
        Some(WaitingSubmission {
            submission_id: acceptance.submission_id.filter(|_| waits)?,
            acceptance_id: acceptance.id,
            task_id: task.id,
            title,
            reward_usd: task.reward,
            worker_id: acceptance.worker_id,
            worker_name: if display_name.is_empty() { username } else { display_name },
            submitted_at: acceptance.submitted_at?,
            auto_approve_at: acceptance.due_at,
        })
    };
    Ok(store::waiting(cx, creator, LOOKED_AT)?.into_iter().filter_map(item).collect())
}

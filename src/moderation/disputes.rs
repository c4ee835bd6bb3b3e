//! Disputes that wait for an admin.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::page::{self, Page};
use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::moderation::store;
use crate::tasks::acceptance::{AcceptanceId, SubmissionId};
use crate::tasks::task::TaskId;

const LIST: &str = "disputes";

/// Which part of the list.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDisputes {
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 50; 20 when left out.
    #[garde(inner(range(min = 1, max = 50)))]
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
}

/// A dispute. What both sides said is told with the submission.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Dispute {
    /// For the decision.
    acceptance_id: AcceptanceId,
    /// The proof; its remarks are the evidence.
    submission_id: Option<SubmissionId>,
    /// The task.
    task_id: TaskId,
    /// In a line; written by its creator.
    title: String,
    /// Who pays.
    creator_id: UserId,
    /// Who worked.
    worker_id: UserId,
    /// What the slot costs.
    reward_usd: Usdt,
    /// Since when it waits.
    disputed_at: Ts,
    /// Then it is decided for the worker.
    decide_by: Option<Ts>,
}

pub(super) fn list_disputes(cx: &mut Context<'_, '_>, input: &ListDisputes) -> Result<Page<Dispute>> {
    let limit = input.limit.unwrap_or(20);
    let after = page::begin(LIST, input.cursor.as_ref(), Uuid::nil())?;
    let item = |row: store::DisputeRow| Dispute {
        acceptance_id: row.acceptance_id,
        submission_id: row.submission_id,
        task_id: row.task_id,
        title: row.title,
        creator_id: row.creator_id,
        worker_id: row.worker_id,
        reward_usd: row.reward,
        disputed_at: row.phase_at,
        decide_by: row.due_at,
    };
    let items = store::disputes(cx, after, i64::from(limit) + 1)?.into_iter().map(item).collect();
    Ok(Page::of(items, limit as usize, |dispute: &Dispute| page::cursor(LIST, &dispute.acceptance_id.to_string())))
}

//! The creator accepts a proof: the worker is paid from the escrow.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::events::EventKind;
use crate::tasks::acceptance::{AcceptanceId, SubmissionId};
use crate::tasks::case::Case;
use crate::tasks::store;
use crate::tasks::task::TaskStatus;
use crate::users::reputation::Tally;

/// Which proof.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhichSubmission {
    /// From the list of submissions, or from an event.
    #[garde(skip)]
    pub(super) submission_id: SubmissionId,
}

/// The slot is paid.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Approved {
    /// Which proof.
    submission_id: SubmissionId,
    /// The slot it was for.
    acceptance_id: AcceptanceId,
    /// Always `approved`.
    status: &'static str,
    /// What the slot cost.
    reward_usd: Usdt,
    /// What the worker got of it.
    reward_net_usd: Usdt,
    /// What the platform got of it.
    fee_usd: Usdt,
    /// Where the task stands now.
    task_status: TaskStatus,
    /// Slots paid so far.
    slots_filled: i64,
}

pub(super) fn reads_first(cx: &mut Context<'_, '_>, input: &WhichSubmission, _: UserId) {
    store::announce_case_by_submission(cx, input.submission_id);
}

pub(super) fn approve_submission(cx: &mut Context<'_, '_>, input: &WhichSubmission) -> Result<Approved> {
    let case = Case::for_review(cx, input.submission_id)?;
    let now = cx.now;
    approve(cx, case, false, now)
}

/// Pays for a proof as of `at`: the creator's verdict, or the end of his time.
pub(super) fn approve(cx: &mut Context<'_, '_>, mut case: Case, auto: bool, at: Ts) -> Result<Approved> {
    let reward = case.task.reward;
    case.acceptance.approve(reward, auto, at);
    let shares = case.pay(cx, reward, at)?;
    case.count_review(Tally::Approval, at);
    let told = json!({ "auto": auto, "reward_usd": reward, "reward_net_usd": shares.worker });
    if auto {
        case.tell_both(EventKind::SubmissionApproved, &told);
    } else {
        case.tell(case.acceptance.worker_id, EventKind::SubmissionApproved, told);
    }
    let approved = Approved {
        submission_id: case
            .acceptance
            .submission_id
            .ok_or_else(|| crate::base::error::internal("a proof was approved that is not there"))?,
        acceptance_id: case.acceptance.id,
        status: "approved",
        reward_usd: reward,
        reward_net_usd: shares.worker,
        fee_usd: shares.fee,
        task_status: case.task.status,
        slots_filled: case.task.slots_filled,
    };
    case.save(cx)?;
    Ok(approved)
}

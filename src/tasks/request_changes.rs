//! The creator wants something else before he decides. The review stops; without a new proof it goes on with the last.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::{Context, Result, Ts};
use crate::events::EventKind;
use crate::tasks::acceptance::{AcceptanceId, AcceptanceStatus, SubmissionId};
use crate::tasks::case::Case;
use crate::tasks::store;

/// Which proof, and what is missing.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestChanges {
    /// From the list of submissions, or from an event.
    #[garde(skip)]
    submission_id: SubmissionId,
    /// What you want changed, 10 to 2000 characters.
    #[garde(length(chars, min = 10, max = 2000))]
    note: String,
}

/// The worker is asked for another proof.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangesRequested {
    /// Which proof.
    submission_id: SubmissionId,
    /// The slot it was for.
    acceptance_id: AcceptanceId,
    /// Always `changes_requested`.
    status: AcceptanceStatus,
    /// A new proof counts before this time; without one the review of the last goes on then.
    deadline: Option<Ts>,
    /// How often you may still ask.
    resubmissions_left: i64,
}

pub(super) fn request_changes(cx: &mut Context<'_, '_>, input: &RequestChanges) -> Result<ChangesRequested> {
    let mut case = Case::for_review(cx, input.submission_id)?;
    let asked = store::remarks_by(cx, case.acceptance.id, case.task.creator_id, "changes")?;
    case.acceptance.request_changes(&case.task, asked, cx.now)?;
    case.tell(case.acceptance.worker_id, EventKind::ChangesRequested, json!({ "note": input.note, "deadline": case.acceptance.due_at }));
    let Case { acceptance, task, .. } = &case;
    let asked = ChangesRequested {
        submission_id: input.submission_id,
        acceptance_id: acceptance.id,
        status: acceptance.status,
        deadline: acceptance.due_at,
        resubmissions_left: task.max_resubmissions - asked - 1,
    };
    store::insert_remark(cx, acceptance.id, "changes", "", &input.note)?;
    case.save(cx)?;
    Ok(asked)
}

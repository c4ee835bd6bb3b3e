//! A worker disputes a rejection, and both sides say what they have to say. An admin decides.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::error::Refusal;
use crate::base::{Context, Result, Ts};
use crate::events::EventKind;
use crate::tasks::acceptance::{AcceptanceId, AcceptanceStatus, SubmissionId};
use crate::tasks::case::Case;
use crate::tasks::{TaskRefusal, store};

const EVIDENCE_MAX: i64 = 20;

/// Which proof, and why it should be paid.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenDispute {
    /// Your proof that was rejected.
    #[garde(skip)]
    submission_id: SubmissionId,
    /// For the admin, 10 to 2000 characters.
    #[garde(length(chars, min = 10, max = 2000))]
    reason: String,
}

/// Which proof, and what speaks for you.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddEvidence {
    /// The proof that is disputed.
    #[garde(skip)]
    submission_id: SubmissionId,
    /// For the admin and the other side, 1 to 4000 characters; addresses may stand in it.
    #[garde(length(chars, min = 1, max = 4000))]
    text: String,
}

/// A dispute that waits for an admin.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Disputed {
    /// Which proof.
    submission_id: SubmissionId,
    /// The slot it was for.
    acceptance_id: AcceptanceId,
    /// Always `disputed`.
    status: AcceptanceStatus,
    /// Without a decision by then it is decided for the worker.
    decide_by: Option<Ts>,
}

pub(super) fn open_dispute(cx: &mut Context<'_, '_>, input: &OpenDispute) -> Result<Disputed> {
    let mut case = Case::of_submission(cx, input.submission_id)?;
    if case.acceptance.worker_id != cx.user_id()? {
        return Err(Refusal::NotFound.into());
    }
    case.acceptance.dispute(cx.now)?;
    let told = json!({ "reason": input.reason, "decide_by": case.acceptance.due_at });
    case.tell_both(EventKind::DisputeOpened, &told);
    store::insert_remark(cx, case.acceptance.id, "dispute", "", &input.reason)?;
    let disputed = disputed(&case, input.submission_id);
    case.save(cx)?;
    Ok(disputed)
}

pub(super) fn add_evidence(cx: &mut Context<'_, '_>, input: &AddEvidence) -> Result<Disputed> {
    let case = Case::of_submission(cx, input.submission_id)?;
    let me = cx.user_id()?;
    if !case.is_party(me) {
        return Err(Refusal::NotFound.into());
    }
    case.acceptance.is_disputed(cx.now)?;
    if store::remarks_by(cx, case.acceptance.id, me, "evidence")? >= EVIDENCE_MAX {
        return Err(TaskRefusal::TooMuchEvidence { most: EVIDENCE_MAX }.into());
    }
    store::insert_remark(cx, case.acceptance.id, "evidence", "", &input.text)?;
    Ok(disputed(&case, input.submission_id))
}

fn disputed(case: &Case, submission_id: SubmissionId) -> Disputed {
    let acceptance = &case.acceptance;
    Disputed { submission_id, acceptance_id: acceptance.id, status: acceptance.status, decide_by: acceptance.due_at }
}

//! The creator refuses a proof. The money stays where it is: the worker may dispute the verdict for 72 hours.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::{Context, Result, Ts};
use crate::events::EventKind;
use crate::tasks::acceptance::{AcceptanceId, AcceptanceStatus, SubmissionId};
use crate::tasks::case::Case;
use crate::tasks::store;
use crate::users::reputation::Tally;

crate::words! {
    /// Why a proof is refused.
    pub enum RejectionCode {
        /// Something is missing.
        Incomplete = "incomplete",
        /// It was done for, or at, something else.
        WrongTarget = "wrong_target",
        /// It is not good enough.
        LowQuality = "low_quality",
        /// It is not true.
        Fraud = "fraud",
        /// Something else.
        Other = "other",
    }
}

/// Which proof, and why.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectSubmission {
    /// From the list of submissions, or from an event.
    #[garde(skip)]
    submission_id: SubmissionId,
    /// In a word.
    #[garde(skip)]
    reason_code: RejectionCode,
    /// For the worker, 10 to 2000 characters.
    #[garde(length(chars, min = 10, max = 2000))]
    reason: String,
}

/// The proof is refused.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rejected {
    /// Which proof.
    submission_id: SubmissionId,
    /// The slot it was for.
    acceptance_id: AcceptanceId,
    /// `rejected`, or `disputed` when so many of this task were refused that an admin looks at each further one.
    status: AcceptanceStatus,
    /// Until then the worker may dispute it; for a dispute, until then an admin decides.
    disputable_until: Option<Ts>,
}

pub(super) fn reject_submission(cx: &mut Context<'_, '_>, input: &RejectSubmission) -> Result<Rejected> {
    let mut case = Case::for_review(cx, input.submission_id)?;
    let disputed = case.count_rejection();
    case.acceptance.reject(disputed, cx.now);
    case.count_review(Tally::Rejection, cx.now);
    let told = json!({ "reason_code": input.reason_code, "reason": input.reason, "disputable_until": case.acceptance.due_at });
    case.tell(case.acceptance.worker_id, EventKind::SubmissionRejected, told);
    if disputed {
        case.tell_both(
            EventKind::DisputeOpened,
            &json!({ "reason": "Many proofs of this task were rejected; an admin looks at each further one." }),
        );
    }
    let Case { acceptance, .. } = &case;
    let rejected = Rejected {
        submission_id: input.submission_id,
        acceptance_id: acceptance.id,
        status: acceptance.status,
        disputable_until: acceptance.due_at,
    };
    store::insert_remark(cx, acceptance.id, "rejection", input.reason_code.name(), &input.reason)?;
    case.save(cx)?;
    Ok(rejected)
}

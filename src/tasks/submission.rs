//! A submission: one proof, and what became of it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::Refusal;
use crate::base::{Context, Result, Ts, UserId};
use crate::tasks::acceptance::{Acceptance, AcceptanceId, AcceptanceStatus, SubmissionId};
use crate::tasks::approve::WhichSubmission;
use crate::tasks::store;
use crate::tasks::task::TaskId;

crate::words! {
    /// Where a proof stands.
    pub enum SubmissionStatus {
        /// It waits for a verdict.
        InReview = "in_review",
        /// Another one was asked for.
        ChangesRequested = "changes_requested",
        /// Paid.
        Approved = "approved",
        /// Refused.
        Rejected = "rejected",
        /// An admin decides.
        Disputed = "disputed",
        /// Paid in part.
        Split = "split",
        /// Paid back to the creator.
        Refunded = "refunded",
    }
}

::store::row! {
    /// A proof as it was handed in.
    #[derive(Clone, Debug)]
    pub(super) struct Proof {
        pub(super) id: SubmissionId,
        pub(super) n: i64,
        pub(super) url: Option<String>,
        pub(super) text: Option<String>,
        pub(super) submitted_at: Ts,
    }
}

/// Where a proof of this acceptance stands. Only the newest one is still decided on.
pub(super) fn status_of(proof: SubmissionId, acceptance: &Acceptance) -> SubmissionStatus {
    if acceptance.submission_id != Some(proof) {
        return SubmissionStatus::ChangesRequested;
    }
    match acceptance.status {
        AcceptanceStatus::Accepted | AcceptanceStatus::Submitted => SubmissionStatus::InReview,
        // A worker who was asked for changes may give up instead.
        AcceptanceStatus::ChangesRequested | AcceptanceStatus::Withdrawn | AcceptanceStatus::Expired => SubmissionStatus::ChangesRequested,
        AcceptanceStatus::Rejected => SubmissionStatus::Rejected,
        AcceptanceStatus::Disputed => SubmissionStatus::Disputed,
        AcceptanceStatus::Approved => SubmissionStatus::Approved,
        AcceptanceStatus::Split => SubmissionStatus::Split,
        AcceptanceStatus::Refunded => SubmissionStatus::Refunded,
    }
}

/// One proof, for its worker, the creator of the task, and admins.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Submission")]
pub struct SubmissionView {
    /// Which.
    submission_id: SubmissionId,
    /// The slot.
    acceptance_id: AcceptanceId,
    /// The task.
    task_id: TaskId,
    /// Who handed it in.
    worker_id: UserId,
    /// 1 for the first proof of the slot, 2 after changes were asked for …
    number: i64,
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
    /// When the clock decides.
    due_at: Option<Ts>,
    /// The last verdict.
    reviewed_at: Option<Ts>,
    /// Whether the clock gave it.
    auto: bool,
    /// What was said about it, oldest first.
    remarks: Vec<RemarkView>,
}

/// Something that was said about a proof.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemarkView {
    /// `changes`, `rejection`, `dispute`, `evidence` or `decision`.
    kind: String,
    /// `creator`, `worker` or `operator`.
    by: &'static str,
    /// Of a rejection or a decision.
    code: String,
    /// Written by whoever said it.
    #[schemars(extend("x-untrusted" = true))]
    text: String,
    /// When.
    at: Ts,
}

pub(super) fn get_submission(cx: &mut Context<'_, '_>, input: &WhichSubmission) -> Result<SubmissionView> {
    let (me, is_admin) = (cx.user_id()?, cx.member()?.is_admin);
    let (task, acceptance) = store::reviewed(cx, input.submission_id)?.ok_or(Refusal::NotFound)?;
    if me != task.creator_id && me != acceptance.worker_id && !is_admin {
        return Err(Refusal::NotFound.into());
    }
    let proof = store::proof(cx, input.submission_id)?.ok_or(Refusal::NotFound)?;
    let acceptance = acceptance.at(&task, cx.now);
    let by = |author: UserId| match author {
        author if author == task.creator_id => "creator",
        author if author == acceptance.worker_id => "worker",
        _ => "operator",
    };
    let remark = |remark: store::Remark| RemarkView {
        by: by(remark.author_id),
        kind: remark.kind,
        code: remark.code,
        text: remark.text,
        at: remark.at,
    };
    let remarks = store::remarks(cx, acceptance.id)?.into_iter().map(remark).collect();
    Ok(SubmissionView {
        submission_id: proof.id,
        acceptance_id: acceptance.id,
        task_id: task.id,
        worker_id: acceptance.worker_id,
        number: proof.n,
        status: status_of(proof.id, &acceptance),
        proof_url: proof.url,
        proof_text: proof.text,
        submitted_at: proof.submitted_at,
        due_at: acceptance.due_at,
        reviewed_at: acceptance.reviewed_at,
        auto: acceptance.auto,
        remarks,
    })
}

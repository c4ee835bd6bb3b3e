//! Appends to the log. A job gives the numbers, so the events of one user do not make his callers wait for each other.

use serde_json::Value;

use crate::base::{Context, Result, UserId};
use crate::events::store;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// To the creator: a worker took a slot.
    TaskAccepted,
    /// To the worker: the deadline passed without a proof.
    AcceptanceExpired,
    /// To the creator: a proof waits for a verdict.
    ProofSubmitted,
    /// To the worker, and to the creator when the clock did it: the proof was accepted and paid.
    SubmissionApproved,
    /// To the worker.
    SubmissionRejected,
    /// To the worker: another proof is wanted.
    ChangesRequested,
    /// To the creator: the changes did not come, the last proof is back in review.
    ReviewResumed,
    /// To both sides.
    DisputeOpened,
    /// To both sides.
    DisputeDecided,
    /// To the creator, or to admins: time is running out.
    ReviewReminder,
    /// To the creator: a task ended.
    TaskCompleted,
    /// To the worker.
    TipReceived,
    /// To whoever was rated.
    RatingReceived,
    /// To whoever asked for it: says nothing.
    WebhookTest,
    /// To its owner: an endpoint only failed, and gets nothing any more.
    WebhookSwitchedOff,
    /// To the user: a deposit was credited.
    DepositCredited,
    /// To the user: a withdrawal was asked for.
    WithdrawalQueued,
    /// An admin will look at it.
    WithdrawalInReview,
    /// An admin let it go out.
    WithdrawalApproved,
    /// An admin did not, or nobody decided in time; the money is back.
    WithdrawalRejected,
    /// The user took it back.
    WithdrawalCancelled,
    /// The transfer is signed and on its way.
    WithdrawalSent,
    /// It is final on the chain.
    WithdrawalCompleted,
    /// It failed on the chain; the money is back.
    WithdrawalRefunded,
}

impl EventKind {
    /// As on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TaskAccepted => "task_accepted",
            Self::AcceptanceExpired => "acceptance_expired",
            Self::ProofSubmitted => "proof_submitted",
            Self::SubmissionApproved => "submission_approved",
            Self::SubmissionRejected => "submission_rejected",
            Self::ChangesRequested => "changes_requested",
            Self::ReviewResumed => "review_resumed",
            Self::DisputeOpened => "dispute_opened",
            Self::DisputeDecided => "dispute_decided",
            Self::ReviewReminder => "review_reminder",
            Self::TaskCompleted => "task_completed",
            Self::TipReceived => "tip_received",
            Self::RatingReceived => "rating_received",
            Self::WebhookTest => "webhook_test",
            Self::WebhookSwitchedOff => "webhook_switched_off",
            Self::DepositCredited => "deposit_credited",
            Self::WithdrawalQueued => "withdrawal_queued",
            Self::WithdrawalInReview => "withdrawal_in_review",
            Self::WithdrawalApproved => "withdrawal_approved",
            Self::WithdrawalRejected => "withdrawal_rejected",
            Self::WithdrawalCancelled => "withdrawal_cancelled",
            Self::WithdrawalSent => "withdrawal_sent",
            Self::WithdrawalCompleted => "withdrawal_completed",
            Self::WithdrawalRefunded => "withdrawal_refunded",
        }
    }
}

/// One event for one user.
#[derive(Clone, Debug)]
pub struct Event {
    pub(super) user: UserId,
    pub(super) kind: EventKind,
    pub(super) data: Value,
}

impl Event {
    /// Tells `user`; `data` is a JSON object.
    pub const fn new(user: UserId, kind: EventKind, data: Value) -> Self {
        Self { user, kind, data }
    }
}

/// Writes the events of this call, in this order. Once per call.
pub fn emit(cx: &mut Context<'_, '_>, events: &[Event]) -> Result<()> {
    store::append(cx, events)
}

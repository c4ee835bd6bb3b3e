//! An admin decides a dispute, or the clock does when nobody has for 14 days: then for the worker.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::{Context, Result, Ts, Usdt};
use crate::events::EventKind;
use crate::tasks::acceptance::{AcceptanceId, AcceptanceStatus, Decision};
use crate::tasks::case::Case;
use crate::tasks::{TaskRefusal, store};
use crate::users::admin_action::{self, Action};
use crate::users::reputation::Tally;
use crate::users::second_factor;

crate::words! {
    /// How a dispute is decided.
    pub enum Verdict {
        /// The worker gets the reward.
        Pay = "pay",
        /// The creator gets it back; the slot does not reopen.
        Refund = "refund",
        /// The worker gets `percent` of it, the creator the rest.
        Split = "split",
    }
}

/// Which dispute, how, and why.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideDispute {
    /// From the list of disputes.
    #[garde(skip)]
    acceptance_id: AcceptanceId,
    /// How.
    #[garde(skip)]
    decision: Verdict,
    /// The worker's part of the reward, 1 to 99; for `split` only.
    #[garde(inner(range(min = 1, max = 99)))]
    #[schemars(range(min = 1, max = 99))]
    percent: Option<i64>,
    /// Both sides see it, 10 to 2000 characters.
    #[garde(length(chars, min = 10, max = 2000))]
    reason: String,
}

/// The dispute is decided.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DecidedDispute {
    /// Which.
    acceptance_id: AcceptanceId,
    /// `approved`, `refunded` or `split`.
    status: AcceptanceStatus,
    /// What the worker got, after the fee.
    worker_usd: Usdt,
    /// What the creator got back.
    creator_usd: Usdt,
    /// What the platform got.
    fee_usd: Usdt,
}

pub(super) fn decide_dispute(cx: &mut Context<'_, '_>, input: &DecideDispute) -> Result<DecidedDispute> {
    second_factor::before_a_change(cx)?;
    let decision = match (input.decision, input.percent) {
        (Verdict::Pay, None) => Decision::Pay,
        (Verdict::Refund, None) => Decision::Refund,
        (Verdict::Split, Some(percent)) => Decision::Split(percent),
        (Verdict::Pay | Verdict::Refund, Some(_)) | (Verdict::Split, None) => return Err(TaskRefusal::PercentIsForSplit.into()),
    };
    let case = Case::of_acceptance(cx, input.acceptance_id)?;
    if case.is_party(cx.user_id()?) {
        return Err(TaskRefusal::OwnCase.into());
    }
    case.acceptance.is_disputed(cx.now)?;
    store::insert_remark(cx, case.acceptance.id, "decision", input.decision.name(), &input.reason)?;
    let action = Action {
        name: "decide_dispute",
        subject: input.acceptance_id.0,
        reason: &input.reason,
        before: AcceptanceStatus::Disputed.name(),
        after: input.decision.name(),
    };
    admin_action::record(cx, action)?;
    let now = cx.now;
    decide(cx, case, decision, Some(&input.reason), now)
}

/// Ends a dispute as of `at`; without a reason it is the clock that decides.
pub(super) fn decide(cx: &mut Context<'_, '_>, mut case: Case, decision: Decision, reason: Option<&str>, at: Ts) -> Result<DecidedDispute> {
    let reward = case.task.reward;
    let paid = case.acceptance.decide(decision, reward, reason.is_none(), at);
    let (worker, creator) = (case.acceptance.worker_id, case.task.creator_id);
    let (worker_usd, creator_usd, fee_usd) = match decision {
        Decision::Refund => {
            case.refund(cx)?;
            case.count(worker, Tally::DisputeLost, 0);
            case.count(creator, Tally::Dispute, 0);
            (Usdt::ZERO, reward, Usdt::ZERO)
        }
        Decision::Pay | Decision::Split(_) => {
            let shares = case.pay(cx, paid, at)?;
            case.count(worker, Tally::Dispute, 0);
            case.count(creator, if decision == Decision::Pay { Tally::DisputeLost } else { Tally::Dispute }, 0);
            case.count(creator, Tally::Paid, 0);
            (shares.worker, shares.back, shares.fee)
        }
    };
    let status = case.acceptance.status;
    let reason = reason.unwrap_or("Nobody decided in time, so it is decided for the worker.");
    case.tell_both(
        EventKind::DisputeDecided,
        &json!({ "status": status, "reason": reason, "worker_usd": worker_usd, "creator_usd": creator_usd }),
    );
    let acceptance_id = case.acceptance.id;
    case.save(cx)?;
    Ok(DecidedDispute { acceptance_id, status, worker_usd, creator_usd, fee_usd })
}

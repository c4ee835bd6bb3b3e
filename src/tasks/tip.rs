//! Something on top for a worker, after his slot was paid. No fee.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::base::error::Refusal;
use crate::base::{Context, Result, Usdt};
use crate::events::{self, Event, EventKind};
use crate::ledger::{self, AccountId, Transaction, TransactionKind};
use crate::tasks::acceptance::SubmissionId;
use crate::tasks::{TaskRefusal, store};
use crate::wallet::deposit_address;
use crate::wallet::spend_cap;

/// Whom, and how much.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tip {
    /// A proof that was paid.
    #[garde(skip)]
    submission_id: SubmissionId,
    /// More than zero.
    #[garde(custom(more_than_zero))]
    amount: Usdt,
}

/// The tip is paid.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tipped {
    /// Its name in both histories.
    tip_id: Uuid,
    /// For which proof.
    submission_id: SubmissionId,
    /// How much.
    amount: Usdt,
}

pub(super) fn tip_worker(cx: &mut Context<'_, '_>, input: &Tip) -> Result<Tipped> {
    let (creator, submission_id, amount) = (cx.user_id()?, input.submission_id, input.amount);
    let (task, acceptance) = store::reviewed(cx, submission_id)?.filter(|(task, _)| task.creator_id == creator).ok_or(Refusal::NotFound)?;
    if !acceptance.at(&task, cx.now).is_paid() {
        return Err(TaskRefusal::NotSettled.into());
    }
    let allowance = spend_cap::allowance(cx)?;
    allowance.check(amount)?;
    let tip_id = cx.new_id();
    let (from, to) = (AccountId::available(creator), AccountId::available(acceptance.worker_id));
    ledger::record(cx, &Transaction::new(TransactionKind::Tip, tip_id).post(from, to, amount))
        .map_err(|error| deposit_address::tell(cx, error))?;
    allowance.count(cx, amount)?;
    store::insert_tip(cx, tip_id, acceptance.id, amount)?;
    let data =
        json!({ "tip_id": tip_id, "task_id": task.id, "acceptance_id": acceptance.id, "submission_id": submission_id, "amount": amount });
    events::emit(cx, &[Event::new(acceptance.worker_id, EventKind::TipReceived, data)])?;
    Ok(Tipped { tip_id, submission_id, amount })
}

fn more_than_zero(amount: &Usdt, _: &()) -> garde::Result {
    if *amount > Usdt::ZERO { Ok(()) } else { Err(garde::Error::new("must be more than 0")) }
}

//! More time or more slots for an open task.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::Refusal;
use crate::base::{Context, Result, Span, Ts, Usdt};
use crate::ledger::{self, AccountId, Transaction, TransactionKind};
use crate::tasks::publish::SLOTS_MAX;
use crate::tasks::settlement::escrow;
use crate::tasks::task::{Task, TaskId};
use crate::tasks::{TaskRefusal, store};
use crate::wallet::balance::BalanceView;
use crate::wallet::deposit_address;
use crate::wallet::spend_cap;

/// Which task, and what it gets.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendTask {
    /// A task of yours that is open.
    #[garde(skip)]
    task_id: TaskId,
    /// Later than now, at most 180 days from now.
    #[garde(skip)]
    expires_at: Option<Ts>,
    /// Their rewards are put into escrow at once.
    #[garde(inner(range(min = 1, max = 10_000)))]
    #[schemars(range(min = 1, max = 10_000))]
    slots_added: Option<i64>,
}

/// The task as it is now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Extended {
    /// Which.
    task_id: TaskId,
    /// Takes workers before then.
    expires_at: Ts,
    /// All slots.
    slots_total: i64,
    /// Free ones.
    slots_remaining: i64,
    /// What was put into escrow.
    escrow_added_usd: Usdt,
    /// Your money afterwards.
    balance_after: BalanceView,
}

pub(super) fn extend_task(cx: &mut Context<'_, '_>, input: &ExtendTask) -> Result<Extended> {
    let me = cx.user_id()?;
    let mut task = store::task_locked(cx, input.task_id)?.filter(|task| task.creator_id == me).ok_or(Refusal::NotFound)?;
    task.takes_workers(cx.now)?;
    if input.expires_at.is_none() && input.slots_added.is_none() {
        return Err(TaskRefusal::NothingToExtend.into());
    }
    if let Some(expires_at) = input.expires_at {
        task.expires_at = expiry(cx, expires_at)?;
    }
    let added = add_slots(cx, &mut task, input.slots_added.unwrap_or(0))?;
    let mut balance = ledger::balance_of(cx, me)?;
    if added > Usdt::ZERO {
        let allowance = spend_cap::allowance(cx)?;
        allowance.check(added)?;
        let extension = Transaction::new(TransactionKind::Extend, cx.new_id());
        ledger::record(cx, &extension.post(AccountId::available(me), escrow(task.id), added))
            .map_err(|error| deposit_address::tell(cx, error))?;
        allowance.count(cx, added)?;
        balance.hold(added)?;
    }
    store::save_terms(cx, &task)?;
    Ok(Extended {
        task_id: task.id,
        expires_at: task.expires_at,
        slots_total: task.slots_total,
        slots_remaining: task.slots_free(),
        escrow_added_usd: added,
        balance_after: balance.into(),
    })
}

/// A date of expiry that may be.
pub(super) fn expiry(cx: &Context<'_, '_>, at: Ts) -> Result<Ts, TaskRefusal> {
    let days = cx.config.market.task_days_max;
    let latest = cx.now.plus(Span::days(i64::from(days)));
    if at > cx.now && at <= latest { Ok(at) } else { Err(TaskRefusal::ExpiryOutOfBounds { days }) }
}

fn add_slots(cx: &Context<'_, '_>, task: &mut Task, slots: i64) -> Result<Usdt, TaskRefusal> {
    let most = cx.config.market.escrow_max;
    task.slots_total += slots;
    let whole = task.reward.times(task.slots_total).filter(|whole| *whole <= most);
    if task.slots_total > SLOTS_MAX || whole.is_none() {
        return Err(TaskRefusal::EscrowTooLarge { most, slots: SLOTS_MAX });
    }
    task.reward.times(slots).ok_or(TaskRefusal::EscrowTooLarge { most, slots: SLOTS_MAX })
}

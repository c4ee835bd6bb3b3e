//! What became of withdrawals, and taking one back.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::config::Network;
use crate::base::error::Refusal;
use crate::base::page::{self, Page};
use crate::base::{Address, Context, Result, Ts, Usdt};
use crate::events;
use crate::wallet::custody::explorer_url;
use crate::wallet::withdrawal::{self, Withdrawal, WithdrawalId, WithdrawalStatus};
use crate::wallet::{WalletRefusal, store};

const LIST: &str = "withdrawals";

/// Which part of the list.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetWithdrawals {
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 200; 50 when left out.
    #[garde(inner(range(min = 1, max = 200)))]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// Which withdrawal.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OneWithdrawal {
    /// As it was answered.
    #[garde(skip)]
    withdrawal_id: WithdrawalId,
}

/// A withdrawal.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Withdrawal")]
pub struct WithdrawalView {
    /// For ever.
    pub(super) withdrawal_id: WithdrawalId,
    /// What left the balance.
    amount: Usdt,
    /// What it costs.
    fee: Usdt,
    /// What arrives.
    net_amount: Usdt,
    /// Where it goes.
    address: Address,
    /// How far it is.
    status: WithdrawalStatus,
    /// Why it is there; may be empty.
    reason: String,
    /// The transaction on the chain, from `sending` on.
    txid: Option<String>,
    /// Where people look at it.
    explorer_url: Option<String>,
    /// When it was asked for.
    created_at: Ts,
    /// Of a review: when it is released if nobody decides.
    decide_by: Option<Ts>,
}

/// One step of a withdrawal.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Step {
    /// How far it was.
    status: WithdrawalStatus,
    /// Since when.
    at: Ts,
    /// Why; may be empty.
    reason: String,
}

/// A withdrawal and how it came there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WithdrawalDetail {
    #[serde(flatten)]
    withdrawal: WithdrawalView,
    /// In order.
    timeline: Vec<Step>,
}

impl WithdrawalView {
    pub(super) fn new(network: Network, withdrawal: Withdrawal) -> Self {
        let net_amount = withdrawal.net();
        let txid = withdrawal.txid.map(|txid| tron::hex::encode(&txid));
        Self {
            withdrawal_id: withdrawal.id,
            amount: withdrawal.amount,
            fee: withdrawal.fee,
            net_amount,
            address: withdrawal.address,
            status: withdrawal.status,
            reason: withdrawal.reason,
            explorer_url: txid.as_ref().and_then(|txid| explorer_url(network, txid)),
            txid,
            created_at: withdrawal.created_at,
            decide_by: withdrawal.due_at,
        }
    }
}

pub(super) fn get_withdrawals(cx: &mut Context<'_, '_>, input: &GetWithdrawals) -> Result<Page<WithdrawalView>> {
    let user = cx.user_id()?;
    let limit = input.limit.unwrap_or(50);
    let before = page::begin(LIST, input.cursor.as_ref(), Uuid::max())?;
    let network = cx.config.installation.network;
    let rows = store::withdrawals_of(cx, user, before, i64::from(limit) + 1)?;
    let items = rows.into_iter().map(|row| WithdrawalView::new(network, row)).collect();
    Ok(Page::of(items, limit as usize, |item: &WithdrawalView| page::cursor(LIST, &item.withdrawal_id.to_string())))
}

pub(super) fn get_withdrawal(cx: &mut Context<'_, '_>, input: &OneWithdrawal) -> Result<WithdrawalDetail> {
    let user = cx.user_id()?;
    let withdrawal = store::withdrawal(cx, input.withdrawal_id)?.filter(|found| found.user_id == user).ok_or(Refusal::NotFound)?;
    detail(cx, withdrawal)
}

pub(super) fn detail(cx: &mut Context<'_, '_>, withdrawal: Withdrawal) -> Result<WithdrawalDetail> {
    let steps = store::steps(cx, withdrawal.id)?;
    let timeline = steps.into_iter().map(|(status, at, reason)| Step { status, at, reason }).collect();
    Ok(WithdrawalDetail { withdrawal: WithdrawalView::new(cx.config.installation.network, withdrawal), timeline })
}

pub(super) fn cancel_withdrawal(cx: &mut Context<'_, '_>, input: &OneWithdrawal) -> Result<WithdrawalDetail> {
    let user = cx.user_id()?;
    let withdrawal = store::withdrawal_locked(cx, input.withdrawal_id)?.filter(|found| found.user_id == user).ok_or(Refusal::NotFound)?;
    let is_late = withdrawal.due_at.is_some_and(|due| cx.now >= due);
    if !withdrawal.status.waits() || is_late || store::may_be_paid(cx, &withdrawal)? {
        return Err(WalletRefusal::NotCancellable.into());
    }
    let mut told = Vec::new();
    withdrawal::move_on(cx, withdrawal, WithdrawalStatus::Cancelled, "cancelled by the user", &mut told)?;
    events::emit(cx, &told)?;
    let withdrawal = store::withdrawal(cx, input.withdrawal_id)?.ok_or(Refusal::NotFound)?;
    detail(cx, withdrawal)
}

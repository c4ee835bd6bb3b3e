//! Admins decide about withdrawals: nobody about his own, large ones two of them.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::error::Refusal;
use crate::base::page::{self, Page};
use crate::base::{Context, Result, UserId};
use crate::events;
use crate::users::admin_action::{self, Action};
use crate::users::second_factor;
use crate::wallet::withdrawal::{self, Withdrawal, WithdrawalId, WithdrawalStatus};
use crate::wallet::withdrawals::{self, WithdrawalDetail, WithdrawalView};
use crate::wallet::{WalletRefusal, store};

const LIST: &str = "admin_withdrawals";

/// Which withdrawals.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListWithdrawals {
    /// `in_review` when left out.
    #[garde(skip)]
    status: Option<WithdrawalStatus>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 50; 20 when left out.
    #[garde(inner(range(min = 1, max = 50)))]
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
}

/// A withdrawal as admins see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AdminWithdrawal {
    /// Whose.
    user_id: UserId,
    /// Admins who have approved it.
    approved_by: Vec<UserId>,
    #[serde(flatten)]
    withdrawal: WithdrawalView,
}

/// Which withdrawal, and why.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideWithdrawal {
    /// From the list.
    #[garde(skip)]
    withdrawal_id: WithdrawalId,
    /// Its user sees it; kept in the audit log.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

/// What was decided.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DecidedWithdrawal {
    /// Admins who have approved it.
    approvals: usize,
    /// How many it needs.
    approvals_needed: usize,
    #[serde(flatten)]
    detail: WithdrawalDetail,
}

pub(super) fn list_withdrawals(cx: &mut Context<'_, '_>, input: &ListWithdrawals) -> Result<Page<AdminWithdrawal>> {
    let limit = input.limit.unwrap_or(20);
    let after = page::begin(LIST, input.cursor.as_ref(), Uuid::nil())?;
    let status = input.status.unwrap_or(WithdrawalStatus::InReview);
    let network = cx.config.installation.network;
    let mut items = Vec::new();
    for row in store::withdrawals_in(cx, status, after, i64::from(limit) + 1)? {
        let approved_by = store::approvals(cx, row.id)?;
        items.push(AdminWithdrawal { user_id: row.user_id, approved_by, withdrawal: WithdrawalView::new(network, row) });
    }
    Ok(Page::of(items, limit as usize, |item: &AdminWithdrawal| page::cursor(LIST, &item.withdrawal.withdrawal_id.to_string())))
}

/// An approval overrides the daily cap and every other rule, never the maximum of a payout.
pub(super) fn approve_withdrawal(cx: &mut Context<'_, '_>, input: &DecideWithdrawal) -> Result<DecidedWithdrawal> {
    second_factor::before_a_change(cx)?;
    let mut withdrawal = for_decision(cx, input.withdrawal_id)?;
    let admin = cx.user_id()?;
    let mut admins = store::approvals(cx, withdrawal.id)?;
    if admins.contains(&admin) {
        return Err(WalletRefusal::AlreadyApproved.into());
    }
    store::insert_approval(cx, withdrawal.id, admin)?;
    admins.push(admin);
    let approvals_needed = if withdrawal.amount > cx.config.withdrawals.two_admins_above { 2 } else { 1 };
    let enough = admins.len() >= approvals_needed;
    let after = if enough { "queued" } else { "in_review, approved by one" };
    record(cx, input, "approve_withdrawal", after)?;
    if enough {
        withdrawal.cleared_at = Some(cx.now);
        let mut told = Vec::new();
        withdrawal::move_on(cx, withdrawal, WithdrawalStatus::Queued, &input.reason, &mut told)?;
        events::emit(cx, &told)?;
    }
    decided(cx, input.withdrawal_id, admins.len(), approvals_needed)
}

pub(super) fn reject_withdrawal(cx: &mut Context<'_, '_>, input: &DecideWithdrawal) -> Result<DecidedWithdrawal> {
    second_factor::before_a_change(cx)?;
    let withdrawal = for_decision(cx, input.withdrawal_id)?;
    if store::may_be_paid(cx, &withdrawal)? {
        return Err(WalletRefusal::MayBePaid.into());
    }
    record(cx, input, "reject_withdrawal", "rejected")?;
    let mut told = Vec::new();
    withdrawal::move_on(cx, withdrawal, WithdrawalStatus::Rejected, &input.reason, &mut told)?;
    events::emit(cx, &told)?;
    decided(cx, input.withdrawal_id, 0, 0)
}

/// What waits of a user goes to review, because he was suspended.
pub fn hold_all_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    let mut told = Vec::new();
    for mut withdrawal in store::queued_of(cx, user)? {
        withdrawal.cleared_at = None;
        withdrawal::move_on(cx, withdrawal, WithdrawalStatus::InReview, "the account is suspended", &mut told)?;
    }
    events::emit(cx, &told)
}

fn for_decision(cx: &mut Context<'_, '_>, id: WithdrawalId) -> Result<Withdrawal> {
    let withdrawal = store::withdrawal_locked(cx, id)?.ok_or(Refusal::NotFound)?;
    if withdrawal.user_id == cx.user_id()? {
        return Err(WalletRefusal::OwnWithdrawal.into());
    }
    if withdrawal.status != WithdrawalStatus::InReview || withdrawal.due_at.is_some_and(|due| cx.now >= due) {
        return Err(WalletRefusal::NotInReview.into());
    }
    Ok(withdrawal)
}

fn record(cx: &mut Context<'_, '_>, input: &DecideWithdrawal, name: &'static str, after: &'static str) -> Result<()> {
    admin_action::record(cx, Action { name, subject: input.withdrawal_id.0, reason: &input.reason, before: "in_review", after })
}

fn decided(cx: &mut Context<'_, '_>, id: WithdrawalId, approvals: usize, approvals_needed: usize) -> Result<DecidedWithdrawal> {
    let withdrawal = store::withdrawal(cx, id)?.ok_or(Refusal::NotFound)?;
    Ok(DecidedWithdrawal { approvals, approvals_needed, detail: withdrawals::detail(cx, withdrawal)? })
}

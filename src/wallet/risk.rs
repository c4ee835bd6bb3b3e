//! Which withdrawals an admin looks at before they go out. A job asks about each new one; time alone releases a review that
//! nobody decides.

use crate::base::error::internal;
use crate::base::{Context, Result, Span};
use crate::events;
use crate::users::store::user;
use crate::users::user::Status;
use crate::wallet::store;
use crate::wallet::withdrawal::{self, Withdrawal, WithdrawalId, WithdrawalStatus};

const DAY: Span = Span::hours(24);

/// Withdrawals that wait for the rules, or for a decision that did not come.
pub fn waiting(cx: &mut Context<'_, '_>) -> Result<Vec<WithdrawalId>> {
    store::withdrawals_to_look_at(cx)
}

/// Looks at one of them. Nothing when somebody else has done it.
pub fn look_at(cx: &mut Context<'_, '_>, id: WithdrawalId) -> Result<()> {
    let Some(mut withdrawal) = store::withdrawal_locked(cx, id)? else { return Ok(()) };
    let mut told = Vec::new();
    match withdrawal.status {
        WithdrawalStatus::Queued if withdrawal.cleared_at.is_none() => {
            if let Some(reason) = objection(cx, &withdrawal)? {
                withdrawal::move_on(cx, withdrawal, WithdrawalStatus::InReview, reason, &mut told)?;
            } else {
                withdrawal.cleared_at = Some(cx.now);
                store::save_withdrawal(cx, &withdrawal)?;
            }
        }
        WithdrawalStatus::InReview if withdrawal.due_at.is_some_and(|due| cx.now >= due) && !store::may_be_paid(cx, &withdrawal)? => {
            withdrawal::move_on(cx, withdrawal, WithdrawalStatus::Rejected, "review_timeout", &mut told)?;
        }
        _ => {}
    }
    events::emit(cx, &told)
}

/// Why an admin has to look at it, as its user is told; nothing when it may go out.
fn objection(cx: &mut Context<'_, '_>, withdrawal: &Withdrawal) -> Result<Option<&'static str>> {
    let rules = cx.config.withdrawals.clone();
    let Withdrawal { id, user_id, address, amount, created_at, .. } = *withdrawal;
    let net = withdrawal.net();
    let owner = user(cx, user_id)?.ok_or_else(|| internal("a withdrawal of nobody"))?;
    let since = cx.now.minus(DAY);
    let past = store::past_withdrawals(cx, user_id, id, address, since)?;
    let cleared = store::cleared_since(cx, since)?;
    let over_the_cap = cleared.checked_add(net).is_none_or(|sum| sum > rules.daily_cap);
    let young = created_at.since(owner.created_at) < Span::hours(i64::from(rules.young_user_hours));
    let checks: [(bool, &'static str); 8] = [
        (owner.status != Status::Active, "the account is suspended"),
        (past.flagged, "the account is looked at"),
        (amount >= rules.review_from, "the amount is large"),
        (past.completed == 0, "it is the first withdrawal"),
        (past.completed_there == 0 && amount >= rules.review_new_address_from, "the address is new"),
        (young, "the account is new"),
        (past.lately >= i64::from(rules.daily_count), "there were several within a day"),
        (over_the_cap, "the amount of a day is used up"),
    ];
    Ok(checks.into_iter().find_map(|(applies, reason)| applies.then_some(reason)))
}

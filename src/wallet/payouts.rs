//! What the gateway reports of withdrawals: signed, paid, failed. It alone calls this.

use crate::base::{Context, Result};
use crate::events::Event;
use crate::wallet::store;
use crate::wallet::withdrawal::{self, Withdrawal, WithdrawalId, WithdrawalStatus};

/// The withdrawal, locked, while it may go out or is on its way.
pub fn locked(cx: &mut Context<'_, '_>, id: WithdrawalId) -> Result<Option<Withdrawal>> {
    store::withdrawal_locked(cx, id)
}

/// Whether it may be signed: nobody took it back, nobody holds it up.
pub fn may_be_signed(withdrawal: &Withdrawal) -> bool {
    withdrawal.status == WithdrawalStatus::Sending || (withdrawal.status == WithdrawalStatus::Queued && withdrawal.cleared_at.is_some())
}

/// A transaction that carries it is signed.
pub fn signed(cx: &mut Context<'_, '_>, mut withdrawal: Withdrawal, txid: [u8; 32], told: &mut Vec<Event>) -> Result<()> {
    withdrawal.txid = Some(txid);
    if withdrawal.status == WithdrawalStatus::Sending {
        return store::save_withdrawal(cx, &withdrawal);
    }
    withdrawal::move_on(cx, withdrawal, WithdrawalStatus::Sending, "", told)
}

/// It waits; its user may read why.
pub fn delayed(cx: &mut Context<'_, '_>, mut withdrawal: Withdrawal, why: &str) -> Result<()> {
    let reason = format!("delayed: {why}");
    if !withdrawal.status.waits() || withdrawal.reason == reason {
        return Ok(());
    }
    withdrawal.reason = reason;
    store::save_withdrawal(cx, &withdrawal)
}

/// It is final on the chain in the transaction `txid`.
pub fn completed(cx: &mut Context<'_, '_>, mut withdrawal: Withdrawal, txid: [u8; 32], told: &mut Vec<Event>) -> Result<()> {
    withdrawal.txid = Some(txid);
    if withdrawal.status.waits() {
        // An admin found it paid: it was on its way without this database knowing.
        signed(cx, withdrawal.clone(), txid, told)?;
    }
    withdrawal::move_on(cx, withdrawal, WithdrawalStatus::Completed, "", told)
}

/// It failed for good; the money goes back.
pub fn refunded(cx: &mut Context<'_, '_>, withdrawal: Withdrawal, reason: &str, told: &mut Vec<Event>) -> Result<()> {
    withdrawal::move_on(cx, withdrawal, WithdrawalStatus::Refunded, reason, told)
}

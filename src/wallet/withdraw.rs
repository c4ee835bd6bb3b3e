//! A user takes money out: it moves to a hold at once, everything else comes later.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::{Address, Context, Result, Usdt};
use crate::users::second_factor;
use crate::wallet::custody::Custody;
use crate::wallet::withdrawal::{self, Withdrawal, WithdrawalId, WithdrawalStatus};
use crate::wallet::{WalletRefusal, store};

crate::words! {
    /// What is paid out.
    pub enum Currency {
        /// USDT as a TRC-20 token.
        Usdt = "USDT",
    }
}

/// How much, and where to.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// What leaves your balance, the fee included.
    #[garde(skip)]
    amount: Usdt,
    /// A TRON address of yours. Check it twice: a transfer cannot be taken back.
    #[garde(skip)]
    address: Address,
    /// `USDT`; may be left out.
    #[garde(skip)]
    currency: Option<Currency>,
}

/// It was taken in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Queued {
    /// For asking how far it is.
    withdrawal_id: WithdrawalId,
    /// What left your balance.
    amount: Usdt,
    /// What it costs.
    fee: Usdt,
    /// What arrives.
    net_amount: Usdt,
    /// Always `queued` at first; the risk rules come next.
    status: WithdrawalStatus,
}

pub(super) fn withdraw(cx: &mut Context<'_, '_>, input: &Withdraw) -> Result<Queued> {
    let user_id = cx.user_id()?;
    second_factor::before_money_leaves(cx)?;
    let Withdraw { amount, address, currency: None | Some(Currency::Usdt) } = *input;
    let rules = &cx.config.withdrawals;
    let fee = rules.fee;
    if amount < rules.min {
        return Err(WalletRefusal::BelowMinimum { least: rules.min }.into());
    }
    let net_amount = amount.checked_sub(fee).unwrap_or_default();
    if net_amount > rules.payout_max {
        return Err(WalletRefusal::AboveMaximum { most: rules.payout_max }.into());
    }
    let own = store::deposit_address_of(cx, user_id)?.is_some_and(|(_, own)| own == address);
    if own || Custody::current(cx)?.is_no_destination(address) {
        return Err(WalletRefusal::NoDestination.into());
    }
    let withdrawal = Withdrawal {
        id: WithdrawalId(cx.new_id()),
        user_id,
        address,
        amount,
        fee,
        status: WithdrawalStatus::Queued,
        reason: String::new(),
        cleared_at: None,
        txid: None,
        created_at: cx.now,
        due_at: None,
    };
    withdrawal::open(cx, &withdrawal)?;
    Ok(Queued { withdrawal_id: withdrawal.id, amount, fee, net_amount, status: withdrawal.status })
}

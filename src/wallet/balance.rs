//! What a user has.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::{Context, Result, Usdt};
use crate::ledger::{self, Balance};

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetBalance {}

/// A user's money in USDT.
#[expect(clippy::struct_field_names, reason = "these are the published names")]
#[derive(Debug, Serialize, JsonSchema)]
pub struct BalanceView {
    /// May be spent or withdrawn.
    available_balance: Usdt,
    /// In task escrows and pending withdrawals.
    held_balance: Usdt,
    /// Both together.
    total_balance: Usdt,
}

/// The same, with the names that bots know.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AgentBalance {
    /// May be spent or withdrawn.
    available_balance: Usdt,
    /// In task escrows and pending withdrawals.
    held_balance: Usdt,
    /// Both together.
    total_balance: Usdt,
    /// The same as `available_balance`.
    usdt_balance: Usdt,
    /// The same as `held_balance`.
    usdt_held: Usdt,
}

impl From<Balance> for BalanceView {
    fn from(balance: Balance) -> Self {
        Self { available_balance: balance.available, held_balance: balance.held, total_balance: balance.total() }
    }
}

pub(super) fn get_balance(cx: &mut Context<'_, '_>, _: &GetBalance) -> Result<BalanceView> {
    let user = cx.user_id()?;
    Ok(ledger::balance_of(cx, user)?.into())
}

pub(super) fn get_agent_balance(cx: &mut Context<'_, '_>, _: &GetBalance) -> Result<AgentBalance> {
    let user = cx.user_id()?;
    let balance = ledger::balance_of(cx, user)?;
    Ok(AgentBalance {
        available_balance: balance.available,
        held_balance: balance.held,
        total_balance: balance.total(),
        usdt_balance: balance.available,
        usdt_held: balance.held,
    })
}

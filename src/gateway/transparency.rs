//! What everybody may see: what we owe, and what lies on the chain for it.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::internal;
use crate::base::{Context, Result, Ts, Usdt};
use crate::gateway::{GatewayRefusal, store};
use crate::ledger::{self, AccountId};

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetTransparency {}

/// The books against the chain, in USDT.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Transparency {
    /// What belongs to users: available, in escrows, in withdrawals.
    liabilities: Usdt,
    /// What the platform has earned.
    platform_fees: Usdt,
    /// What the operator has put in.
    operator_capital: Usdt,
    /// Arrived and not in anybody's balance yet: below the minimum, or looked at.
    pending_deposits: Usdt,
    /// What lies in our addresses.
    on_chain: Usdt,
    /// On the chain minus everything above; zero when all is well.
    difference: Usdt,
    /// The solid block that this is true at.
    block: i64,
    /// Its time.
    block_time: Ts,
    /// When it was read.
    at: Ts,
}

/// Everything that the books say, and what the chain says.
pub(super) struct Totals {
    pub(super) liabilities: Usdt,
    pub(super) fees: Usdt,
    pub(super) capital: Usdt,
    pub(super) pending: Usdt,
    pub(super) on_chain: Usdt,
}

impl Totals {
    pub(super) fn read(cx: &mut Context<'_, '_>, on_chain: Usdt) -> Result<Self> {
        let mirrored = ledger::balance::of_platform(cx, AccountId::ONCHAIN)?;
        let fees = ledger::balance::of_platform(cx, AccountId::PLATFORM_FEES)?;
        let capital = ledger::balance::of_platform(cx, AccountId::OPERATOR_CAPITAL)?;
        // Double entry: all accounts together are zero, so users have what the others do not.
        let liabilities = [mirrored, fees, capital].into_iter().sum::<Usdt>().negated();
        Ok(Self { liabilities, fees, capital, pending: store::pending_deposits(cx)?, on_chain })
    }

    /// What lies on the chain and is nobody's, or the reverse.
    pub(super) fn difference(&self) -> Result<Usdt> {
        let owed = [self.liabilities, self.fees, self.capital, self.pending].into_iter().sum::<Usdt>();
        self.on_chain.checked_sub(owed).ok_or_else(|| internal("the chain and the books are further apart than i64 reaches"))
    }
}

pub(super) fn get_transparency(cx: &mut Context<'_, '_>, _: &GetTransparency) -> Result<Transparency> {
    let cursor = store::cursor(cx)?.ok_or(GatewayRefusal::NotBegun)?;
    let totals = Totals::read(cx, Usdt::from_micro(cursor.total))?;
    Ok(Transparency {
        difference: totals.difference()?,
        liabilities: totals.liabilities,
        platform_fees: totals.fees,
        operator_capital: totals.capital,
        pending_deposits: totals.pending,
        on_chain: totals.on_chain,
        block: cursor.number,
        block_time: cursor.at,
        at: cx.now,
    })
}

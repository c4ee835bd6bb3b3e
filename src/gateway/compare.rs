//! The books against the chain, at the cursor.

use crate::base::error::internal;
use crate::base::{Context, Result, Usdt};
use crate::gateway::freeze::{self, FreezeReason};
use crate::gateway::lease::{self, Token};
use crate::gateway::store;
use crate::gateway::transparency::Totals;

/// Stops payouts when our addresses do not hold what the books say.
pub fn compare(cx: &mut Context<'_, '_>, token: Token) -> Result<()> {
    lease::require(cx, token)?;
    let cursor = store::cursor_locked(cx)?.ok_or_else(|| internal("the chain has no beginning yet"))?;
    let difference = Totals::read(cx, Usdt::from_micro(cursor.total))?.difference()?;
    if difference == Usdt::ZERO {
        return Ok(());
    }
    let detail = format!("at block {} our addresses hold {difference} USDT more than the books say", cursor.number);
    freeze::freeze(cx, FreezeReason::Balance, &detail)
}

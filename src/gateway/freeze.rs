//! Reasons for which nothing is signed. Each stays until an admin lifts it, except that of a chain that stood still.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Context, Result, Ts};
use crate::gateway::lease::{self, Token};
use crate::gateway::store;

crate::words! {
    /// Why nothing is signed.
    pub enum FreezeReason {
        /// An admin wants it.
        Operator = "operator",
        /// The audit of the books found something.
        Audit = "audit",
        /// What lies on the chain is not what the books say.
        Balance = "balance",
        /// Something left our wallets that this database knows nothing of: it may be an old copy.
        UnknownPayment = "unknown_payment",
        /// Nodes tell different things of the same transaction or block.
        Disagreement = "disagreement",
        /// A solid block does not stand on the one before it.
        BrokenChain = "broken_chain",
        /// No new solid block for a while. Lifts by itself.
        StaleChain = "stale_chain",
    }
}

::store::row! {
    /// A reason in force.
    #[derive(Clone, Debug, Serialize, JsonSchema)]
    pub struct Freeze {
        /// Why.
        pub reason: FreezeReason,
        /// For people.
        pub detail: String,
        /// Since when.
        pub since: Ts,
    }
}

/// Stops signing. Loud the first time.
pub fn freeze(cx: &mut Context<'_, '_>, reason: FreezeReason, detail: &str) -> Result<()> {
    if store::insert_freeze(cx, reason, detail)? {
        tracing::error!(reason = reason.name(), detail, "payouts are stopped");
    }
    Ok(())
}

/// Ends one reason; answers whether it was in force.
pub fn lift(cx: &mut Context<'_, '_>, reason: FreezeReason) -> Result<bool> {
    store::delete_freeze(cx, reason)
}

/// The chain stands still, or moves again.
pub fn set_stale(cx: &mut Context<'_, '_>, token: Token, is_stale: bool) -> Result<()> {
    lease::require(cx, token)?;
    if is_stale {
        return freeze(cx, FreezeReason::StaleChain, "no new solid block for 10 minutes");
    }
    if lift(cx, FreezeReason::StaleChain)? {
        tracing::info!("the chain moves again, payouts go on");
    }
    Ok(())
}

/// What the gateway found wrong outside of an operation.
pub fn report(cx: &mut Context<'_, '_>, token: Token, reason: FreezeReason, detail: &str) -> Result<()> {
    lease::require(cx, token)?;
    freeze(cx, reason, detail)
}

/// Everything that stands in the way now.
pub fn in_force(cx: &mut Context<'_, '_>) -> Result<Vec<Freeze>> {
    store::freezes(cx)
}

//! What left our wallets. Each has its order; what has none was made by somebody else, or is newer than this database.

pub(crate) mod store;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Address, Context, Result, Usdt};
use crate::gateway::outgoing::store::Outgoing;

/// So many are shown.
const SHOWN: i64 = 100;

/// A transfer that nobody here ordered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnknownPayment {
    /// On the chain.
    pub txid: String,
    /// The solid block that holds it.
    pub block: i64,
    /// From which of our addresses.
    pub owner: Address,
    /// Where USDT went; nothing when none moved.
    pub recipient: Option<Address>,
    /// How much.
    pub amount: Usdt,
}

impl From<Outgoing> for UnknownPayment {
    fn from(Outgoing { txid, block, owner, recipient, amount, .. }: Outgoing) -> Self {
        Self { txid: tron::hex::encode(&txid), block, owner, recipient, amount: Usdt::from_micro(amount) }
    }
}

/// What left without an order, the oldest first.
pub(super) fn unknown_payments(cx: &mut Context<'_, '_>) -> Result<Vec<UnknownPayment>> {
    Ok(store::unknown(cx, SHOWN)?.into_iter().map(UnknownPayment::from).collect())
}

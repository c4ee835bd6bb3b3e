//! What left our wallets, as the chain shows it.

use crate::base::{Address, Context, Result};
use crate::gateway::order::Order;

::store::row! {
    /// Something that left one of our addresses.
    #[derive(Clone, Debug)]
    pub(in crate::gateway) struct Outgoing {
        pub(in crate::gateway) txid: [u8; 32],
        pub(in crate::gateway) log_index: i64,
        pub(in crate::gateway) block: i64,
        pub(in crate::gateway) owner: Address,
        pub(in crate::gateway) recipient: Option<Address>,
        pub(in crate::gateway) amount: i64,
        pub(in crate::gateway) outcome: String,
        pub(in crate::gateway) known: bool,
    }
}

::store::statements! {
    INSERT: ([u8; 32], i64, i64, Address, Option<Address>, i64, String, bool) => () =
        "insert into outgoing_seen (txid, log_index, block, owner, recipient, amount, outcome, known) values {rows}";
    WAS_SEEN: ([u8; 32],) => (i64,) = "select block from outgoing_seen where txid = $1 limit 1";
    OF_TRANSACTION: ([u8; 32],) => Outgoing =
        "select txid, log_index, block, owner, recipient, amount, outcome, known from outgoing_seen where txid = $1 order by log_index";
    LEFT_UNKNOWN: (Address, Address, i64) => (i64,) =
        "select block from outgoing_seen where not known and owner = $1 and recipient = $2 and amount = $3 limit 1";
    UNKNOWN: (i64,) => Outgoing =
        "select txid, log_index, block, owner, recipient, amount, outcome, known from outgoing_seen where not known and block > 0 order by block limit $1";
    ADOPT: ([u8; 32],) => () = "update outgoing_seen set known = true where txid = $1 and not known";
}

pub(in crate::gateway) fn insert(cx: &mut Context<'_, '_>, rows: &[Outgoing]) -> Result<()> {
    let values: Vec<_> =
        rows.iter().map(|o| (o.txid, o.log_index, o.block, o.owner, o.recipient, o.amount, o.outcome.as_str(), o.known)).collect();
    Ok(cx.tx.write_rows(&INSERT, &values)?)
}

/// Whether a transaction of ours is in a solid block.
pub(in crate::gateway) fn was_seen(cx: &mut Context<'_, '_>, txid: [u8; 32]) -> Result<bool> {
    Ok(cx.tx.maybe(&WAS_SEEN, (txid,))?.is_some())
}

pub(in crate::gateway) fn of(cx: &mut Context<'_, '_>, txid: [u8; 32]) -> Result<Vec<Outgoing>> {
    Ok(cx.tx.all(&OF_TRANSACTION, (txid,))?)
}

/// Whether something left without an order that does what this one says.
pub(in crate::gateway) fn left_unknown(cx: &mut Context<'_, '_>, order: &Order) -> Result<bool> {
    Ok(cx.tx.maybe(&LEFT_UNKNOWN, (order.owner, order.recipient, order.amount))?.is_some())
}

/// What left without an order, the oldest first.
pub(in crate::gateway) fn unknown(cx: &mut Context<'_, '_>, at_most: i64) -> Result<Vec<Outgoing>> {
    Ok(cx.tx.all(&UNKNOWN, (at_most,))?)
}

/// From now on a transaction that nobody ordered counts as known; answers whether it was not.
pub(in crate::gateway) fn adopt(cx: &mut Context<'_, '_>, txid: [u8; 32]) -> Result<bool> {
    Ok(cx.tx.change(&ADOPT, (txid,))? > 0)
}

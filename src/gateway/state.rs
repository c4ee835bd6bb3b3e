//! How the gateway is: how far the chain was read, what lies where, and what stands in the way.

use std::fmt;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::{Address, Context, Result, Ts, Usdt};
use crate::gateway::freeze::{self, Freeze};
use crate::gateway::order::OrderState;
use crate::gateway::outgoing::{self, UnknownPayment};
use crate::gateway::transparency::Totals;
use crate::gateway::{GatewayRefusal, store};
use crate::wallet::custody::Custody;

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetGateway {}

/// How the gateway is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GatewayState {
    /// The last solid block that was read.
    block: i64,
    /// Its time.
    block_time: Ts,
    /// When it was read.
    read_at: Ts,
    /// Payouts leave from here.
    hot_address: Address,
    /// What lies there.
    hot_usdt: Usdt,
    /// Where the rest is kept.
    cold_address: Option<Address>,
    /// What lies there.
    cold_usdt: Usdt,
    /// What lies in the deposit addresses.
    deposit_addresses_usdt: Usdt,
    /// On the chain minus the books; zero when all is well.
    difference: Usdt,
    /// Why nothing is signed; empty when all is well.
    freezes: Vec<Freeze>,
    /// What left our wallets and no order of this database asked for, the oldest first.
    unknown_payments: Vec<UnknownPayment>,
    /// Orders by state, without those that ended.
    orders: Vec<OrderCount>,
    /// Until when the gateway that is at work has said that it is.
    lease_until: Ts,
}

/// How many.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderCount {
    /// In this state.
    state: OrderState,
    /// So many.
    count: i64,
}

pub(super) fn get_gateway(cx: &mut Context<'_, '_>, _: &GetGateway) -> Result<GatewayState> {
    state(cx)
}

/// How the gateway is, for admins and for the command line. Reads only.
///
/// # Errors
/// `chain_not_read`.
pub fn state(cx: &mut Context<'_, '_>) -> Result<GatewayState> {
    let cursor = store::cursor(cx)?.ok_or(GatewayRefusal::NotBegun)?;
    let custody = Custody::current(cx)?;
    let totals = Totals::read(cx, Usdt::from_micro(cursor.total))?;
    let usdt = Usdt::from_micro;
    Ok(GatewayState {
        block: cursor.number,
        block_time: cursor.at,
        read_at: store::read_at(cx)?,
        hot_address: custody.hot,
        hot_usdt: usdt(cursor.hot),
        cold_address: custody.cold,
        cold_usdt: usdt(cursor.cold),
        deposit_addresses_usdt: usdt(cursor.total - cursor.hot - cursor.cold),
        difference: totals.difference()?,
        freezes: freeze::in_force(cx)?,
        unknown_payments: outgoing::unknown_payments(cx)?,
        orders: store::count_orders(cx)?.into_iter().map(|(state, count)| OrderCount { state, count }).collect(),
        lease_until: store::lease(cx)?.until,
    })
}

/// For people.
impl fmt::Display for GatewayState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cold = self.cold_address.map_or_else(|| "no cold address".to_owned(), |address| address.to_string());
        writeln!(f, "block       {} of {}, read at {}", self.block, self.block_time, self.read_at)?;
        writeln!(f, "gateway     has the lease until {}", self.lease_until)?;
        writeln!(f, "hot         {} USDT at {}", self.hot_usdt, self.hot_address)?;
        writeln!(f, "cold        {} USDT at {cold}", self.cold_usdt)?;
        writeln!(f, "deposits    {} USDT at their addresses", self.deposit_addresses_usdt)?;
        writeln!(f, "difference  {} USDT", self.difference)?;
        let orders: Vec<_> = self.orders.iter().map(|order| format!("{} {}", order.count, order.state.name())).collect();
        writeln!(f, "orders      {}", if orders.is_empty() { "none open".to_owned() } else { orders.join(", ") })?;
        for UnknownPayment { txid, block, recipient, amount, .. } in &self.unknown_payments {
            let to = recipient.map_or_else(|| "nobody".to_owned(), |address| address.to_string());
            writeln!(f, "unknown     {amount} USDT to {to} in block {block}: {txid}")?;
        }
        if self.freezes.is_empty() {
            return write!(f, "payouts     go on");
        }
        write!(f, "payouts     are stopped")?;
        for Freeze { reason, detail, since } in &self.freezes {
            write!(f, "\n  {} since {since}: {detail}", reason.name())?;
        }
        Ok(())
    }
}

//! The TRX that fees of the hot wallet are paid with. A transfer that finds too little burns what is there and moves nothing,
//! so nothing is signed that the purse might not cover.

use std::sync::{Mutex, PoisonError};

use tron::node::ChainParameters;

use crate::base::error::Result;
use crate::gateway::order::{Asset, Order};
use crate::gateway::outcome::SUN;
use crate::gateway::runner::Gateway;
use crate::gateway::runner::watch::nodes;
use crate::gateway::store::{self, Burning};

/// The size of a token transfer, and a little more.
pub(super) const BYTES: i64 = 350;
/// What bringing a new address into being takes.
const ACTIVATION: i64 = SUN + SUN / 10;

/// What is left for transactions that are not signed yet, in sun.
pub(super) struct Purse {
    left: Mutex<i64>,
    bandwidth_price: i64,
}

impl Gateway {
    /// What the hot wallet has, its staked energy at what it would cost, without what its signed transactions may still
    /// take. Those that ended after the node's block count twice: too little rather than too much.
    pub(super) async fn purse(&self, prices: &ChainParameters) -> Result<Purse> {
        let hot = self.custody.hot;
        let burning = self.dispatcher.look(move |cx| store::burning_from(cx, hot)).await?;
        let has = self.pool.account(hot.0).await.map_err(nodes)?.map_or(0, |account| account.balance_sun);
        let energy = self.pool.resources(hot.0).await.map_err(nodes)?.energy;
        let purse = Purse { left: Mutex::default(), bandwidth_price: prices.bandwidth_price_sun };
        let taken = burning.iter().fold(0_i64, |taken, burning| taken.saturating_add(purse.cost(burning)));
        let left = energy.saturating_mul(prices.energy_price_sun).saturating_add(has).saturating_sub(taken);
        Ok(Purse { left: Mutex::new(left), ..purse })
    }
}

impl Purse {
    /// Takes what an order may need; false when it is not there.
    pub(super) fn pays(&self, order: &Order, fee_limit: i64) -> bool {
        let cost = self.cost(&Burning { asset: order.asset, transactions: 1, fee_limits: fee_limit, amounts: order.amount });
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let after = left.saturating_sub(cost);
        if after >= 0 {
            *left = after;
        }
        after >= 0
    }

    /// The most that transactions may take.
    fn cost(&self, burning: &Burning) -> i64 {
        let (each, moved) = match burning.asset {
            Asset::Usdt => (self.bandwidth_price.saturating_mul(BYTES), burning.fee_limits),
            Asset::Trx => (ACTIVATION, burning.amounts),
        };
        each.saturating_mul(burning.transactions).saturating_add(moved)
    }
}

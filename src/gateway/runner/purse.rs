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

/// What is left for transactions that are not signed yet.
pub(super) struct Purse {
    left: Mutex<Left>,
    bandwidth_price: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// In sun. Pays for everything.
    trx: i64,
    /// Staked or delegated energy at what it would cost, in sun. Pays for nothing else.
    energy: i64,
    /// Transfers whose bandwidth costs nothing.
    free: i64,
}

impl Gateway {
    /// What the hot wallet has without what its signed transactions may still take. Those that ended after the node's block
    /// count twice: too little rather than too much.
    pub(super) async fn purse(&self, prices: &ChainParameters) -> Result<Purse> {
        let hot = self.custody.hot;
        let burning = self.dispatcher.look(move |cx| store::burning_from(cx, hot)).await?;
        let trx = self.pool.account(hot.0).await.map_err(nodes)?.map_or(0, |account| account.balance_sun);
        let resources = self.pool.resources(hot.0).await.map_err(nodes)?;
        let left = Left {
            trx,
            energy: resources.energy.saturating_mul(prices.energy_price_sun),
            free: resources.bandwidth_free / BYTES + resources.bandwidth_staked / BYTES,
        };
        let bandwidth_price = prices.bandwidth_price_sun;
        let left = burning.iter().fold(left, |left, burning| left.without(burning, bandwidth_price));
        Ok(Purse { left: Mutex::new(left), bandwidth_price })
    }
}

impl Purse {
    /// Takes what an order may need, and answers what was there before; nothing when that is too little.
    pub(super) fn take(&self, order: &Order, fee_limit: i64) -> Option<Taken> {
        let cost = Burning { asset: order.asset, transactions: 1, fee_limits: fee_limit, amounts: order.amount };
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let after = left.without(&cost, self.bandwidth_price);
        let taken = Taken(Left { trx: left.trx - after.trx, energy: left.energy - after.energy, free: left.free - after.free });
        (after.trx >= 0).then(|| {
            *left = after;
            taken
        })
    }

    /// It was not signed after all.
    pub(super) fn give_back(&self, Taken(taken): Taken) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = Left { trx: left.trx + taken.trx, energy: left.energy + taken.energy, free: left.free + taken.free };
    }
}

/// What one order took out of the purse.
pub(super) struct Taken(Left);

impl Left {
    /// After the most that transactions may take; the TRX are below zero where they are not enough.
    fn without(self, burning: &Burning, bandwidth_price: i64) -> Self {
        let free = burning.transactions.min(self.free);
        let (each, moved) = match burning.asset {
            Asset::Usdt => (bandwidth_price.saturating_mul(BYTES), 0),
            Asset::Trx => (ACTIVATION, burning.amounts),
        };
        // To bring an address into being costs TRX whatever bandwidth there is.
        let paying = if burning.asset == Asset::Usdt { burning.transactions - free } else { burning.transactions };
        let energy = burning.fee_limits.clamp(0, self.energy);
        let cost = each.saturating_mul(paying).saturating_add(moved).saturating_add(burning.fee_limits - energy);
        Self { trx: self.trx.saturating_sub(cost), energy: self.energy - energy, free: self.free - free }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Address, Ts};
    use crate::gateway::order::{OrderId, OrderKind};

    const USDT: Burning = Burning { asset: Asset::Usdt, transactions: 1, fee_limits: 8 * SUN, amounts: 25 };
    const TRX: Burning = Burning { asset: Asset::Trx, transactions: 1, fee_limits: 0, amounts: 9 * SUN };

    #[test]
    fn energy_pays_for_energy_alone() {
        let left = Left { trx: 100, energy: 10 * SUN, free: 0 };
        assert_eq!(left.without(&USDT, 1_000), Left { trx: 100 - 350_000, energy: 2 * SUN, free: 0 });
        assert_eq!(left.without(&TRX, 1_000), Left { trx: 100 - 10_100_000, ..left });
    }

    #[test]
    fn what_nobody_staked_for_is_paid_with_trx() {
        let left = Left { trx: 100 * SUN, energy: 3 * SUN, free: 1 };
        let left = left.without(&USDT, 1_000);
        assert_eq!(left, Left { trx: 95 * SUN, energy: 0, free: 0 });
        assert_eq!(left.without(&USDT, 1_000), Left { trx: 87 * SUN - 350_000, ..left });
    }

    #[test]
    fn what_was_not_signed_is_there_again() {
        let purse = Purse { left: Mutex::new(Left { trx: 10 * SUN, energy: 0, free: 0 }), bandwidth_price: 1_000 };
        let place = Address(tron::Address::parse_base58("TE8GRrRt7iQRXvxRhnhwVeVuNanXWU6s67").unwrap());
        let order = Order::new(OrderId(uuid::Uuid::nil()), OrderKind::Payout, (place, place), Asset::Usdt, 25, Ts::from_milliseconds(0));
        let taken = purse.take(&order, 8 * SUN).unwrap();
        assert!(purse.take(&order, 8 * SUN).is_none());
        purse.give_back(taken);
        assert!(purse.take(&order, 8 * SUN).is_some());
    }
}

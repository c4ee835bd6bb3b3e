//! Brings deposits to the hot wallet when there is enough to be worth it. First the address gets TRX, which also brings it
//! into being; each step waits until the one before is final.

use tron::abi::Word;

use crate::base::error::Result;
use crate::gateway::lease::Token;
use crate::gateway::outcome::SUN;
use crate::gateway::plan::{self, SweepStep, Sweepable};
use crate::gateway::runner::Gateway;
use crate::gateway::runner::watch::nodes;

/// What a transfer to an address with tokens takes, and one byte more than its size.
const ENERGY: i64 = 64_285;
const BYTES: i64 = 350;

impl Gateway {
    /// Orders sweeps now, for tests, which do not wait for their time.
    ///
    /// # Errors
    /// When nodes do not answer, or another gateway is at work.
    #[cfg(any(test, feature = "testing"))]
    pub async fn sweep_now(&self) -> Result<()> {
        let turn = self.turn.lock().await;
        let token = self.lease().await?.ok_or(crate::gateway::GatewayRefusal::LeaseLost)?;
        self.sweep(token).await?;
        drop(turn);
        Ok(())
    }

    /// Orders what a few of the fullest deposit addresses need next.
    pub(super) async fn sweep(&self, token: Token) -> Result<()> {
        if !self.keys.may_sweep() {
            return Ok(());
        }
        for at in self.dispatcher.look(plan::sweepable).await? {
            if let Some(step) = self.next_step(at).await? {
                self.dispatcher.system(move |cx| plan::plan_sweep(cx, token, at, step)).await?;
            }
        }
        Ok(())
    }

    async fn next_step(&self, at: Sweepable) -> Result<Option<SweepStep>> {
        let lies_there = self.pool.token_balance(self.custody.contract.0, at.address.0).await.map_err(nodes)?;
        if Some(lies_there) != Word::from_i64(at.units) {
            tracing::warn!(address = %at.address, units = at.units, "a deposit address does not hold what its log says; it is not swept now");
            return Ok(None);
        }
        let prices = self.pool.chain_parameters().await.map_err(nodes)?;
        let burns = ENERGY.saturating_mul(prices.energy_price_sun).saturating_mul(13) / 10;
        let needed = burns.saturating_add(BYTES.saturating_mul(prices.bandwidth_price_sun));
        if needed > i64::from(self.dispatcher.config.chain.fee_limit_max_trx).saturating_mul(SUN) {
            tracing::warn!(needed_sun = needed, "a sweep costs more than chain.fee_limit_max_trx; it waits");
            return Ok(None);
        }
        let has = self.pool.account(at.address.0).await.map_err(nodes)?.map_or(0, |account| account.balance_sun);
        if has >= needed {
            return Ok(Some(SweepStep::Sweep));
        }
        let hot = self.pool.account(self.custody.hot.0).await.map_err(nodes)?.map_or(0, |account| account.balance_sun);
        let low = i64::from(self.dispatcher.config.chain.trx_low_water).saturating_mul(SUN);
        if hot.saturating_sub(needed) < low {
            tracing::warn!(hot_sun = hot, "the hot wallet is low on TRX: deposits are not swept");
            return Ok(None);
        }
        Ok(Some(SweepStep::TopUp(needed - has)))
    }
}

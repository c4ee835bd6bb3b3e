//! Brings deposits to the hot wallet when there is enough to be worth it. First the address gets TRX, which also brings it
//! into being; each step waits until the one before is final.

use tron::abi::Word;
use tron::node::{ChainParameters, Estimate};

use crate::base::error::Result;
use crate::gateway::lease::Token;
use crate::gateway::outcome::SUN;
use crate::gateway::runner::Gateway;
use crate::gateway::runner::purse::BYTES;
use crate::gateway::runner::sign::burns;
use crate::gateway::runner::watch::nodes;
use crate::gateway::sweeps::{self, SweepStep, Sweepable};

/// What holds for every address.
struct Means {
    prices: ChainParameters,
    /// What the hot wallet has for fees, in sun.
    hot: i64,
}

/// What happens to a deposit address now.
enum NextStep {
    Order(SweepStep),
    /// Not it: something is in the way of everything.
    Wait,
    /// Something is in its way.
    Rest,
}

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
        let worth_it = self.dispatcher.look(sweeps::sweepable).await?;
        if worth_it.is_empty() {
            return Ok(());
        }
        let mut means = self.means().await?;
        for at in worth_it {
            match self.next_step(at, &mut means).await {
                Ok(NextStep::Order(step)) => self.dispatcher.system(move |cx| sweeps::plan_sweep(cx, token, at, step)).await?,
                Ok(NextStep::Rest) => self.dispatcher.system(move |cx| sweeps::rest(cx, token, at.address)).await?,
                Ok(NextStep::Wait) => {}
                // It rests, should the trouble be its own; the others are not asked for while it may be the node's.
                Err(error) => {
                    self.dispatcher.system(move |cx| sweeps::rest(cx, token, at.address)).await?;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn means(&self) -> Result<Means> {
        let prices = self.pool.chain_parameters().await.map_err(nodes)?;
        let hot = self.pool.account(self.custody.hot.0).await.map_err(nodes)?.map_or(0, |account| account.balance_sun);
        Ok(Means { prices, hot })
    }

    /// What the sweep will burn, by letting a node run it: the first one to a wallet without tokens takes twice the energy.
    /// Nothing when the token refuses it.
    async fn needed(&self, at: &Sweepable, prices: &ChainParameters) -> Result<Option<i64>> {
        let (token, owner, to) = (self.custody.contract.0, at.address.0, at.target.0);
        match self.pool.estimate_transfer(token, owner, to, at.units).await.map_err(nodes)? {
            Estimate::Energy(energy) => Ok(Some(burns(energy, prices).saturating_add(BYTES.saturating_mul(prices.bandwidth_price_sun)))),
            Estimate::Reverts(why) => {
                tracing::warn!(address = %at.address, why, "the token refuses to move what lies at a deposit address; it is not swept for a while");
                Ok(None)
            }
        }
    }

    async fn next_step(&self, at: Sweepable, means: &mut Means) -> Result<NextStep> {
        let lies_there = self.pool.token_balance(self.custody.contract.0, at.address.0).await.map_err(nodes)?;
        if Some(lies_there) != Word::from_i64(at.units) {
            tracing::warn!(address = %at.address, units = at.units, "a deposit address does not hold what its log says; it is not swept for a while");
            return Ok(NextStep::Rest);
        }
        let Some(needed) = self.needed(&at, &means.prices).await? else { return Ok(NextStep::Rest) };
        if needed > i64::from(self.dispatcher.config.chain.fee_limit_max_trx).saturating_mul(SUN) {
            tracing::warn!(needed_sun = needed, "a sweep costs more than chain.fee_limit_max_trx; it waits");
            return Ok(NextStep::Wait);
        }
        let has = self.pool.account(at.address.0).await.map_err(nodes)?.map_or(0, |account| account.balance_sun).max(0);
        if has >= needed {
            return Ok(NextStep::Order(SweepStep::Sweep));
        }
        let low = i64::from(self.dispatcher.config.chain.trx_low_water).saturating_mul(SUN);
        let top_up = needed - has;
        if means.hot.saturating_sub(top_up) < low {
            tracing::warn!(hot_sun = means.hot, "the hot wallet is low on TRX: deposits are not swept");
            return Ok(NextStep::Wait);
        }
        means.hot = means.hot.saturating_sub(top_up);
        Ok(NextStep::Order(SweepStep::TopUp(top_up)))
    }
}

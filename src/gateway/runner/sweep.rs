//! Brings deposits to the hot wallet when there is enough to be worth it. First the address gets TRX, which also brings it
//! into being; each step waits until the one before is final.

use tron::abi::Word;

use crate::base::error::Result;
use crate::gateway::lease::Token;
use crate::gateway::outcome::SUN;
use crate::gateway::runner::Gateway;
use crate::gateway::runner::watch::nodes;
use crate::gateway::sweeps::{self, SweepStep, Sweepable};

/// What a transfer to an address with tokens takes, and one byte more than its size.
const ENERGY: i64 = 64_285;
const BYTES: i64 = 350;

/// What a sweep takes, and what there is for it, in sun.
struct Means {
    needed: i64,
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
        let Some(means) = self.means().await? else { return Ok(()) };
        for at in worth_it {
            match self.next_step(at, &means).await {
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

    /// What holds for every address; nothing when none can be swept now.
    async fn means(&self) -> Result<Option<Means>> {
        let prices = self.pool.chain_parameters().await.map_err(nodes)?;
        let burns = ENERGY.saturating_mul(prices.energy_price_sun).saturating_mul(13) / 10;
        let needed = burns.saturating_add(BYTES.saturating_mul(prices.bandwidth_price_sun));
        if needed > i64::from(self.dispatcher.config.chain.fee_limit_max_trx).saturating_mul(SUN) {
            tracing::warn!(needed_sun = needed, "a sweep costs more than chain.fee_limit_max_trx; it waits");
            return Ok(None);
        }
        let hot = self.pool.account(self.custody.hot.0).await.map_err(nodes)?.map_or(0, |account| account.balance_sun);
        Ok(Some(Means { needed, hot }))
    }

    async fn next_step(&self, at: Sweepable, means: &Means) -> Result<NextStep> {
        let lies_there = self.pool.token_balance(self.custody.contract.0, at.address.0).await.map_err(nodes)?;
        if Some(lies_there) != Word::from_i64(at.units) {
            tracing::warn!(address = %at.address, units = at.units, "a deposit address does not hold what its log says; it is not swept for a while");
            return Ok(NextStep::Rest);
        }
        let has = self.pool.account(at.address.0).await.map_err(nodes)?.map_or(0, |account| account.balance_sun);
        if has >= means.needed {
            return Ok(NextStep::Order(SweepStep::Sweep));
        }
        let low = i64::from(self.dispatcher.config.chain.trx_low_water).saturating_mul(SUN);
        if means.hot.saturating_sub(means.needed) < low {
            tracing::warn!(hot_sun = means.hot, "the hot wallet is low on TRX: deposits are not swept");
            return Ok(NextStep::Wait);
        }
        Ok(NextStep::Order(SweepStep::TopUp(means.needed - has)))
    }
}

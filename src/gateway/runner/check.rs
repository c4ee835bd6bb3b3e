//! What has to hold before the gateway begins, and what is compared from time to time: the chain, the token, the books.

use std::sync::PoisonError;

use tron::Address as Place;
use tron::abi::Word;
use tron::node::{Header, PoolError};

use crate::base::Usdt;
use crate::base::error::{Result, internal};
use crate::gateway::freeze::{self, FreezeReason};
use crate::gateway::lease::{self, Token};
use crate::gateway::outcome::SUN;
use crate::gateway::runner::Gateway;
use crate::gateway::runner::watch::nodes;
use crate::gateway::{begin, compare, faucet};

/// USDT has six decimals everywhere.
const DECIMALS: i64 = 6;
/// How often the beginning is tried between two blocks.
const QUIET_TRIES: usize = 10;

/// Why the gateway does not begin.
#[derive(Debug)]
pub enum NotReady {
    /// Something may be better in a moment: nodes do not answer, another gateway is at work.
    Yet(String),
    /// The settings, the database and the chain do not belong together.
    Never(String),
}

impl From<crate::base::Error> for NotReady {
    fn from(error: crate::base::Error) -> Self {
        Self::Yet(error.to_string())
    }
}

impl Gateway {
    /// Compares the chain and the token with what the settings and the database say, and begins where nothing was read yet.
    ///
    /// # Errors
    /// Why not.
    pub async fn prepare(&self) -> Result<(), NotReady> {
        self.belongs_together().await?;
        self.recall().await?;
        let (holder, alone) = (self.holder, self.alone);
        let token = self.dispatcher.system(move |cx| lease::take(cx, holder, alone)).await?;
        if self.dispatcher.look(begin::has_begun).await? {
            return Ok(());
        }
        let Some(token) = token else { return Err(NotReady::Yet("another gateway holds the lease".into())) };
        let (tip, hot, cold) = self.opening().await?;
        self.dispatcher.system(move |cx| begin::begin(cx, token, tip, hot, cold)).await?;
        if self.devnet.is_some() {
            self.dispatcher.system(faucet::fund_hot_wallet).await?;
            self.hurry().await?;
        }
        Ok(())
    }

    /// The chain and the token are those of the settings and of the database.
    pub(super) async fn belongs_together(&self) -> Result<(), NotReady> {
        let genesis = self.genesis().await?;
        match self.dispatcher.system(move |cx| begin::bind(cx, &genesis)).await? {
            Some(other) => Err(NotReady::Never(other)),
            None => self.check_token().await,
        }
    }

    /// The id of block 0. Providers that are silent now are asked again whenever the books are compared.
    async fn genesis(&self) -> Result<String, NotReady> {
        let id = self.pool.genesis().await.map_err(|error| match error {
            PoolError::Disagree { .. } => NotReady::Never(format!("the providers are on different networks: {error}")),
            PoolError::NoAnswer(_) | PoolError::Contradiction(_) => NotReady::Yet(error.to_string()),
        })?;
        let (found, expected) = (id.to_string(), &self.dispatcher.config.chain.genesis_id);
        if expected.is_empty() || *expected == found {
            return Ok(found);
        }
        Err(NotReady::Never(format!("the nodes are on a chain whose block 0 is {found}, not {expected}: another network")))
    }

    async fn check_token(&self) -> Result<(), NotReady> {
        let contract = self.custody.contract.0;
        let decimals = self.first(move |node| async move { node.token_decimals(contract).await }).await?;
        if Word::from_i64(DECIMALS) != Some(decimals) {
            return Err(NotReady::Never(format!("the token {} does not have {DECIMALS} decimals", self.custody.contract)));
        }
        match self.first(move |node| async move { node.token_symbol(contract).await }).await {
            Ok(symbol) if symbol == "USDT" => {}
            Ok(symbol) => tracing::warn!(symbol, "the token is not called USDT"),
            Err(_) => tracing::warn!("the token does not say what it is called"),
        }
        Ok(())
    }

    /// The first provider that answers.
    async fn first<T, F>(&self, ask: impl Fn(tron::node::Node) -> F) -> Result<T, NotReady>
    where
        F: Future<Output = Result<T, tron::node::NodeError>>,
    {
        let mut last = "there are no providers".to_owned();
        for node in self.pool.nodes() {
            match ask(node.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => last = error.to_string(),
            }
        }
        Err(NotReady::Yet(last))
    }

    /// A solid block, and what our wallets held at it: balances cannot be asked for at a block, so both are read while no
    /// block came between.
    async fn opening(&self) -> Result<(Header, Usdt, Usdt)> {
        for _ in 0..QUIET_TRIES {
            let before = self.pool.solid_tip(0).await.map_err(nodes)?;
            let hot = self.held(self.custody.hot.0).await?;
            let cold = match self.custody.cold {
                Some(cold) => self.held(cold.0).await?,
                None => Usdt::ZERO,
            };
            if self.pool.solid_tip(0).await.map_err(nodes)?.id == before.id {
                return Ok((before, hot, cold));
            }
        }
        Err(nodes("blocks come faster than balances can be read"))
    }

    async fn held(&self, place: Place) -> Result<Usdt> {
        let units = self.pool.token_balance(self.custody.contract.0, place).await.map_err(nodes)?;
        units.to_i64().map(Usdt::from_micro).ok_or_else(|| internal("more USDT than there are"))
    }

    /// Tells how many TRX are left for fees.
    async fn look_at_trx(&self) -> Result<()> {
        let sun = self.pool.account(self.custody.hot.0).await.map_err(nodes)?.map_or(0, |account| account.balance_sun);
        let trx = u32::try_from(sun / SUN).unwrap_or(if sun < 0 { 0 } else { u32::MAX });
        metrics::gauge!("roborent_gateway_hot_trx").set(trx);
        if trx < self.dispatcher.config.chain.trx_low_water {
            tracing::warn!(trx, "the hot wallet is low on TRX");
        }
        Ok(())
    }

    /// The books against the logs, the logs against what the token says of the hot wallet, and the providers against each
    /// other.
    pub(super) async fn compare(&self, token: Token) -> Result<()> {
        self.dispatcher.system(move |cx| compare::compare(cx, token)).await?;
        if let Err(error @ PoolError::Disagree { .. }) = self.pool.genesis().await {
            let detail = format!("the providers are on different networks: {error}");
            self.dispatcher.system(move |cx| freeze::report(cx, token, FreezeReason::Disagreement, &detail)).await?;
        }
        let before = self.cursor().await?;
        let held = self.held(self.custody.hot.0).await?;
        let tip = self.pool.solid_tip(0).await.map_err(nodes)?;
        let is_quiet = i64::try_from(tip.number()).is_ok_and(|tip| tip == before.number);
        // Nodes are not equally far, and a balance cannot be asked for at a block. So a difference counts when it is the same
        // the next time.
        let found = (is_quiet && held != Usdt::from_micro(before.hot)).then_some((held, before.hot));
        let earlier = std::mem::replace(&mut *self.doubt.lock().unwrap_or_else(PoisonError::into_inner), found);
        if found.is_some() && found == earlier {
            let detail =
                format!("the hot wallet holds {held} USDT at block {}, its log says {}", before.number, Usdt::from_micro(before.hot));
            self.dispatcher.system(move |cx| freeze::report(cx, token, FreezeReason::Balance, &detail)).await?;
        }
        self.look_at_trx().await
    }
}

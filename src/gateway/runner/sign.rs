//! Signs what waits for a signature. The bytes are stored before anybody gets to see them.

use std::time::Duration;

use tokio::time::Instant;
use tron::node::{ChainParameters, Estimate};
use tron::{BlockId, Contract, RefBlock, SignedTransaction, Transaction};
use uuid::Uuid;

use crate::base::error::{Result, internal};
use crate::gateway::attempt::{self, Offered, expiration};
use crate::gateway::lease::Token;
use crate::gateway::order::{Asset, Order, OrderId, OrderKind};
use crate::gateway::outcome::SUN;
use crate::gateway::runner::Gateway;
use crate::gateway::runner::purse::Purse;
use crate::gateway::runner::side_by_side::side_by_side;
use crate::gateway::runner::watch::{nodes, number};
use crate::gateway::store::{self, Cursor};

/// Orders looked at together, how often in one round, and for how long: then what was signed is sent, and the chain read again,
/// before the round goes on. Nodes that answer slowly must not make a signed transaction wait for its whole life.
const TOGETHER: i64 = 64;
const TIMES: usize = 16;
const LONGEST: Duration = Duration::from_secs(20);
/// The cursor may be so far behind the newest solid block.
const BEHIND_MAX: u64 = 40;
/// Before all orders.
pub(super) const FIRST: OrderId = OrderId(Uuid::nil());
/// Two payments of the same amount to the same address in one millisecond are the same transaction.
const TIMESTAMPS_TRIED: i64 = 64;

/// What a transfer may burn.
enum FeeLimit {
    Sun(i64),
    /// It cannot succeed now.
    Wait(String),
    /// It can never succeed.
    Never(String),
}

/// What orders are signed with in one round.
struct Signer<'g> {
    gateway: &'g Gateway,
    token: Token,
    prices: ChainParameters,
    purse: Purse,
    cursor: Cursor,
}

impl Gateway {
    /// Signs what waits for a signature, the oldest first, each once: the young ones may be the sweeps that the old ones wait
    /// for. What is not reached this time comes first the next time; `after` remembers where that is.
    pub(super) async fn sign(&self, token: Token, after: &mut OrderId) -> Result<()> {
        if self.is_quiet(self.cursor().await?.at) {
            return Ok(());
        }
        let (began, mut came_round) = (Instant::now(), *after == FIRST);
        for _ in 0..TIMES {
            let from = *after;
            let waiting = self.dispatcher.look(move |cx| store::orders_to_sign(cx, from, TOGETHER)).await?;
            let Some(last) = waiting.last() else {
                *after = FIRST;
                if came_round {
                    break;
                }
                came_round = true;
                continue;
            };
            let signer = self.signer(token).await?;
            *after = last.id;
            side_by_side(waiting, |order| signer.try_to_sign(order)).await?;
            if began.elapsed() > LONGEST {
                break;
            }
        }
        Ok(())
    }

    async fn signer(&self, token: Token) -> Result<Signer<'_>> {
        let cursor = self.cursor().await?;
        let (told, caught_up) = {
            let tip = self.tip.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (tip.told, tip.caught_up)
        };
        let read = number(&cursor)?;
        let behind = told.map(|told| told.saturating_sub(read));
        if !caught_up || behind.is_none_or(|behind| behind > BEHIND_MAX) {
            return Err(nodes("too far behind the chain to sign"));
        }
        let prices = self.pool.chain_parameters().await.map_err(nodes)?;
        let purse = self.purse(&prices).await?;
        Ok(Signer { gateway: self, token, prices, purse, cursor })
    }
}

impl Signer<'_> {
    async fn try_to_sign(&self, order: Order) -> Result<()> {
        let (id, token) = (order.id, self.token);
        match self.fee_limit(&order).await? {
            FeeLimit::Sun(fee_limit) if order.owner == self.gateway.custody.hot => match self.purse.take(&order, fee_limit) {
                Some(cost) => {
                    if !self.sign(order, fee_limit).await? {
                        self.purse.give_back(cost);
                    }
                    Ok(())
                }
                None => self.postpone(id, "the hot wallet is low on TRX".into()).await,
            },
            FeeLimit::Sun(fee_limit) => self.sign(order, fee_limit).await.map(drop),
            FeeLimit::Wait(why) => self.postpone(id, why).await,
            FeeLimit::Never(why) => self.gateway.dispatcher.system(move |cx| attempt::refuse(cx, token, id, &why)).await,
        }
    }

    async fn postpone(&self, id: OrderId, why: String) -> Result<()> {
        let token = self.token;
        self.gateway.dispatcher.system(move |cx| attempt::postpone(cx, token, id, &why)).await
    }

    /// Answers whether it is signed now.
    async fn sign(&self, order: Order, fee_limit: i64) -> Result<bool> {
        let (id, owner) = (order.id, order.owner);
        // Only the keys of deposit addresses have an index.
        let index = if owner == self.gateway.custody.hot {
            None
        } else {
            self.gateway.dispatcher.look(move |cx| store::index_of(cx, owner)).await?
        };
        let now = self.gateway.dispatcher.clock.now().as_milliseconds();
        for later in 0..TIMESTAMPS_TRIED {
            let transaction = self.transaction(&order, fee_limit, now + later);
            let Some(signed) = self.gateway.keys.sign(&self.gateway.custody, owner, index, &transaction)? else {
                self.postpone(id, "this gateway does not have the key for it".into()).await?;
                return Ok(false);
            };
            match self.offer(id, signed).await? {
                Offered::TxidTaken => {}
                Offered::Stored => return Ok(true),
                Offered::NotNow(why) => {
                    self.postpone(id, why.into()).await?;
                    return Ok(false);
                }
            }
        }
        Err(internal("no free timestamp for a transaction"))
    }

    async fn offer(&self, id: OrderId, signed: SignedTransaction) -> Result<Offered> {
        let (token, ref_number) = (self.token, self.cursor.number);
        self.gateway.dispatcher.system(move |cx| attempt::record_signed(cx, token, id, ref_number, &signed)).await
    }

    fn transaction(&self, order: &Order, fee_limit_sun: i64, timestamp_ms: i64) -> Transaction {
        let (owner, to) = (order.owner.0, order.recipient.0);
        let (contract, fee_limit_sun) = match order.asset {
            Asset::Usdt => {
                (Contract::TokenTransfer { owner, token: self.gateway.custody.contract.0, to, units: order.amount }, fee_limit_sun)
            }
            Asset::Trx => (Contract::TrxTransfer { owner, to, sun: order.amount }, 0),
        };
        let seconds = self.gateway.dispatcher.config.chain.payout_expiration_seconds;
        Transaction {
            reference: RefBlock::of(&BlockId::from_bytes(self.cursor.hash)),
            expiration_ms: expiration(self.cursor.at, seconds).as_milliseconds(),
            timestamp_ms,
            fee_limit_sun,
            contract,
        }
    }

    /// By letting a node run the transfer.
    async fn fee_limit(&self, order: &Order) -> Result<FeeLimit> {
        if order.asset == Asset::Trx {
            return Ok(FeeLimit::Sun(0));
        }
        let most = i64::from(self.gateway.dispatcher.config.chain.fee_limit_max_trx).saturating_mul(SUN).min(self.prices.fee_limit_max_sun);
        // Twice what was too little.
        let least = if order.failures > 0 { order.fee_limit.min(most) } else { 0 };
        let (token, owner, to) = (self.gateway.custody.contract.0, order.owner.0, order.recipient.0);
        match self.gateway.pool.estimate_transfer(token, owner, to, order.amount).await.map_err(nodes)? {
            Estimate::Energy(energy) => {
                let wanted = burns(energy, &self.prices).max(least);
                // There may be less to spare when it is tried again.
                let enough = if least > 0 { energy.saturating_mul(self.prices.energy_price_sun) } else { wanted };
                Ok(if enough <= most {
                    FeeLimit::Sun(wanted.min(most))
                } else {
                    FeeLimit::Wait(format!("it would burn up to {} TRX, more than chain.fee_limit_max_trx", wanted / SUN))
                })
            }
            Estimate::Reverts(_) if self.is_blocked(order).await => Ok(FeeLimit::Never("the token does not pay to this address".into())),
            // Its address rests, and is looked at anew afterwards.
            Estimate::Reverts(why) if order.kind == OrderKind::Sweep => {
                Ok(FeeLimit::Never(format!("the token refuses the transfer: {why}")))
            }
            Estimate::Reverts(why) => {
                let order = order.clone();
                let short = self.gateway.dispatcher.look(move |cx| attempt::short(cx, &order)).await?;
                Ok(FeeLimit::Wait(short.map_or_else(|| format!("the token refuses the transfer: {why}"), str::to_owned)))
            }
        }
    }

    async fn is_blocked(&self, order: &Order) -> bool {
        for node in self.gateway.pool.nodes() {
            if let Ok(blocked) = node.token_blocks(self.gateway.custody.contract.0, order.recipient.0).await {
                return blocked;
            }
        }
        false
    }
}

/// The most that a transfer of so much energy may burn, in sun: three tenths to spare, since too little burns everything and
/// moves nothing.
pub(super) fn burns(energy: i64, prices: &ChainParameters) -> i64 {
    energy.saturating_mul(prices.energy_price_sun).saturating_mul(13) / 10 + 1
}

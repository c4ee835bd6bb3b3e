//! Has new solid blocks recorded, in order, and notices when there are none.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tron::BlockId;
use tron::node::{Block, PoolError};

use crate::base::error::{Error, Result, internal};
use crate::base::{Span, Ts};
use crate::gateway::freeze::{self, FreezeReason};
use crate::gateway::lease::Token;
use crate::gateway::runner::Gateway;
use crate::gateway::runner::ahead::{Ahead, TOGETHER};
use crate::gateway::store::{self, Cursor};
use crate::gateway::{scan, sieve};

/// Without a new solid block for so long nothing is signed any more.
const STALE_AFTER: Duration = Duration::from_mins(10);
/// A block that is so much younger than now is an invention, and would bury what may still get into a true one.
const AHEAD_MAX: Span = Span::minutes(2);

impl Gateway {
    /// Reads every solid block that is new.
    pub(super) async fn watch(&self, token: Token) -> Result<()> {
        let cursor = self.cursor().await?;
        let read = number(&cursor)?;
        let tip = self.pool.solid_tip(read).await;
        self.note_tip(token, read, tip.as_ref().ok().map(tron::node::Header::number)).await?;
        let mut ahead = Ahead::of(&self.pool, read + 1..=tip.map_err(nodes)?.number());
        let mut parent = BlockId::from_bytes(cursor.hash);
        loop {
            let (blocks, broken) = self.next_blocks(&mut ahead, parent).await?;
            let Some(last) = blocks.last().map(|block| block.header.id) else {
                return match broken {
                    Some(error) => Err(self.tell(token, error).await?),
                    None => Ok(()),
                };
            };
            self.record(token, blocks, last).await?;
            self.note_tip(token, last.number(), None).await?;
            if let Some(error) = broken {
                return Err(self.tell(token, error).await?);
            }
            parent = last;
        }
    }

    pub(super) async fn cursor(&self) -> Result<Cursor> {
        let cursor = self.dispatcher.look(store::cursor).await?;
        cursor.ok_or_else(|| internal("the chain has no beginning yet"))
    }

    /// The next blocks, which stand on `parent`, up to the first that cannot be had. One that does not fit to the one below
    /// it is asked for again, from whichever provider has one that fits.
    async fn next_blocks(&self, ahead: &mut Ahead, mut parent: BlockId) -> Result<(Vec<Block>, Option<PoolError>)> {
        let mut blocks = Vec::new();
        while blocks.len() < TOGETHER {
            let fits = match ahead.next().await? {
                None => break,
                Some(Ok(block)) if block.header.parent != parent => self.pool.solid_block(block.header.number(), Some(parent)).await,
                Some(answer) => answer,
            };
            match fits {
                // In the sandbox one clock moves both.
                Ok(block) if self.devnet.is_none() && is_ahead(block.header.timestamp_ms, self.dispatcher.clock.now()) => {
                    return Err(nodes(format!("block {} is of the future; nothing more is read", block.header.number())));
                }
                Ok(block) => {
                    parent = block.header.id;
                    blocks.push(block);
                }
                Err(error) => return Ok((blocks, Some(error))),
            }
        }
        Ok((blocks, None))
    }

    async fn record(&self, token: Token, blocks: Vec<Block>, last: BlockId) -> Result<()> {
        let batch = {
            let mut sieve = self.sieve.lock().await;
            loop {
                let next = sieve.next();
                let page = self.dispatcher.look(move |cx| sieve::page(cx, next)).await?;
                if !sieve.add(&page) {
                    break;
                }
            }
            Arc::new(sieve.sift(&self.custody, blocks))
        };
        let read = self.dispatcher.system(move |cx| scan::record_blocks(cx, token, &batch)).await?;
        if read < i64::try_from(last.number()).map_err(internal)? {
            return Err(internal("the solid chain contradicts itself; nothing more is read"));
        }
        Ok(())
    }

    /// Nodes that contradict each other, or what was solid, stop payouts. Answers the error that ends this round.
    async fn tell(&self, token: Token, error: PoolError) -> Result<Error> {
        let reason = match error {
            PoolError::Disagree { .. } => Some(FreezeReason::Disagreement),
            PoolError::Contradiction { .. } => Some(FreezeReason::BrokenChain),
            PoolError::NoAnswer(_) => None,
        };
        if let Some(reason) = reason {
            let detail = error.to_string();
            self.dispatcher.system(move |cx| freeze::report(cx, token, reason, &detail)).await?;
        }
        Ok(nodes(error))
    }

    /// As if so much more time had passed since the newest solid block, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn wait_for_blocks(&self, time: Duration) {
        let mut known = self.tip.lock().unwrap_or_else(PoisonError::into_inner);
        known.since = known.since.and_then(|since| since.checked_sub(time));
    }

    /// Notices when the chain stands still, by the machine's time, and when it moves again: when a block was recorded. What
    /// nodes tell of blocks that cannot be had is no movement.
    async fn note_tip(&self, token: Token, read: u64, tip: Option<u64>) -> Result<()> {
        let change = {
            let mut known = self.tip.lock().unwrap_or_else(PoisonError::into_inner);
            let moved = known.since.is_some() && read > known.read;
            if moved || known.since.is_none() {
                (known.read, known.since) = (read, Some(Instant::now()));
            }
            known.told = tip.or(known.told);
            known.caught_up |= known.told.is_some_and(|told| read >= told);
            let stands_still = known.since.is_some_and(|since| since.elapsed() >= STALE_AFTER);
            let now = (moved || stands_still).then_some(stands_still);
            now.filter(|now| Some((token, *now)) != known.is_stale)
        };
        if let Some(is_stale) = change {
            self.dispatcher.system(move |cx| freeze::set_stale(cx, token, is_stale)).await?;
            self.tip.lock().unwrap_or_else(PoisonError::into_inner).is_stale = Some((token, is_stale));
        }
        Ok(())
    }
}

fn is_ahead(timestamp_ms: i64, now: Ts) -> bool {
    timestamp_ms > now.plus(AHEAD_MAX).as_milliseconds()
}

pub(super) fn number(cursor: &Cursor) -> Result<u64> {
    u64::try_from(cursor.number).map_err(internal)
}

/// What the nodes say, as an error that is logged and tried again.
pub(super) fn nodes(error: impl std::fmt::Display) -> Error {
    tracing::debug!(%error, "nodes");
    crate::gateway::GatewayRefusal::NoNode { why: error.to_string() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_may_be_a_little_younger_than_our_clock() {
        let now = Ts::from_milliseconds(1_790_000_000_000);
        assert!(!is_ahead(1_790_000_120_000, now));
        assert!(is_ahead(1_790_000_120_001, now));
    }
}

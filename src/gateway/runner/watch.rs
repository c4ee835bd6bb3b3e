//! Fetches solid blocks, some ahead of the database, and has them recorded in order.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tron::BlockId;
use tron::node::{Block, PoolError};

use crate::base::error::{Error, Result, internal};
use crate::gateway::freeze::{self, FreezeReason};
use crate::gateway::lease::Token;
use crate::gateway::runner::{Gateway, Tip};
use crate::gateway::scan;
use crate::gateway::store::{self, Cursor};

/// Blocks fetched at once and recorded together.
pub(super) const TOGETHER: u64 = 64;
/// Requests under way at once.
const AHEAD: usize = 8;
/// Without a new solid block for so long nothing is signed any more.
const STALE_AFTER: Duration = Duration::from_mins(10);

impl Gateway {
    /// Reads every solid block that is new.
    pub(super) async fn watch(&self, token: Token) -> Result<()> {
        let mut cursor = self.cursor().await?;
        let tip = self.pool.solid_tip(number(&cursor)?).await;
        self.note_tip(token, number(&cursor)?, tip.as_ref().ok().map(tron::node::Header::number)).await?;
        let tip = tip.map_err(nodes)?.number();
        while number(&cursor)? < tip {
            let first = number(&cursor)? + 1;
            let blocks = self.fetch(first, tip.min(first + TOGETHER - 1), BlockId::from_bytes(cursor.hash), token).await?;
            let last = self.dispatcher.system(move |cx| scan::record_blocks(cx, token, &blocks)).await?;
            if last < i64::try_from(first).map_err(internal)? {
                return Err(internal("the solid chain contradicts itself; nothing more is read"));
            }
            cursor = self.cursor().await?;
        }
        Ok(())
    }

    pub(super) async fn cursor(&self) -> Result<Cursor> {
        let cursor = self.dispatcher.look(store::cursor).await?;
        cursor.ok_or_else(|| internal("the chain has no beginning yet"))
    }

    /// The blocks `first..=last`, which stand on `parent`. A block that does not fit to the one below it is asked for again,
    /// from whichever provider has one that fits.
    async fn fetch(&self, first: u64, last: u64, mut parent: BlockId, token: Token) -> Result<Arc<Vec<Block>>> {
        let mut fetched = match self.fetch_ahead(first, last).await? {
            Ok(fetched) => fetched,
            Err(error) => return Err(self.tell(token, error).await?),
        };
        for block in &mut fetched {
            if block.header.parent != parent {
                *block = match self.pool.solid_block(block.header.number(), Some(parent)).await {
                    Ok(again) => again,
                    Err(error) => return Err(self.tell(token, error).await?),
                };
            }
            parent = block.header.id;
        }
        Ok(Arc::new(fetched))
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

    /// Some at a time, in any order; answers them in order.
    pub(super) async fn fetch_ahead(&self, first: u64, last: u64) -> Result<Result<Vec<Block>, PoolError>> {
        let mut wanted = first..=last;
        let mut running = JoinSet::new();
        let mut fetched = Vec::new();
        loop {
            while running.len() < AHEAD
                && let Some(number) = wanted.next()
            {
                let pool = self.pool.clone();
                running.spawn(async move { pool.solid_block(number, None).await });
            }
            let Some(done) = running.join_next().await else { break };
            match done.map_err(internal)? {
                Ok(block) => fetched.push(block),
                Err(error) => return Ok(Err(error)),
            }
        }
        fetched.sort_unstable_by_key(|block| block.header.number());
        Ok(Ok(fetched))
    }

    /// Notices when the chain stands still, by the machine's time, and when it moves again.
    async fn note_tip(&self, token: Token, read: u64, tip: Option<u64>) -> Result<()> {
        let change = {
            let mut known = self.tip.lock().unwrap_or_else(PoisonError::into_inner);
            if known.since.is_none() {
                *known = Tip { number: read, since: Some(Instant::now()), is_stale: None };
            }
            let moved = tip.filter(|tip| *tip > known.number);
            if let Some(tip) = moved {
                (known.number, known.since) = (tip, Some(Instant::now()));
            }
            let stands_still = known.since.is_some_and(|since| since.elapsed() >= STALE_AFTER);
            let now = (moved.is_some() || stands_still).then_some(stands_still);
            let change = now.filter(|now| Some(*now) != known.is_stale);
            known.is_stale = change.or(known.is_stale);
            change
        };
        match change {
            Some(is_stale) => self.dispatcher.system(move |cx| freeze::set_stale(cx, token, is_stale)).await,
            None => Ok(()),
        }
    }
}

fn number(cursor: &Cursor) -> Result<u64> {
    u64::try_from(cursor.number).map_err(internal)
}

/// What the nodes say, as an error that is logged and tried again.
pub(super) fn nodes(error: impl std::fmt::Display) -> Error {
    tracing::debug!(%error, "nodes");
    crate::gateway::GatewayRefusal::NoNode { why: error.to_string() }.into()
}

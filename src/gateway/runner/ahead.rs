//! Solid blocks fetched ahead of the database: some under way at once, handed out in order.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;
use tron::node::{Block, Pool, PoolError};

use crate::base::error::{Result, internal};

/// Blocks recorded together.
pub(super) const TOGETHER: usize = 64;
/// Blocks asked for at once.
const AT_ONCE: usize = 8;
/// Blocks that are asked for or wait to be handed out: while some are recorded, the next ones come.
const AHEAD: usize = TOGETHER + AT_ONCE;

/// Blocks on their way. Dropping it takes the questions back.
pub(super) struct Ahead {
    pool: Pool,
    wanted: RangeInclusive<u64>,
    coming: VecDeque<AbortOnDropHandle<Result<Block, PoolError>>>,
    room: Arc<Semaphore>,
}

impl Ahead {
    /// Begins to fetch the blocks `wanted`.
    pub(super) fn of(pool: &Pool, wanted: RangeInclusive<u64>) -> Self {
        let mut ahead = Self { pool: pool.clone(), wanted, coming: VecDeque::new(), room: Arc::new(Semaphore::new(AT_ONCE)) };
        ahead.ask();
        ahead
    }

    /// The next block, or why there is none; nothing after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Result<Block, PoolError>>> {
        let Some(first) = self.coming.pop_front() else { return Ok(None) };
        self.ask();
        first.await.map(Some).map_err(internal)
    }

    fn ask(&mut self) {
        while self.coming.len() < AHEAD
            && let Some(number) = self.wanted.next()
        {
            let (pool, room) = (self.pool.clone(), Arc::clone(&self.room));
            self.coming.push_back(AbortOnDropHandle::new(tokio::spawn(async move {
                // Nobody closes the room.
                let _place = room.acquire().await;
                pool.solid_block(number, None).await
            })));
        }
    }
}

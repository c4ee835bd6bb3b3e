//! Reads old blocks again, after a fault: deposits that were missed are credited.

use crate::base::error::internal;
use crate::gateway::runner::ahead::{Ahead, TOGETHER};
use crate::gateway::runner::watch::nodes;
use crate::gateway::runner::{Gateway, NotReady};
use crate::gateway::{begin, scan};

/// What was read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescanned {
    /// The first block.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Deposits that were missing.
    pub deposits: usize,
}

impl Gateway {
    /// Reads the solid blocks `first..=last` again, up to the newest that was read when nothing is said. Works beside a
    /// gateway that holds the lease, see [`scan::rescan`].
    ///
    /// # Errors
    /// Why not. Deposits of the blocks before the one that failed are credited.
    pub async fn rescan(&self, first: u64, last: Option<u64>) -> Result<Rescanned, NotReady> {
        if !self.dispatcher.look(begin::has_begun).await? {
            return Err(NotReady::Never("no block was ever read here, so there is none to read again".into()));
        }
        self.belongs_together().await?;
        let newest = u64::try_from(self.cursor().await?.number).map_err(internal)?;
        let last = last.unwrap_or(newest);
        if first == 0 || first > last || last > newest {
            return Err(NotReady::Never(format!("blocks 1 to {newest} were read; {first} to {last} is no part of them")));
        }
        let mut ahead = Ahead::of(&self.pool, first..=last);
        let (mut parent, mut deposits) = (None, 0);
        loop {
            let mut blocks = Vec::new();
            while blocks.len() < TOGETHER
                && let Some(block) = ahead.next().await?
            {
                let block = block.map_err(nodes)?;
                if parent.is_some_and(|parent| parent != block.header.parent) {
                    return Err(nodes(format!("block {} does not stand on the one before it", block.header.number())).into());
                }
                parent = Some(block.header.id);
                blocks.push(block);
            }
            if blocks.is_empty() {
                return Ok(Rescanned { first, last, deposits });
            }
            deposits += self.dispatcher.system(move |cx| scan::rescan(cx, &blocks)).await?;
        }
    }
}

//! How the chain grows, forks, and becomes solid.

use super::{Chain, Pending};
use crate::block::{Block, Included};
use crate::journal::{JournalError, Line};
use crate::state::State;
use crate::text::hex;

const BLOCK_TRANSACTIONS_MAX: usize = 2_000;

impl Chain {
    /// Makes blocks now. Their time is the clock's, and always later than their parent's.
    pub(crate) fn mine(&mut self, blocks: u64) -> Result<(), JournalError> {
        self.check()?;
        let mut lines = Vec::new();
        for _ in 0..blocks {
            self.drop_old();
            let parent_ms = self.head().timestamp_ms;
            let timestamp_ms = self.clock.now_ms().max(parent_ms + 1);
            let mut block = Block::after(self.head(), timestamp_ms, 0, self.energy_price);
            let taken = if self.holding { 0 } else { self.pool.len().min(BLOCK_TRANSACTIONS_MAX) };
            let pool: Vec<Pending> = self.pool.drain(..taken).collect();
            for pending in pool {
                let Pending { envelope, .. } = pending;
                if parent_ms < envelope.raw.expiration
                    && let Ok(receipt) = self.state.execute(&envelope, timestamp_ms, self.energy_price)
                {
                    block.transactions.push(Included { envelope, receipt });
                }
            }
            lines.push(self.push(block));
        }
        self.write(&lines)
    }

    /// Replaces that many blocks by empty ones with the same times. Their transactions wait again, unless dropped.
    pub(crate) fn reorg(&mut self, depth: u64, drop_transactions: bool) -> Result<(), JournalError> {
        self.check()?;
        let keep = self.head().number.saturating_sub(depth);
        let removed = self.cut(keep);
        self.forks += 1;
        let mut lines = vec![Line::Cut { number: keep }];
        for old in &removed {
            let block = Block::after(self.head(), old.timestamp_ms, self.forks, self.energy_price);
            lines.push(self.push(block));
        }
        if !drop_transactions {
            let since_ms = self.clock.now_ms();
            let again = removed.into_iter().flat_map(|block| block.transactions).map(|included| included.envelope);
            let waiting = std::mem::take(&mut self.pool);
            self.pool = again.map(|envelope| Pending { envelope, since_ms }).chain(waiting).collect();
        }
        self.ahead = None;
        self.write(&lines)
    }

    /// Takes blocks off the end.
    pub(super) fn cut(&mut self, keep: u64) -> Vec<Block> {
        let removed = self.blocks.split_off(usize::try_from(keep).expect("a block in memory") + 1);
        for included in removed.iter().flat_map(|block| &block.transactions) {
            self.by_txid.remove(&included.envelope.txid);
        }
        let (mut state, from) =
            if keep >= self.solid { (self.base.clone(), self.solid) } else { (State::new(self.faucet, self.blocks[0].timestamp_ms), 0) };
        for block in self.blocks.iter().skip(usize::try_from(from).expect("a block in memory") + 1) {
            execute_again(&mut state, block);
        }
        if keep < self.solid {
            // Below what was solid: something no chain does, and what a client must notice.
            self.base = state.clone();
        }
        self.state = state;
        self.ahead = None;
        removed
    }

    pub(super) fn push(&mut self, mut block: Block) -> Line {
        block.seal();
        for (at, included) in block.transactions.iter().enumerate() {
            self.by_txid.insert(included.envelope.txid, (block.number, at));
        }
        if !block.transactions.is_empty() {
            self.ahead = None;
        }
        let line = Line::Block {
            number: block.number,
            timestamp_ms: block.timestamp_ms,
            salt: block.salt,
            energy_price: block.energy_price,
            transactions: block.transactions.iter().map(|included| hex(&included.envelope.bytes)).collect(),
        };
        let number = block.number;
        self.blocks.push(block);
        let solid = number.saturating_sub(self.rules.solid_lag);
        if number <= self.solid {
            execute_again(&mut self.base, &self.blocks[usize::try_from(number).expect("a block in memory")]);
        }
        while self.solid < solid {
            self.solid += 1;
            execute_again(&mut self.base, &self.blocks[usize::try_from(self.solid).expect("a block in memory")]);
        }
        line
    }
}

fn execute_again(state: &mut State, block: &Block) {
    for included in &block.transactions {
        let outcome = state.execute(&included.envelope, block.timestamp_ms, block.energy_price);
        debug_assert!(outcome.is_ok(), "what a block held fits again on the same ground");
    }
}

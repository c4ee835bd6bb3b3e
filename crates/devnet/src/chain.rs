//! The chain: its blocks, what they changed, and the pool of transactions that wait for one.

mod growth;
mod pool;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::block::{Block, Included};
use crate::clock::Clock;
use crate::journal::{Journal, JournalError, Line};
use crate::proto::Envelope;
use crate::state::State;
use crate::text::Address;

/// What can be set about a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) solid_lag: u64,
    pub(crate) slot_ms: i64,
    pub(crate) pool_keeps_ms: i64,
}

struct Pending {
    envelope: Arc<Envelope>,
    since_ms: i64,
}

pub(crate) struct Chain {
    rules: Rules,
    pub(crate) clock: Clock,
    journal: Option<Journal>,
    faucet: Address,
    blocks: Vec<Block>,
    by_txid: HashMap<[u8; 32], (u64, usize)>,
    pool: Vec<Pending>,
    /// Ids that were noted before their transactions were checked.
    noted: HashSet<[u8; 32]>,
    /// After the head.
    pub(crate) state: State,
    /// After the head and everything in the pool; made when needed.
    ahead: Option<State>,
    /// After the newest solid block.
    base: State,
    solid: u64,
    forks: u64,
    pub(crate) energy_price: i64,
    /// Blocks come, but without what is in the pool.
    pub(crate) holding: bool,
    /// No blocks come by themselves.
    pub(crate) halted: bool,
}

impl Chain {
    /// A new chain, or the one that the journal holds.
    pub(crate) fn open(
        rules: Rules,
        clock: Clock,
        faucet: Address,
        born: Block,
        journal: Option<(Journal, Vec<Line>)>,
    ) -> Result<Self, JournalError> {
        let (journal, lines) = journal.map_or((None, Vec::new()), |(journal, lines)| (Some(journal), lines));
        let born = match lines.first() {
            Some(Line::Genesis { timestamp_ms, salt, energy_price }) => Block::genesis(*timestamp_ms, *salt, *energy_price),
            _ => born,
        };
        let state = State::new(faucet, born.timestamp_ms);
        let energy_price = born.energy_price;
        let mut chain = Self {
            rules,
            clock,
            journal,
            faucet,
            blocks: vec![born],
            by_txid: HashMap::new(),
            pool: Vec::new(),
            noted: HashSet::new(),
            base: state.clone(),
            state,
            ahead: None,
            solid: 0,
            forks: 0,
            energy_price,
            holding: false,
            halted: false,
        };
        if lines.is_empty() {
            let born = chain.head();
            let line = Line::Genesis { timestamp_ms: born.timestamp_ms, salt: born.salt, energy_price };
            chain.write(&[line])?;
        }
        chain.load(&lines)?;
        Ok(chain)
    }

    fn load(&mut self, lines: &[Line]) -> Result<(), JournalError> {
        for (at, line) in lines.iter().enumerate() {
            let replayed = match (at, line) {
                (0, Line::Genesis { .. }) => Ok(()),
                (0, Line::Block { .. } | Line::Cut { .. }) => Err("a chain begins with its genesis".into()),
                (_, line) => self.replay(line),
            };
            if let (Err(why), Some(journal)) = (replayed, &self.journal) {
                return Err(journal.damaged(at + 1, why));
            }
        }
        Ok(())
    }

    fn replay(&mut self, line: &Line) -> Result<(), String> {
        match line {
            Line::Genesis { .. } => Err("a second genesis".into()),
            Line::Cut { number } if *number < self.head().number => {
                self.cut(*number);
                Ok(())
            }
            Line::Cut { number } => Err(format!("cannot cut at block {number}")),
            Line::Block { number, timestamp_ms, salt, energy_price, transactions } => {
                if *number != self.head().number + 1 {
                    return Err(format!("block {number} does not follow block {}", self.head().number));
                }
                self.forks = self.forks.max(*salt);
                self.energy_price = *energy_price;
                let mut block = Block::after(self.head(), *timestamp_ms, *salt, *energy_price);
                for text in transactions {
                    let bytes = crate::text::unhex(text).ok_or("a transaction is not hexadecimal")?;
                    let envelope = Arc::new(Envelope::decode(&bytes)?);
                    let receipt = self.state.execute(&envelope, *timestamp_ms, *energy_price).map_err(|refusal| refusal.message)?;
                    block.transactions.push(Included { envelope, receipt });
                }
                self.push(block);
                Ok(())
            }
        }
    }

    pub(crate) fn head(&self) -> &Block {
        self.blocks.last().expect("block 0 is never removed")
    }

    pub(crate) const fn solid(&self) -> u64 {
        self.solid
    }

    pub(crate) fn block(&self, number: u64) -> Option<&Block> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub(crate) fn block_by_id(&self, id: &[u8]) -> Option<&Block> {
        let number = u64::from_be_bytes(*id.first_chunk()?);
        self.block(number).filter(|block| block.id == id)
    }

    /// The block and the place in it of a transaction.
    pub(crate) fn find(&self, txid: &[u8]) -> Option<(&Block, &Included)> {
        let (number, at) = self.by_txid.get(txid)?;
        let block = self.block(*number)?;
        Some((block, block.transactions.get(*at)?))
    }

    pub(crate) fn pending(&self) -> impl Iterator<Item = &Arc<Envelope>> {
        self.pool.iter().map(|pending| &pending.envelope)
    }

    /// After the newest solid block, or after the head.
    pub(crate) const fn state_at(&self, solid: bool) -> &State {
        if solid { &self.base } else { &self.state }
    }

    /// Whether a transaction is in a block or waits for one.
    pub(crate) fn knows(&self, txid: &[u8; 32]) -> bool {
        self.by_txid.contains_key(txid) || self.pool.iter().any(|pending| pending.envelope.txid == *txid)
    }

    pub(crate) const fn faucet(&self) -> Address {
        self.faucet
    }

    /// Whether what comes now can be kept.
    fn check(&self) -> Result<(), JournalError> {
        self.journal.as_ref().map_or(Ok(()), Journal::check)
    }

    fn write(&mut self, lines: &[Line]) -> Result<(), JournalError> {
        match &mut self.journal {
            Some(journal) => journal.append(lines),
            None => Ok(()),
        }
    }
}

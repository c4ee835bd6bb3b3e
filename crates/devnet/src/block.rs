//! A block and its id.

use std::sync::Arc;

use crate::proto::Envelope;
use crate::state::Receipt;
use crate::text::sha256;

/// A transaction in a block, with what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Included {
    pub(crate) envelope: Arc<Envelope>,
    pub(crate) receipt: Receipt,
}

/// A block. `salt` makes two blocks with equal contents different: the chain's birth in block 0, forks later on.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) number: u64,
    pub(crate) id: [u8; 32],
    pub(crate) parent: [u8; 32],
    pub(crate) timestamp_ms: i64,
    pub(crate) salt: u64,
    /// Sun for a unit of energy while this block was made.
    pub(crate) energy_price: i64,
    pub(crate) transactions: Vec<Included>,
}

impl Block {
    pub(crate) fn genesis(timestamp_ms: i64, salt: u64, energy_price: i64) -> Self {
        let mut block = Self { number: 0, id: [0; 32], parent: [0; 32], timestamp_ms, salt, energy_price, transactions: Vec::new() };
        block.seal();
        block
    }

    pub(crate) fn after(parent: &Self, timestamp_ms: i64, salt: u64, energy_price: i64) -> Self {
        let number = parent.number + 1;
        Self { number, id: [0; 32], parent: parent.id, timestamp_ms, salt, energy_price, transactions: Vec::new() }
    }

    /// Gives it its id: the number, then a hash over everything else. Not the hash of java-tron: no client checks that.
    pub(crate) fn seal(&mut self) {
        let header = [self.parent.as_slice(), &self.timestamp_ms.to_be_bytes(), &self.salt.to_be_bytes(), &self.root()].concat();
        self.id = sha256(&header);
        self.id[..8].copy_from_slice(&self.number.to_be_bytes());
    }

    pub(crate) fn root(&self) -> [u8; 32] {
        let ids: Vec<u8> = self.transactions.iter().flat_map(|included| included.envelope.txid).collect();
        if ids.is_empty() { [0; 32] } else { sha256(&ids) }
    }
}

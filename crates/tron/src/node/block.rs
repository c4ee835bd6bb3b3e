//! A block of the solid chain with everything that its transactions did, checked for completeness.
//!
//! Two answers make it: the block and the infos. Hosted providers answer the second with an empty or a partial list now
//! and then (two requests, two machines behind one name; a store that failed and was logged), so it counts only when the
//! ids on both sides are the same set.

use std::collections::{HashMap, HashSet};

use super::error::Trouble;
use super::wire::{self, Verdict};
use crate::abi::{Log, TransferEvent};
use crate::address::Address;
use crate::ids::{BlockId, Txid};

/// The head of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its id, which begins with its number.
    pub id: BlockId,
    /// The id of the block before it.
    pub parent: BlockId,
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
}

impl Header {
    /// Its number.
    pub fn number(&self) -> u64 {
        self.id.number()
    }
}

/// A block with what its transactions did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its head.
    pub header: Header,
    /// In the order of the block.
    pub transactions: Vec<BlockTransaction>,
}

/// How a transaction ended. All that are in a block are final, also the failed ones: their fee is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it says.
    Success,
    /// It did nothing but cost its fee: `REVERT`, `OUT_OF_ENERGY`, … as the receipt says, or `FAILED`.
    Failed(String),
}

/// A transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockTransaction {
    /// Its id.
    pub txid: Txid,
    /// Whose it is. Unknown for a few kinds that have no owner.
    pub owner: Option<Address>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was burnt for it, in sun.
    pub fee_sun: i64,
    /// Energy it used, also where that was free.
    pub energy: i64,
    /// What contracts wrote, in order. The position of an entry, with the id, names it.
    pub logs: Vec<Log>,
}

impl BlockTransaction {
    /// The token transfers in its log with their positions; none if it failed.
    pub fn transfers(&self) -> impl Iterator<Item = (usize, TransferEvent)> + '_ {
        let logs = if self.outcome == Outcome::Success { self.logs.as_slice() } else { &[] };
        logs.iter().enumerate().filter_map(|(at, log)| Some((at, TransferEvent::read(log)?)))
    }
}

pub(super) fn header<T>(block: &wire::Block<T>, asked: Option<u64>) -> Result<Header, Trouble> {
    let (Some(id), Some(header)) = (block.id, &block.header) else {
        return Err(Trouble::UnknownBlock(asked.unwrap_or_default()));
    };
    let raw = &header.raw_data;
    if raw.number != id.number() || asked.is_some_and(|asked| asked != raw.number) {
        return Err(Trouble::OtherBlock { asked: asked.unwrap_or(raw.number), got: id });
    }
    if raw.number > 0 && raw.parent.number() != raw.number - 1 {
        return Err(Trouble::Shape(format!("block {} names block {} as its parent", raw.number, raw.parent.number())));
    }
    Ok(Header { id, parent: raw.parent, timestamp_ms: raw.timestamp })
}

/// Puts the two answers together, if they belong together.
pub(super) fn complete(number: u64, block: wire::Block, infos: Vec<wire::Info>) -> Result<Block, Trouble> {
    let header = header(&block, Some(number))?;
    let infos = in_order(number, &block.transactions, infos)?;
    let together = block.transactions.into_iter().zip(infos);
    let transactions = together.map(|(transaction, info)| {
        let contract = transaction.raw_data.contract.0.as_ref();
        let owner = contract.and_then(|contract| contract.parameter.as_ref()?.value.as_ref()?.owner_address.as_ref()?.0);
        let calls_a_contract = contract.is_some_and(|contract| contract.kind == wire::ContractKind::RunsCode);
        read(info, transaction.id, owner, calls_a_contract)
    });
    Ok(Block { header, transactions: transactions.collect::<Result<_, _>>()? })
}

/// The infos in the order of the transactions: one for each, and nothing else.
fn in_order(number: u64, transactions: &[wire::BlockTransaction], infos: Vec<wire::Info>) -> Result<Vec<wire::Info>, Trouble> {
    let wanted: HashSet<Txid> = transactions.iter().map(|transaction| transaction.id).collect();
    let counts_fit = wanted.len() == transactions.len() && infos.len() == transactions.len();
    let belong =
        |(transaction, info): (&wire::BlockTransaction, &wire::Info)| info.id == Some(transaction.id) && info.block_number == number;
    // Nodes give them in this order; nobody says that they must.
    if counts_fit && transactions.iter().zip(&infos).all(belong) {
        return Ok(infos);
    }
    let given = infos.len();
    let of_it = infos.into_iter().filter(|info| info.block_number == number);
    let mut by_id: HashMap<Txid, wire::Info> = of_it.filter_map(|info| Some((info.id?, info))).collect();
    let missing = wanted.iter().filter(|id| !by_id.contains_key(*id)).count();
    if !counts_fit || by_id.len() != given || missing > 0 {
        return Err(Trouble::Incomplete { number, transactions: transactions.len(), infos: given, missing });
    }
    Ok(transactions.iter().filter_map(|transaction| by_id.remove(&transaction.id)).collect())
}

/// What became of one transaction. For a call of a contract it has to be said; elsewhere success is the absence of failure.
/// Who says nothing of a call has not looked: taken for a failure it would be paid once more.
pub(super) fn read(info: wire::Info, txid: Txid, owner: Option<Address>, calls_a_contract: bool) -> Result<BlockTransaction, Trouble> {
    let outcome = match (info.result, info.receipt.result) {
        (None, Some(Verdict::Success)) => Outcome::Success,
        (None, None) if !calls_a_contract => Outcome::Success,
        (None, None) => return Err(Trouble::Shape(format!("the receipt of {txid} does not say what became of it"))),
        (_, Some(Verdict::Other(result))) | (Some(result), _) => Outcome::Failed(result),
    };
    let logs = info.log.into_iter().map(log).collect();
    Ok(BlockTransaction { txid, owner, outcome, fee_sun: info.fee, energy: info.receipt.energy_usage_total, logs })
}

fn log(raw: wire::RawLog) -> Log {
    let topics = raw.topics.into_iter().map(|topic| topic.0).collect();
    Log { address: Address::from_evm(raw.address.0), topics, data: raw.data.0 }
}

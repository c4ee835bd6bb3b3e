//! Several providers: one that fails is covered by the next, and where a quorum is asked for, they have to agree.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use super::block::{Block, BlockTransaction, Header};
use super::broadcast::BroadcastReply;
use super::error::{NodeError, PoolError, Trouble};
use super::transport::BoxFuture;
use super::votes::Votes;
use super::{Node, account};
use crate::address::Address;
use crate::ids::{BlockId, Txid};
use crate::signed::SignedTransaction;

/// What the providers know of a transaction on the solid chain.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// At least as many as asked for say that it is not there, and nobody says otherwise.
    Absent {
        /// Who says so.
        by: Vec<Arc<str>>,
    },
    /// Somebody has it: the number of its block, and what became of it.
    Found {
        /// Who has it.
        by: Arc<str>,
        /// The number of its block.
        block: u64,
        /// What became of it.
        transaction: Box<BlockTransaction>,
    },
    /// Too few answered to say anything.
    Unclear(Vec<NodeError>),
}

/// One that is more blocks than this behind what was read already is asked about the present when all others are silent.
const BEHIND_MAX: u64 = 5;

/// A lead over the others that needs no explanation.
const LEAD_MAX: u64 = 20;
/// Blocks are not closer to each other than this (java-tron, `BLOCK_PRODUCED_INTERVAL`).
const BLOCK_MS: i64 = 3_000;

/// The providers of one network, in order of preference. All clones note together how far each of them is.
#[derive(Clone, Debug)]
pub struct Pool {
    nodes: Vec<Node>,
    quorum: usize,
    noted: Arc<Noted>,
}

#[derive(Debug)]
struct Noted {
    /// The newest solid block that each named last; 0 while it has named none.
    tips: Vec<AtomicU64>,
    /// The highest floor. What one names beyond it is his word alone, and does not make the others late.
    floor: AtomicU64,
}

impl Pool {
    /// `quorum` of them have to give the same block before it is believed; at least 1 and at most all.
    pub fn new(nodes: Vec<Node>, quorum: usize) -> Self {
        let quorum = quorum.clamp(1, nodes.len().max(1));
        let noted = Noted { tips: nodes.iter().map(|_| AtomicU64::new(0)).collect(), floor: AtomicU64::new(0) };
        Self { nodes, quorum, noted: Arc::new(noted) }
    }

    /// The providers, in order of preference.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The id of block 0, which tells networks apart, as every provider that answers has it.
    ///
    /// # Errors
    /// `Disagree` when two are on different networks; `NoAnswer` when all are silent.
    pub async fn genesis(&self) -> Result<BlockId, PoolError> {
        let mut found: Option<(&Node, BlockId)> = None;
        let mut errors = Vec::new();
        for (node, answer) in self.ask_all(|node| Box::pin(async move { node.solid_header(0).await })).await {
            match (answer, found) {
                (Ok(header), None) => found = Some((node, header.id)),
                (Ok(header), Some((first, id))) if header.id != id => {
                    let providers = (first.name().clone(), node.name().clone());
                    return Err(PoolError::Disagree { number: 0, providers, one: id, other: header.id });
                }
                (Ok(_), Some(_)) => {}
                (Err(error), _) => errors.push(error),
            }
        }
        found.map(|(_, id)| id).ok_or(PoolError::NoAnswer(errors))
    }

    /// The newest solid block that `quorum` providers have reached. One below `floor`, the number we have already, is a
    /// provider that is behind, not a chain that shrank; one far above what others name, without the time that its blocks
    /// take, is an invention.
    pub async fn solid_tip(&self, floor: u64) -> Result<Header, PoolError> {
        self.noted.floor.fetch_max(floor, Ordering::Relaxed);
        let (mut tips, mut errors) = (Vec::new(), Vec::new());
        let answers = self.ask_all(|node| Box::pin(async move { node.solid_tip().await })).await;
        for ((node, answer), noted) in answers.into_iter().zip(&self.noted.tips) {
            if let Ok(tip) = &answer {
                noted.store(tip.number(), Ordering::Relaxed);
            }
            match answer {
                Ok(tip) if tip.number() >= floor => tips.push(tip),
                Ok(tip) => errors.push(node.error(Trouble::Behind { tip: tip.number(), floor })),
                Err(error) => errors.push(error),
            }
        }
        tips.sort_by_key(|tip| std::cmp::Reverse(tip.number()));
        // Where two have to reach it, one alone moves nothing.
        let is_invented = self.quorum == 1 && matches!(tips[..], [highest, next, ..] if outruns(highest, next));
        tips.into_iter().nth(self.quorum - 1 + usize::from(is_invented)).ok_or(PoolError::NoAnswer(errors))
    }

    /// A solid block that `quorum` providers give complete, the same in everything, and on top of `parent`, the id of the
    /// block below it (at the very start there is none to compare with). No more are asked than are needed for that.
    ///
    /// # Errors
    /// `Disagree` when all were asked, and no version has enough of them; `Contradiction` when none stands on `parent`.
    pub async fn solid_block(&self, number: u64, parent: Option<BlockId>) -> Result<Block, PoolError> {
        let (mut votes, mut errors) = (Votes::default(), Vec::new());
        let mut others = self.nodes.iter();
        loop {
            let asked: Vec<&Node> = others.by_ref().take(self.quorum - votes.most()).collect();
            if asked.is_empty() {
                break;
            }
            for (node, answer) in ask_each(asked, |node| Box::pin(async move { node.solid_block(number).await })).await {
                // One that is not on top of what was solid is a lie that gets no vote.
                match answer.and_then(|block| linked(node, block.header, parent).map(|()| block)) {
                    Ok(block) => votes.count(node.name(), block),
                    Err(error) => errors.push(error),
                }
            }
            if let Some(block) = votes.take(self.quorum) {
                return Ok(block);
            }
        }
        if votes.is_empty() {
            return Err(contradiction(errors));
        }
        Err(votes.disagreement().unwrap_or(PoolError::NoAnswer(errors)))
    }

    /// Sends the same bytes to all providers at once.
    pub async fn broadcast(&self, signed: &SignedTransaction) -> Vec<BroadcastReply> {
        let ask = |node: Node| -> BoxFuture<BroadcastReply> {
            let signed = signed.clone();
            Box::pin(async move { node.broadcast(&signed).await })
        };
        join(self.nodes.iter().cloned().map(ask).collect()).await
    }

    /// Whether a transaction is on the solid chain. `witnesses` providers (at most all) have to say "no" for a no.
    pub async fn solid_transaction(&self, txid: Txid, witnesses: usize) -> Lookup {
        let mut by = Vec::new();
        let mut errors = Vec::new();
        for (node, answer) in self.ask_all(move |node| Box::pin(async move { node.solid_transaction(txid).await })).await {
            match answer {
                Ok(Some((block, transaction))) => {
                    return Lookup::Found { by: node.name().clone(), block, transaction: Box::new(transaction) };
                }
                Ok(None) => by.push(node.name().clone()),
                Err(error) => errors.push(error),
            }
        }
        if by.len() >= witnesses.clamp(1, self.nodes.len().max(1)) { Lookup::Absent { by } } else { Lookup::Unclear(errors) }
    }

    /// The prices in force.
    pub async fn chain_parameters(&self) -> Result<account::ChainParameters, PoolError> {
        self.first(|node| Box::pin(async move { node.chain_parameters().await })).await
    }

    /// An account on the solid chain.
    pub async fn account(&self, address: Address) -> Result<Option<account::Account>, PoolError> {
        self.first(move |node| Box::pin(async move { node.account(address).await })).await
    }

    /// What an account may use without burning TRX.
    pub async fn resources(&self, address: Address) -> Result<account::Resources, PoolError> {
        self.first(move |node| Box::pin(async move { node.resources(address).await })).await
    }

    /// A token balance on the solid chain.
    pub async fn token_balance(&self, token: Address, holder: Address) -> Result<crate::abi::Word, PoolError> {
        self.first(move |node| Box::pin(async move { node.token_balance(token, holder).await })).await
    }

    /// What a token transfer would take.
    pub async fn estimate_transfer(&self, token: Address, owner: Address, to: Address, units: i64) -> Result<account::Estimate, PoolError> {
        self.first(move |node| Box::pin(async move { node.estimate_transfer(token, owner, to, units).await })).await
    }

    /// Asks one provider after the other until one answers: those that are late after all others, the rest in order of
    /// preference.
    pub async fn first<T>(&self, ask: impl Fn(Node) -> BoxFuture<Result<T, NodeError>>) -> Result<T, PoolError> {
        let mut errors = Vec::new();
        for node in self.late_ones_last() {
            match ask(node.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => errors.push(error),
            }
        }
        Err(PoolError::NoAnswer(errors))
    }

    fn late_ones_last(&self) -> impl Iterator<Item = &Node> {
        let due = self.noted.floor.load(Ordering::Relaxed).saturating_sub(BEHIND_MAX);
        let noted = self.nodes.iter().zip(&self.noted.tips);
        let (in_time, late): (Vec<_>, Vec<_>) = noted.partition(|(_, tip)| tip.load(Ordering::Relaxed) >= due);
        in_time.into_iter().chain(late).map(|(node, _)| node)
    }

    async fn ask_all<T>(&self, ask: impl Fn(Node) -> BoxFuture<T>) -> Vec<(&Node, T)> {
        ask_each(self.nodes.iter().collect(), ask).await
    }
}

/// Asks all of them at once.
async fn ask_each<T>(nodes: Vec<&Node>, ask: impl Fn(Node) -> BoxFuture<T>) -> Vec<(&Node, T)> {
    let answers = join(nodes.iter().copied().cloned().map(ask).collect()).await;
    nodes.into_iter().zip(answers).collect()
}

/// Whether there are more blocks between them than there is time. One that stands still does not make the other a liar: the
/// time has passed there.
fn outruns(tip: Header, other: Header) -> bool {
    let lead = tip.number().saturating_sub(other.number());
    let takes_ms = i64::try_from(lead).unwrap_or(i64::MAX).saturating_mul(BLOCK_MS);
    lead > LEAD_MAX && tip.timestamp_ms.saturating_sub(other.timestamp_ms) < takes_ms
}

/// Nobody had the block on top of what was solid. One that is silent may still have it, so only all together contradict.
fn contradiction(mut errors: Vec<NodeError>) -> PoolError {
    let says_so = |error: &NodeError| matches!(error.trouble, Trouble::OtherParent { .. });
    if !errors.is_empty() && errors.iter().all(says_so) {
        PoolError::Contradiction(errors.swap_remove(0))
    } else {
        PoolError::NoAnswer(errors)
    }
}

fn linked(node: &Node, header: Header, parent: Option<BlockId>) -> Result<(), NodeError> {
    match parent {
        Some(expected) if header.parent != expected => {
            Err(node.error(Trouble::OtherParent { number: header.number(), expected, got: header.parent }))
        }
        Some(_) | None => Ok(()),
    }
}

/// Waits for all of them at once.
async fn join<T>(mut running: Vec<BoxFuture<T>>) -> Vec<T> {
    let mut answers: Vec<Option<T>> = running.iter().map(|_| None).collect();
    poll_fn(move |cx| {
        for (future, answer) in running.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let Poll::Ready(ready) = Pin::new(future).poll(cx)
            {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) { Poll::Ready(answers.drain(..).flatten().collect()) } else { Poll::Pending }
    })
    .await
}

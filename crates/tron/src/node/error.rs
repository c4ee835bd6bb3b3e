//! What nodes answer instead of an answer, each with a name of its own.

use std::sync::Arc;

use super::transport::TransportFailure;
use crate::ids::BlockId;

/// A question to one provider that was not answered, or not in a way that may be believed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{provider}: {trouble}")]
pub struct NodeError {
    /// The provider's name in the configuration.
    pub provider: Arc<str>,
    /// What is wrong.
    pub trouble: Trouble,
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No whole answer in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection, or it broke in the middle.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// More bytes than we read.
    #[error("the answer is larger than this program reads")]
    TooLarge,
    /// HTTP 429.
    #[error("too many requests for this provider")]
    RateLimited {
        /// When to ask again, if it said so.
        retry_after_seconds: Option<u64>,
    },
    /// Another HTTP status than 200.
    #[error("HTTP status {0}")]
    Status(u16),
    /// HTML, plain text, or JSON that ends in the middle. Holds its beginning.
    #[error("the answer is no JSON: {0}")]
    NotJson(String),
    /// A lite full node keeps no history: of no use to us (java-tron, `LiteFnQueryHttpFilter`).
    #[error("this node is a lite full node without history")]
    LiteNode,
    /// `{"Error": …}` with status 200, as java-tron reports what went wrong inside it.
    #[error("the node reports: {0}")]
    Reported(String),
    /// JSON of another shape than expected.
    #[error("the answer has another shape than expected: {0}")]
    Shape(String),
    /// `{}` for a block: not there yet, or the node is behind.
    #[error("block {0} is not known there")]
    UnknownBlock(u64),
    /// Another block than the one asked for.
    #[error("asked for block {asked}, got {got}")]
    OtherBlock {
        /// Its number in the question.
        asked: u64,
        /// The id in the answer.
        got: BlockId,
    },
    /// The infos are not those of the transactions in the block: some are missing, or they are those of another block.
    #[error("block {number} has {transactions} transactions, the infos of {infos} were given, {missing} are missing")]
    Incomplete {
        /// The number of the block.
        number: u64,
        /// In the block.
        transactions: usize,
        /// In the second answer.
        infos: usize,
        /// Transactions without an info.
        missing: usize,
    },
    /// The block does not stand on the one that was solid before it: a provider that lies, or one of another network.
    #[error("block {number} stands on {got}, and {expected} was solid there")]
    OtherParent {
        /// The number of the block.
        number: u64,
        /// The block below it, as it was given before.
        expected: BlockId,
        /// What it names as its parent.
        got: BlockId,
    },
    /// The newest solid block it knows lies below what we have seen as solid already.
    #[error("its newest solid block is {tip}, and block {floor} was solid already")]
    Behind {
        /// Its newest.
        tip: u64,
        /// Ours.
        floor: u64,
    },
}

impl From<TransportFailure> for Trouble {
    fn from(failure: TransportFailure) -> Self {
        match failure {
            TransportFailure::Timeout => Self::Timeout,
            TransportFailure::TooLarge => Self::TooLarge,
            TransportFailure::Broken(text) => Self::Connection(text),
        }
    }
}

/// Why all providers together gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PoolError {
    /// Fewer than needed answered. Each with its reason.
    #[error("no provider gave a usable answer: {}", list(.0))]
    NoAnswer(Vec<NodeError>),
    /// All providers say that solid history is another one than it was. Nothing may be booked until a person has looked.
    #[error("solid history contradicts itself: {0}")]
    Contradiction(NodeError),
    /// Two providers have different blocks at a height that both call solid, or tell different things of the same one, and
    /// too few agree with either. One of them lies or is on another network.
    #[error("{}", difference(*.number, .providers, .one, .other))]
    Disagree {
        /// The height.
        number: u64,
        /// Who said what.
        providers: (Arc<str>, Arc<str>),
        /// The first one's.
        one: BlockId,
        /// The other's. The same id where they differ in what is in the block.
        other: BlockId,
    },
}

fn difference(number: u64, (first, second): &(Arc<str>, Arc<str>), one: &BlockId, other: &BlockId) -> String {
    if one == other {
        format!("{first} and {second} tell different things of block {number}, which both call {one}")
    } else {
        format!("{first} says that block {number} is {one}, {second} says {other}")
    }
}

fn list(errors: &[NodeError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

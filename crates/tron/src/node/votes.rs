//! Versions of one block, and who gave which: counted until enough have given the same, whole. An id alone says little: who
//! invents a log or leaves out a transaction can name the true one.

use std::sync::Arc;

use super::block::Block;
use super::error::PoolError;

/// Versions in the order in which they were first given.
#[derive(Default)]
pub(super) struct Votes(Vec<Version>);

struct Version {
    block: Block,
    by: Vec<Arc<str>>,
}

impl Votes {
    pub(super) fn count(&mut self, by: &Arc<str>, block: Block) {
        match self.0.iter_mut().find(|version| version.block == block) {
            Some(version) => version.by.push(Arc::clone(by)),
            None => self.0.push(Version { block, by: vec![Arc::clone(by)] }),
        }
    }

    /// How many have given the version that most have given.
    pub(super) fn most(&self) -> usize {
        self.0.iter().map(|version| version.by.len()).max().unwrap_or_default()
    }

    /// The version that `quorum` have given; the others are dropped.
    pub(super) fn take(&mut self, quorum: usize) -> Option<Block> {
        let at = self.0.iter().position(|version| version.by.len() >= quorum)?;
        Some(self.0.swap_remove(at).block)
    }

    /// No version was given.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Two who gave different versions.
    pub(super) fn disagreement(&self) -> Option<PoolError> {
        let [one, other, ..] = self.0.as_slice() else { return None };
        let providers = (one.by.first()?.clone(), other.by.first()?.clone());
        let number = one.block.header.number();
        Some(PoolError::Disagree { number, providers, one: one.block.header.id, other: other.block.header.id })
    }
}

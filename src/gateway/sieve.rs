//! Which addresses may be deposit addresses, in memory. A block moves USDT between hundreds of addresses, and hardly one of
//! them is ours, so its cost must not depend on how many we have.
//!
//! The database decides, not this: an address that passes is looked up there, in the transaction that reads the block, and so
//! is every address that was given away after this was filled. An address that is ours always passes.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use tron::node::Block;

use crate::base::{Address, Context, Result};
use crate::gateway::{scan, store};
use crate::wallet::custody::Custody;

/// Addresses read at once.
const PAGE: i64 = 10_000;

/// A mark for each deposit address with a small index. Two addresses may have the same mark: then one passes for nothing.
#[derive(Default)]
pub struct Sieve {
    /// Nobody outside can tell which addresses have the same mark.
    hashes: RandomState,
    marks: HashSet<u64>,
    /// Every address with a smaller index is in it. Indexes are given away in order, and what belongs to one never changes.
    next: i64,
}

/// Blocks to be read, and what the sieve says of them.
#[derive(Debug, Default)]
pub struct Batch {
    /// They follow one another.
    pub blocks: Vec<Block>,
    /// What may be a deposit address among everything that USDT moved from or to.
    pub(super) suspects: Vec<Address>,
    /// From this index on addresses have not been through the sieve.
    pub(super) sieved_to: i64,
}

impl Sieve {
    /// The index from which on addresses are missing.
    pub const fn next(&self) -> i64 {
        self.next
    }

    /// Takes in addresses that follow those it has; answers whether there may be more.
    pub fn add(&mut self, page: &[(i64, Address)]) -> bool {
        for (index, address) in page {
            self.marks.insert(self.hashes.hash_one(address));
            self.next = index + 1;
        }
        i64::try_from(page.len()).is_ok_and(|found| found >= PAGE)
    }

    /// Puts blocks through the sieve.
    pub fn sift(&self, custody: &Custody, blocks: Vec<Block>) -> Batch {
        let mut suspects: Vec<Address> = scan::ends(custody, &blocks).filter(|end| self.may_hold(end)).collect();
        suspects.sort_unstable();
        suspects.dedup();
        Batch { blocks, suspects, sieved_to: self.next }
    }

    fn may_hold(&self, address: &Address) -> bool {
        self.marks.contains(&self.hashes.hash_one(address))
    }
}

/// The deposit addresses from `index` on, some of them, in order.
pub fn page(cx: &mut Context<'_, '_>, index: i64) -> Result<Vec<(i64, Address)>> {
    store::addresses_from(cx, index, PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_passes_and_the_rest_hardly_ever() {
        let address = |n: u8| Address(tron::Address::from_evm([n; 20]));
        let mut sieve = Sieve::default();
        assert!(!sieve.add(&[(0, address(1)), (1, address(2))]));
        assert_eq!(sieve.next(), 2);
        assert!(sieve.may_hold(&address(1)) && sieve.may_hold(&address(2)));
        assert!((3..=255).filter(|n| sieve.may_hold(&address(*n))).count() < 2);
        assert!(!sieve.add(&[]), "nothing new");
        assert_eq!(sieve.next(), 2);
    }
}

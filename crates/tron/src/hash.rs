//! The two hash functions of the protocol. No digest trait leaves this file: everything else passes 32 bytes around.

use sha2::{Digest as _, Sha256};
use sha3::Keccak256;

/// SHA-256: ids of transactions and blocks, checksums of addresses.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Keccak-256 with the padding from before SHA-3 was a standard: addresses, selectors, topics.
pub fn keccak256(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::{keccak256, sha256};
    use crate::hex::encode;

    #[test]
    fn the_empty_input_has_its_known_hashes() {
        assert_eq!(encode(&sha256(b"")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(encode(&keccak256(b"")), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    }
}

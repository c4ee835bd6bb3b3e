//! The wallets of the sandbox. Everybody knows these keys, so that several programs can share a sandbox without a file; a
//! real network refuses them.

use std::sync::OnceLock;

use tron::hash::sha256;
use tron::{AccountSecretKey, SecretKey};

use crate::base::Address;
use crate::base::config::Chain;
use crate::base::error::{Result, internal};

/// The devnet's own phrase for its faucet.
const FAUCET: &[u8] = b"devnet faucet: this key is public";
const HOT: &[u8] = b"roborent sandbox, hot wallet: this key is public";
const DEPOSITS: &[u8] = b"roborent sandbox, deposit addresses: this key is public";

/// The key of the faucet.
pub fn faucet() -> SecretKey {
    key(FAUCET)
}

/// The address of the faucet.
pub fn faucet_address() -> Address {
    Address(faucet().address())
}

/// The key that payouts are signed with.
pub fn hot() -> SecretKey {
    key(HOT)
}

/// The keys of the deposit addresses.
pub fn deposits() -> Result<AccountSecretKey> {
    let words = tron::derive::mnemonic_from_entropy(&sha256(DEPOSITS)[..16]).map_err(internal)?;
    AccountSecretKey::from_mnemonic(&words, "").map_err(internal)
}

/// Derived once: a phrase takes thousands of hashes.
fn deposits_xpub() -> Result<String> {
    static XPUB: OnceLock<String> = OnceLock::new();
    if let Some(known) = XPUB.get() {
        return Ok(known.clone());
    }
    let derived = deposits()?.public().to_string();
    Ok(XPUB.get_or_init(|| derived).clone())
}

/// Fills in what a sandbox does not have to say.
pub fn complete(chain: &mut Chain) -> Result<()> {
    if chain.deposit_xpub.is_empty() {
        chain.deposit_xpub = deposits_xpub()?;
    }
    if chain.hot_address.is_empty() {
        chain.hot_address = hot().address().to_string();
    }
    if chain.usdt_contract.is_empty() {
        chain.usdt_contract = devnet::usdt_address();
    }
    Ok(())
}

#[expect(clippy::expect_used, reason = "the hash of a fixed phrase, which a test looks at")]
fn key(phrase: &[u8]) -> SecretKey {
    SecretKey::from_bytes(&sha256(phrase)).expect("the hash of this phrase is a key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_phrases_are_keys_of_their_own() {
        let hot = Address(hot().address());
        let deposits = deposits().expect("derived");
        assert_ne!(hot, faucet_address());
        assert_ne!(Address(deposits.key(0).expect("derived").address()), hot);
    }
}

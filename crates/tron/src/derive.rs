//! Keys by the thousand from one secret: BIP-39 words, BIP-32 derivation, the account path of TRON `m/44'/195'/0'`.
//!
//! Addresses come from the account's public key alone, so the process that hands them out needs no secret. Beware: the
//! account's public key together with *one* private key below it gives the account's private key away. Private keys of
//! addresses are made where they are used and are never written anywhere.

use std::fmt;

use bip32::{ChildNumber, DerivationPath, Prefix, XPrv, XPub};
use bip39::{Language, Mnemonic};
use k256::ecdsa::SigningKey;
use zeroize::Zeroizing;

use crate::address::Address;
use crate::keys::{SecretKey, address_of};

/// Purpose, coin (SLIP-44: 195 is TRON), account. Below it: chain 0, then the index of the address.
pub const ACCOUNT_PATH: &str = "m/44'/195'/0'";

const ACCOUNT_DEPTH: u8 = 3;

/// Why words or an extended key cannot be used. Never shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// Not 12 to 24 words of the English list with the right checksum in the last.
    #[error("the words are no BIP-39 mnemonic: a word is unknown, missing, or in the wrong place")]
    Mnemonic,
    /// Entropy of a length that BIP-39 does not know.
    #[error("entropy of a mnemonic has 16, 20, 24, 28 or 32 bytes")]
    Entropy,
    /// Not an extended key, damaged, or of the other kind (xprv for xpub).
    #[error("this is not an extended key of the expected kind (xpub or xprv)")]
    ExtendedKey,
    /// An extended key of another level: addresses derived from it would be ones nobody else can find.
    #[error("the extended key is not that of an account (m/44'/195'/0', depth 3)")]
    Depth,
    /// The index is 2^31 or more, or one of the 2^-127 that have no key.
    #[error("there is no key at this index")]
    Index,
}

/// New words from entropy that the caller brings: 16 bytes give 12 words, 32 give 24.
pub fn mnemonic_from_entropy(entropy: &[u8]) -> Result<Zeroizing<String>, DeriveError> {
    Mnemonic::from_entropy_in(Language::English, entropy).map(|words| Zeroizing::new(words.to_string())).map_err(|_| DeriveError::Entropy)
}

/// The public half of an account: derives addresses, cannot sign.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountPublicKey {
    text: String,
    chain: XPub,
}

impl AccountPublicKey {
    /// Reads `xpub…` of an account (depth 3).
    pub fn parse(text: &str) -> Result<Self, DeriveError> {
        if !text.starts_with("xpub") {
            return Err(DeriveError::ExtendedKey);
        }
        let account: XPub = text.parse().map_err(|_| DeriveError::ExtendedKey)?;
        if account.attrs().depth != ACCOUNT_DEPTH {
            return Err(DeriveError::Depth);
        }
        let chain = account.derive_child(number(0)?).map_err(|_| DeriveError::ExtendedKey)?;
        Ok(Self { text: text.to_owned(), chain })
    }

    /// The address at `m/44'/195'/0'/0/index`. One in 2^127 indices has none; then take the next.
    pub fn address(&self, index: u32) -> Result<Address, DeriveError> {
        let child = self.chain.derive_child(number(index)?).map_err(|_| DeriveError::Index)?;
        Ok(address_of(child.public_key()))
    }
}

impl fmt::Display for AccountPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Shortened: an xpub is no secret, but it links all addresses of its owner.
impl fmt::Debug for AccountPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountPublicKey({}…)", self.text.get(..12).unwrap_or_default())
    }
}

/// The private half of an account: derives the key of each address. Overwritten when dropped.
#[derive(Clone)]
pub struct AccountSecretKey {
    account: XPrv,
    chain: XPrv,
}

impl AccountSecretKey {
    /// From BIP-39 words (English) and their passphrase, which is often empty.
    pub fn from_mnemonic(words: &str, passphrase: &str) -> Result<Self, DeriveError> {
        let mnemonic = Mnemonic::parse_in(Language::English, words).map_err(|_| DeriveError::Mnemonic)?;
        let seed = Zeroizing::new(mnemonic.to_seed(passphrase));
        let path: DerivationPath = ACCOUNT_PATH.parse().map_err(|_| DeriveError::Index)?;
        Self::from_account(XPrv::derive_from_path(&*seed, &path).map_err(|_| DeriveError::Index)?)
    }

    /// Reads `xprv…` of an account (depth 3).
    pub fn parse(text: &str) -> Result<Self, DeriveError> {
        if !text.starts_with("xprv") {
            return Err(DeriveError::ExtendedKey);
        }
        let account: XPrv = text.parse().map_err(|_| DeriveError::ExtendedKey)?;
        if account.attrs().depth != ACCOUNT_DEPTH {
            return Err(DeriveError::Depth);
        }
        Self::from_account(account)
    }

    fn from_account(account: XPrv) -> Result<Self, DeriveError> {
        let chain = account.derive_child(number(0)?).map_err(|_| DeriveError::ExtendedKey)?;
        Ok(Self { account, chain })
    }

    /// `xprv…`, for sealing it into a file. Overwritten when dropped.
    pub fn to_text(&self) -> Zeroizing<String> {
        self.account.to_string(Prefix::XPRV)
    }

    /// The public half.
    pub fn public(&self) -> AccountPublicKey {
        let text = self.account.public_key().to_string(Prefix::XPUB);
        AccountPublicKey { text, chain: self.chain.public_key() }
    }

    /// The key of the address at `m/44'/195'/0'/0/index`.
    pub fn key(&self, index: u32) -> Result<SecretKey, DeriveError> {
        let child = self.chain.derive_child(number(index)?).map_err(|_| DeriveError::Index)?;
        let signing: &SigningKey = child.private_key();
        let bytes = Zeroizing::new(<[u8; 32]>::from(signing.to_bytes()));
        SecretKey::from_bytes(&bytes).map_err(|_| DeriveError::Index)
    }
}

impl fmt::Debug for AccountSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountSecretKey(hidden)")
    }
}

fn number(index: u32) -> Result<ChildNumber, DeriveError> {
    ChildNumber::new(index, false).map_err(|_| DeriveError::Index)
}

#[cfg(test)]
mod tests {
    use super::{AccountPublicKey, AccountSecretKey, DeriveError, mnemonic_from_entropy};

    const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    #[test]
    fn the_public_half_finds_the_addresses_of_the_secret_half() {
        let secret = AccountSecretKey::from_mnemonic(WORDS, "").unwrap();
        let public = AccountPublicKey::parse(&secret.public().to_string()).unwrap();
        assert_eq!(public, secret.public());
        for index in [0, 1, 4_711, 0x7fff_ffff] {
            assert_eq!(public.address(index).unwrap(), secret.key(index).unwrap().address());
        }
        assert_eq!(public.address(0x8000_0000), Err(DeriveError::Index));
        assert_eq!(AccountSecretKey::parse(&secret.to_text()).unwrap().public(), public);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_reason() {
        let account = AccountSecretKey::from_mnemonic(WORDS, "").unwrap();
        let xpub = account.public().to_string();
        let deeper = account.chain.public_key().to_string(bip32::Prefix::XPUB);
        assert_eq!(AccountPublicKey::parse(&deeper), Err(DeriveError::Depth));
        assert_eq!(AccountPublicKey::parse(&account.to_text()), Err(DeriveError::ExtendedKey));
        assert_eq!(AccountPublicKey::parse(&xpub[..100]), Err(DeriveError::ExtendedKey));
        assert_eq!(AccountSecretKey::parse(&xpub).unwrap_err(), DeriveError::ExtendedKey);
        assert_eq!(AccountSecretKey::from_mnemonic(&WORDS.replace("about", "abandon"), "").unwrap_err(), DeriveError::Mnemonic);
        assert_eq!(mnemonic_from_entropy(&[0; 15]).unwrap_err(), DeriveError::Entropy);
        assert_eq!(*mnemonic_from_entropy(&[0; 16]).unwrap(), WORDS);
    }

    #[test]
    fn a_passphrase_leads_to_another_account() {
        let plain = AccountSecretKey::from_mnemonic(WORDS, "").unwrap();
        assert_ne!(AccountSecretKey::from_mnemonic(WORDS, "x").unwrap().public(), plain.public());
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let secret = AccountSecretKey::from_mnemonic(WORDS, "").unwrap();
        assert_eq!(format!("{secret:?}"), "AccountSecretKey(hidden)");
        assert_eq!(format!("{:?}", secret.public()), "AccountPublicKey(xpub6D1AabNH…)");
    }
}

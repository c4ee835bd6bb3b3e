//! The format of API keys: `rr_live_` or `rr_test_`, 32 random base62 characters (190 bit), 6 characters of checksum.
//!
//! The checksum is CRC-32 (IEEE) over everything before it, in base62, most significant first. It lets a mistyped or
//! invented key be refused without asking the database, and secret scanners recognise a key.

use sha2::{Digest as _, Sha256};

use crate::base::config::Network;
use crate::base::error::{Refusal, Result};
use crate::base::random::Rng;

const LIVE: &str = "rr_live_";
const TEST: &str = "rr_test_";
const RANDOM: usize = 32;
const CHECKSUM: usize = 6;
const LENGTH: usize = LIVE.len() + RANDOM + CHECKSUM;
const SHOWN: usize = LIVE.len() + 4;

/// A key in clear: shown once, never stored, never logged.
pub struct ApiKey(String);

impl ApiKey {
    /// A new key for this network.
    pub fn generate(rng: &mut Rng, network: Network) -> Self {
        let prefix = if network.is_sandbox() { TEST } else { LIVE };
        let body = format!("{prefix}{}", rng.base62(RANDOM));
        let checksum = checksum(&body);
        Self(body + &checksum)
    }

    /// Reads a key, offline. Fails with `invalid_api_key`, or `wrong_environment` for a key of another kind of network.
    pub fn parse(text: &str, network: Network) -> Result<Self> {
        let well_formed = text.len() == LENGTH
            && (text.starts_with(LIVE) || text.starts_with(TEST))
            && text[LIVE.len()..].bytes().all(|b| b.is_ascii_alphanumeric());
        if !well_formed || checksum(&text[..LENGTH - CHECKSUM]) != text[LENGTH - CHECKSUM..] {
            return Err(Refusal::InvalidApiKey.into());
        }
        match (text.starts_with(TEST), network.is_sandbox()) {
            (true, false) => Err(Refusal::WrongEnvironment { found: "sandbox (rr_test_)", here: "real (rr_live_)" }.into()),
            (false, true) => Err(Refusal::WrongEnvironment { found: "real (rr_live_)", here: "sandbox (rr_test_)" }.into()),
            (true, true) | (false, false) => Ok(Self(text.to_owned())),
        }
    }

    /// What is stored and looked up.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// What the owner may see later.
    pub fn prefix(&self) -> &str {
        &self.0[..SHOWN]
    }

    /// The key itself, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

fn checksum(body: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut text = [b'0'; CHECKSUM];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[rest % 62];
        rest /= 62;
    }
    text.iter().map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Entropy;

    #[test]
    fn the_checksum_is_crc_32_in_base62() {
        for (key, network) in [
            ("rr_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3V9Tmy", Network::Mainnet),
            ("rr_test_0123456789ABCDEFGHIJKLMNOPQRSTUV0H9Ozl", Network::Sandbox),
            ("rr_live_000000000000000000000000000000001Edkmh", Network::Mainnet),
        ] {
            assert!(ApiKey::parse(key, network).is_ok(), "{key}");
        }
    }

    #[test]
    fn a_new_key_is_read_back_and_any_changed_character_is_noticed() {
        let mut rng = Entropy::from_number(1).fork();
        for _ in 0..200 {
            let key = ApiKey::generate(&mut rng, Network::Sandbox);
            assert!(ApiKey::parse(key.reveal(), Network::Sandbox).is_ok());
            for at in 0..LENGTH {
                let mut text = key.reveal().to_owned().into_bytes();
                text[at] = if text[at] == b'x' { b'y' } else { b'x' };
                let text = String::from_utf8(text).expect("ASCII");
                assert_eq!(ApiKey::parse(&text, Network::Sandbox).err().map(|e| e.code()), Some("invalid_api_key"), "{text}");
            }
        }
    }

    #[test]
    fn random_text_is_refused_offline() {
        let mut rng = Entropy::from_number(2).fork();
        for _ in 0..100_000 {
            let text = format!("{TEST}{}", rng.base62(RANDOM + CHECKSUM));
            assert!(ApiKey::parse(&text, Network::Sandbox).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_of_another_environment_is_named_so() {
        let mut rng = Entropy::from_number(3).fork();
        let key = ApiKey::generate(&mut rng, Network::Sandbox);
        assert_eq!(ApiKey::parse(key.reveal(), Network::Mainnet).err().map(|e| e.code()), Some("wrong_environment"));
    }
}

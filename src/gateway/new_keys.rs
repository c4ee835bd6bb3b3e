//! New keys for an installation. Deposit addresses and the hot wallet come from two phrases that have nothing to do with
//! each other: the public key that web servers hold gives every key of its phrase away to whoever learns one of them.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use tron::{AccountSecretKey, SecretKey};
use zeroize::Zeroizing;

use crate::base::Address;
use crate::base::config::Network;
use crate::base::random::Entropy;
use crate::gateway::keystore::{self, Sealed};
use crate::gateway::public_phrases::{refuse_phrase, refuse_wallets};

/// The name of the keystore of the deposit addresses.
pub const DEPOSIT_FILE: &str = "deposit.keystore";
/// The name of the keystore of the hot wallet.
pub const HOT_FILE: &str = "hot.keystore";

/// A phrase of 24 words that nobody had before.
///
/// # Errors
/// A sentence.
pub fn new_phrase() -> Result<Zeroizing<String>, String> {
    let mut entropy = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *entropy).map_err(|error| format!("no randomness: {error}"))?;
    tron::derive::mnemonic_from_entropy(&*entropy).map_err(|error| error.to_string())
}

/// The keys that two phrases give.
pub struct NewKeys {
    deposits: AccountSecretKey,
    hot: SecretKey,
}

impl NewKeys {
    /// The account of the first phrase, and the first key (`m/44'/195'/0'/0/0`) of the second.
    ///
    /// # Errors
    /// A sentence that shows nothing of them.
    pub fn from_phrases(deposits: &str, hot: &str, network: Network) -> Result<Self, String> {
        let account = |name: &str, words: &str| {
            let account = AccountSecretKey::from_mnemonic(words, "").map_err(|error| format!("the phrase of the {name}: {error}"))?;
            if network == Network::Mainnet {
                refuse_phrase(&format!("the phrase of the {name}"), words)?;
            }
            Ok::<_, String>(account)
        };
        let (deposits, hot) = (account("deposit addresses", deposits)?, account("hot wallet", hot)?);
        if deposits.public() == hot.public() {
            return Err("the hot wallet must not have the phrase of the deposit addresses: give it one of its own".into());
        }
        let hot = hot.key(0).map_err(|error| error.to_string())?;
        if network == Network::Mainnet {
            refuse_wallets(&deposits.public().to_string(), &[("the key of the hot wallet", Address(hot.address()))])?;
        }
        Ok(Self { deposits, hot })
    }

    /// What deposit addresses are derived from.
    pub fn deposit_xpub(&self) -> String {
        self.deposits.public().to_string()
    }

    /// Payouts leave from here.
    pub fn hot_address(&self) -> Address {
        Address(self.hot.address())
    }

    /// Writes both keystores, which must not be there, or none, and opens them once.
    ///
    /// # Errors
    /// A sentence.
    pub fn save(&self, folder: &Path, passphrase: &str) -> Result<(), String> {
        let entropy = Entropy::from_system().map_err(|error| error.to_string())?;
        let hot = Zeroizing::new(tron::hex::encode(&*self.hot.to_bytes()));
        let secrets = [
            (DEPOSIT_FILE, Sealed::DepositKey, self.deposit_xpub(), self.deposits.to_text()),
            (HOT_FILE, Sealed::HotKey, self.hot_address().to_string(), hot),
        ];
        let mut written = Vec::new();
        for (name, sealed, public, secret) in secrets {
            let path = folder.join(name);
            let mut chance = entropy.fork();
            let text = keystore::seal(sealed, &public, &secret, passphrase, chance.bytes(), chance.bytes())?;
            let done = write_new(&path, &text).and_then(|()| {
                written.push(path.clone());
                let opened = keystore::open(&path, sealed, passphrase)?;
                if *opened == *secret { Ok(()) } else { Err(format!("{}: it holds something else than was written", path.display())) }
            });
            if let Err(error) = done {
                for path in &written {
                    // What cannot be removed either is in the way of the next try, which says so.
                    drop(std::fs::remove_file(path));
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Writes a file that is not there yet, for its owner only, and waits until it is on the disk.
fn write_new(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a keystore is of no use to anybody.
        drop(std::fs::remove_file(path));
        return Err(failed(error));
    }
    let folder = path.parent().map_or_else(|| Ok(()), |folder| std::fs::File::open(folder).and_then(|folder| folder.sync_all()));
    folder.map_err(failed)
}

//! The secret keys of this process. Only the role that pays has any, and they never leave here.

use std::path::Path;

use secrecy::ExposeSecret as _;
use tron::{AccountSecretKey, SecretKey, SignedTransaction, Transaction};

use crate::base::Address;
use crate::base::config::Config;
use crate::base::error::{Result, internal};
use crate::gateway::keystore::{self, Sealed};
use crate::gateway::sandbox_keys;
use crate::wallet::custody::Custody;

/// What signs.
pub struct Keys {
    hot: SecretKey,
    deposits: Option<AccountSecretKey>,
    /// The faucet of the devnet.
    faucet: Option<SecretKey>,
}

impl Keys {
    /// Opens the keystores that the settings name; in the sandbox, the keys that everybody knows. They are those of the addresses
    /// in the settings.
    ///
    /// # Errors
    /// A sentence.
    pub fn load(config: &Config) -> Result<Self, String> {
        let chain = &config.chain;
        if config.installation.network.is_sandbox() && chain.hot_key_file.is_empty() {
            let deposits = sandbox_keys::deposits().map_err(|error| error.to_string())?;
            let keys = Self { hot: sandbox_keys::hot(), deposits: Some(deposits), faucet: Some(sandbox_keys::faucet()) };
            return keys.fit(&Custody::of(chain)?).map(|()| keys);
        }
        let passphrase = chain.passphrase.expose_secret();
        if chain.hot_key_file.is_empty() {
            return Err("chain.hot_key_file must be set where the gateway runs".into());
        }
        if passphrase.is_empty() {
            return Err("chain.passphrase or chain.passphrase_file must be set to open the keystores".into());
        }
        let hot = keystore::open(Path::new(&chain.hot_key_file), Sealed::HotKey, passphrase)?;
        let hot = SecretKey::from_hex(&hot).map_err(|error| format!("chain.hot_key_file: {error}"))?;
        let deposits = match chain.deposit_key_file.as_str() {
            "" => None,
            path => {
                let text = keystore::open(Path::new(path), Sealed::DepositKey, passphrase)?;
                Some(AccountSecretKey::parse(&text).map_err(|error| format!("chain.deposit_key_file: {error}"))?)
            }
        };
        let keys = Self { hot, deposits, faucet: config.installation.network.is_sandbox().then(sandbox_keys::faucet) };
        keys.fit(&Custody::of(chain)?).map(|()| keys)
    }

    /// The keys and the addresses in the settings belong together.
    fn fit(&self, custody: &Custody) -> Result<(), String> {
        if Address(self.hot.address()) != custody.hot {
            return Err(format!("chain.hot_address is {}, and the key is that of {}", custody.hot, self.hot.address()));
        }
        let Some(deposits) = &self.deposits else { return Ok(()) };
        let first = deposits.public().address(0).map_err(|error| error.to_string())?;
        match custody.deposit_address(0) {
            Ok(address) if address == Address(first) => Ok(()),
            _ => Err("chain.deposit_key_file is not the key of chain.deposit_xpub".into()),
        }
    }

    /// Whether deposits can be brought in.
    pub(super) const fn may_sweep(&self) -> bool {
        self.deposits.is_some()
    }

    /// Signs with the key of `owner`: the hot wallet, the deposit address with this index, or the faucet. Nothing where the
    /// key is not here.
    pub(super) fn sign(
        &self,
        custody: &Custody,
        owner: Address,
        index: Option<i64>,
        transaction: &Transaction,
    ) -> Result<Option<SignedTransaction>> {
        let derived;
        let key = match (&self.deposits, index, &self.faucet) {
            _ if owner == custody.hot => &self.hot,
            (Some(deposits), Some(index), _) => {
                derived = deposits.key(u32::try_from(index).map_err(internal)?).map_err(internal)?;
                &derived
            }
            (_, None, Some(faucet)) if owner == Address(faucet.address()) => faucet,
            _ => return Ok(None),
        };
        transaction.sign(key).map(Some).map_err(internal)
    }
}

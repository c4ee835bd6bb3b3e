//! Where the money lies on the chain: the token, our wallets, and the key that deposit addresses are derived from.

use tron::AccountPublicKey;

use crate::base::config::{Chain, Network};
use crate::base::error::internal;
use crate::base::{Address, Context, Result};

/// The addresses of this installation. Public things only.
#[derive(Clone, Debug)]
pub struct Custody {
    /// The contract of USDT.
    pub contract: Address,
    /// Payouts leave from here.
    pub hot: Address,
    /// What is not needed for payouts lies here.
    pub cold: Option<Address>,
    deposits: AccountPublicKey,
}

impl Custody {
    /// From the settings; says in one line which of them is wrong.
    pub fn of(chain: &Chain) -> Result<Self, String> {
        let address = |name: &str, text: &str| {
            tron::Address::parse_base58(text).map(Address).map_err(|error| format!("chain.{name} \"{text}\": {error}"))
        };
        let deposits = AccountPublicKey::parse(&chain.deposit_xpub).map_err(|error| format!("chain.deposit_xpub: {error}"))?;
        let cold = (!chain.cold_address.is_empty()).then(|| address("cold_address", &chain.cold_address)).transpose()?;
        let custody = Self {
            contract: address("usdt_contract", &chain.usdt_contract)?,
            hot: address("hot_address", &chain.hot_address)?,
            cold,
            deposits,
        };
        let first = custody.deposit_address(0).map_err(|error| format!("chain.deposit_xpub: {error}"))?;
        if custody.hot == first || custody.cold == Some(custody.hot) || custody.cold == Some(first) {
            return Err("chain.hot_address, chain.cold_address and the deposit addresses must not be the same".into());
        }
        Ok(custody)
    }

    /// As the settings of a running server say; they were read at its start.
    pub fn current(cx: &Context<'_, '_>) -> Result<Self> {
        Self::of(&cx.config.chain).map_err(internal)
    }

    /// The deposit address with this index.
    pub fn deposit_address(&self, index: u32) -> Result<Address, tron::DeriveError> {
        self.deposits.address(index).map(Address)
    }

    /// Whether payouts must not go there: nobody could use them, or they would come back to us.
    pub fn is_no_destination(&self, address: Address) -> bool {
        address.0 == tron::Address::ZERO || [Some(self.contract), Some(self.hot), self.cold].contains(&Some(address))
    }
}

/// Where people look at a transaction; the sandbox has no such place.
pub fn explorer_url(network: Network, txid: &str) -> Option<String> {
    let site = match network {
        Network::Sandbox => return None,
        Network::Nile => "https://nile.tronscan.org",
        Network::Mainnet => "https://tronscan.org",
    };
    Some(format!("{site}/#/transaction/{txid}"))
}

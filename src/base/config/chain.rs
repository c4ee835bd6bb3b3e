//! The settings of money that comes in and goes out.

use std::net::SocketAddr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::hidden;
use crate::base::money::Usdt;

/// Withdrawals: what they cost, and which of them an admin looks at before they go out.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Withdrawals {
    /// The least that is paid out at once, in USDT, the fee included.
    pub min: Usdt,
    /// What a withdrawal costs its user, in USDT.
    pub fee: Usdt,
    /// The most that one payout sends, in USDT. No approval overrides it.
    pub payout_max: Usdt,
    /// What goes out in 24 hours without a look, in USDT.
    pub daily_cap: Usdt,
    /// From this amount on an admin looks at it, in USDT.
    pub review_from: Usdt,
    /// From this amount on, when the user never withdrew to that address, in USDT.
    pub review_new_address_from: Usdt,
    /// When a user has made so many in 24 hours, further ones are looked at.
    pub daily_count: u32,
    /// Users younger than this are looked at, in hours.
    pub young_user_hours: u32,
    /// Above this amount two admins have to approve, in USDT.
    pub two_admins_above: Usdt,
    /// A review that nobody decides is released after so many days.
    pub review_days: u32,
    /// People need a second factor to withdraw; without this only those who have one must show it.
    pub require_2fa: bool,
}

impl Default for Withdrawals {
    fn default() -> Self {
        let usdt = |whole: i64| Usdt::from_micro(whole * 1_000_000);
        Self {
            min: usdt(20),
            fee: Usdt::from_micro(1_500_000),
            payout_max: usdt(10_000),
            daily_cap: usdt(5_000),
            review_from: usdt(500),
            review_new_address_from: usdt(100),
            daily_count: 3,
            young_user_hours: 24,
            two_admins_above: usdt(2_000),
            review_days: 7,
            require_2fa: false,
        }
    }
}

/// The TRON network, and our wallets there. `roborent wallet init` makes the keys and prints the lines for here. The sandbox
/// needs none of it: it has a network of its own with wallets that everybody knows.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chain {
    /// Nodes, in order of preference: `https://full` or, where solid blocks are served elsewhere, `https://full|https://solid`.
    pub providers: Vec<String>,
    /// A file with one API key a line, in the order of the providers; empty = none.
    pub api_keys_file: String,
    /// How many requests a second each provider takes, in the order of the providers; 0 or left out = as they come.
    pub provider_rps: Vec<u32>,
    /// How many providers have to give the same block, with everything in it, before it is believed.
    pub quorum: usize,
    /// How often new blocks are asked for, in milliseconds.
    pub poll_ms: u64,
    /// A gateway that says nothing for so long is taken over by another one, in seconds.
    pub lease_seconds: u32,
    /// The contract of USDT; empty = that of the network.
    pub usdt_contract: String,
    /// The id of block 0, 64 hex digits; empty = that of the network.
    pub genesis_id: String,
    /// The public key that deposit addresses are derived from.
    pub deposit_xpub: String,
    /// The wallet that payouts leave from.
    pub hot_address: String,
    /// Where what the hot wallet does not need is kept; empty = nowhere, it stays in the hot wallet.
    pub cold_address: String,
    /// Keystore of the deposit addresses, for sweeps; empty = no sweeps. Role `gateway` only.
    pub deposit_key_file: String,
    /// Keystore of the hot wallet. Role `gateway` only.
    pub hot_key_file: String,
    /// What opens the keystores.
    #[serde(serialize_with = "hidden")]
    pub passphrase: SecretString,
    /// A file that holds it; empty = none.
    pub passphrase_file: String,
    /// Smaller deposits wait until they reach this together, in USDT.
    pub deposit_min: Usdt,
    /// How long a payout may take to get into a block, in seconds; 60 to 3600.
    pub payout_expiration_seconds: u32,
    /// The most that one transaction may burn, in TRX.
    pub fee_limit_max_trx: u32,
    /// A deposit address is swept when so much lies there, in USDT.
    pub sweep_min: Usdt,
    /// Below this the hot wallet is filled by sweeps that are worth three times their cost, in USDT.
    pub hot_low_water: Usdt,
    /// Above this sweeps go to the cold address, in USDT.
    pub hot_high_water: Usdt,
    /// Below this the operator is warned, in TRX.
    pub trx_low_water: u32,
    /// What a TRX costs, in USDT: only to see which sweeps are worth their cost.
    pub trx_price: Usdt,
    /// How often the gateway has the books audited, in minutes, and stops payouts when they are not right; 0 = never.
    pub audit_minutes: u32,
}

impl Default for Chain {
    fn default() -> Self {
        let usdt = |whole: i64| Usdt::from_micro(whole * 1_000_000);
        Self {
            providers: Vec::new(),
            api_keys_file: String::new(),
            provider_rps: Vec::new(),
            quorum: 1,
            poll_ms: 1_000,
            lease_seconds: 30,
            usdt_contract: String::new(),
            genesis_id: String::new(),
            deposit_xpub: String::new(),
            hot_address: String::new(),
            cold_address: String::new(),
            deposit_key_file: String::new(),
            hot_key_file: String::new(),
            passphrase: String::new().into(),
            passphrase_file: String::new(),
            deposit_min: usdt(1),
            payout_expiration_seconds: 300,
            fee_limit_max_trx: 30,
            sweep_min: usdt(50),
            hot_low_water: usdt(1_000),
            hot_high_water: usdt(200_000),
            trx_low_water: 50,
            trx_price: Usdt::from_micro(300_000),
            audit_minutes: 60,
        }
    }
}

/// The local TRON node of the sandbox.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Devnet {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The time between two blocks, in milliseconds.
    pub block_ms: u64,
    /// How many blocks the solid one is behind the newest.
    pub solid_lag: u64,
}

impl Default for Devnet {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8090)), block_ms: 1_000, solid_lag: 19 }
    }
}

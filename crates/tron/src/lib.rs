//! What a program needs to take and send tokens on a TRON network: addresses, keys, calls of a token contract,
//! transactions as bytes, and a client for the HTTP API of java-tron.
//!
//! Everything but [`node`] is pure: no clock, no chance, no network. Amounts are whole numbers: units of a token (its
//! smallest part) and sun (a millionth of a TRX). Instants are milliseconds since 1970-01-01 UTC, as the chain counts.
//!
//! Sources of facts: java-tron 4.8 (named by class), and the values on which tronweb 6.5.1 and tronpy 0.6.2 agree
//! (`tests/vectors.json`).

pub mod abi;
pub mod address;
pub mod derive;
pub mod hash;
pub mod hex;
pub mod ids;
pub mod keys;
pub mod node;
mod proto;
pub mod signed;
pub mod transaction;

pub use address::{Address, AddressError};
pub use derive::{AccountPublicKey, AccountSecretKey, DeriveError};
pub use ids::{BlockId, Txid};
pub use keys::{KeyError, SecretKey, Signature};
pub use signed::SignedTransaction;
pub use transaction::{Contract, RefBlock, Transaction, TransactionError};

//! What the client writes by hand is what prost reads, for transactions of all sizes.

use proptest::prelude::*;
use serde_json::{Value, json};
use tron::{Address, BlockId, Contract, RefBlock, Transaction};

use crate::support::{ask, devnet, key};

proptest! {
    #[test]
    fn every_transaction_means_the_same_on_both_sides(
        block: [u8; 32], to: [u8; 20], token: [u8; 20], amount in 1..=i64::MAX, seed in 1..=250_u8,
        expiration_ms in 1..=i64::MAX, timestamp_ms in 1..=i64::MAX, fee in 1..=i64::MAX, trx: bool,
    ) {
        let (owner, to, token) = (key(seed).address(), Address::from_evm(to), Address::from_evm(token));
        let contract =
            if trx { Contract::TrxTransfer { owner, to, sun: amount } } else { Contract::TokenTransfer { owner, token, to, units: amount } };
        let fee_limit_sun = if trx { 0 } else { fee };
        let transaction = Transaction { reference: RefBlock::of(&BlockId::from_bytes(block)), expiration_ms, timestamp_ms, fee_limit_sun, contract };
        let signed = transaction.sign(&key(seed)).unwrap();

        let reply = ask(&devnet(), "/wallet/broadcasthex", &json!({ "transaction": signed.to_hex() }));
        prop_assert_eq!(&reply["txid"], &signed.txid().to_string());
        let shown: Value = serde_json::from_str(reply["transaction"].as_str().unwrap()).unwrap();
        let raw = &shown["raw_data"];
        prop_assert_eq!(&raw["expiration"], expiration_ms);
        prop_assert_eq!(&raw["timestamp"], timestamp_ms);
        prop_assert_eq!(&raw["ref_block_hash"], &tron::hex::encode(&block[8..16]));
        let value = &raw["contract"][0]["parameter"]["value"];
        prop_assert_eq!(&value["owner_address"], &owner.to_string());
        if trx {
            prop_assert_eq!((&value["amount"], &value["to_address"]), (&json!(amount), &json!(to.to_string())));
            prop_assert_eq!(raw.get("fee_limit"), None);
        } else {
            prop_assert_eq!((&raw["fee_limit"], &value["contract_address"]), (&json!(fee), &json!(token.to_string())));
            let call = tron::abi::transfer_call(to, amount).unwrap();
            prop_assert_eq!(&value["data"], &tron::hex::encode(&call));
        }
        // The signature was looked at before the sender's balance: nothing but time and reference may be wrong with it.
        prop_assert_ne!(&reply["code"], "SIGERROR");
    }
}

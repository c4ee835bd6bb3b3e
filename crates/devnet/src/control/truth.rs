//! Everything that is so, for tests to compare with what a program believes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::abi;
use crate::chain::Chain;
use crate::text::{base58, decimal, hex, keccak};

/// Balances after the head, and each movement of tokens.
pub(super) fn truth(chain: &Chain) -> Value {
    let usdt_balances: BTreeMap<String, String> =
        chain.state.contracts.usdt.balances.iter().map(|(address, units)| (base58(address), decimal(*units))).collect();
    let trx: BTreeMap<String, String> = chain
        .state
        .accounts
        .iter()
        .map(|(address, account)| (base58(address), decimal(u128::try_from(account.sun).unwrap_or_default())))
        .collect();
    let topic = keccak(b"Transfer(address,address,uint256)");
    let mut transfers = Vec::new();
    for block in chain.blocks() {
        for included in &block.transactions {
            for (at, log) in included.receipt.logs.iter().enumerate() {
                let [first, from, to] = log.topics.as_slice() else { continue };
                if *first != topic {
                    continue;
                }
                let value = log.data.as_slice().try_into().ok().and_then(|word| abi::to_number(&word)).unwrap_or_default();
                let mut shown = Map::new();
                shown.insert("block".into(), block.number.into());
                shown.insert("solid".into(), (block.number <= chain.solid()).into());
                shown.insert("txid".into(), hex(&included.envelope.txid).into());
                shown.insert("log_index".into(), at.into());
                shown.insert("contract".into(), base58(&log.address).into());
                shown.insert("from".into(), base58(&abi::to_address(from)).into());
                shown.insert("to".into(), base58(&abi::to_address(to)).into());
                shown.insert("units".into(), value.to_string().into());
                transfers.push(Value::from(shown));
            }
        }
    }
    json!({ "head": chain.head().number, "solid": chain.solid(), "usdt": usdt_balances, "trx": trx, "transfers": transfers })
}

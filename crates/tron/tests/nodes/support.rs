//! Providers that answer what a test wants, and pieces of answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tron::hex::encode;
use tron::node::{Node, Provider, Reply, Transport, TransportFailure};
use tron::{BlockId, Txid};

/// What a provider answers to a path; may be changed while it is asked.
pub(crate) type Answers = Arc<Mutex<HashMap<&'static str, Answer>>>;

pub(crate) type Answer = Result<Reply, TransportFailure>;

#[expect(clippy::unnecessary_wraps, reason = "stands beside failures in the tables below")]
pub(crate) fn reply(status: u16, body: &str) -> Answer {
    Ok(Reply { status, retry_after_seconds: Some(7), body: body.as_bytes().to_vec() })
}

pub(crate) fn node(name: &str, answers: &[(&'static str, String)]) -> (Node, Answers) {
    let answers: Answers = Arc::new(Mutex::new(answers.iter().map(|(path, body)| (*path, reply(200, body))).collect()));
    let book = answers.clone();
    let transport: Transport = Arc::new(move |request| {
        let path = request.url.split('/').skip(3).collect::<Vec<_>>().join("/");
        let answer = book.lock().unwrap().get(path.as_str()).cloned().unwrap_or_else(|| panic!("nobody expected {path}"));
        Box::pin(async move { answer })
    });
    let provider = Provider { name: name.into(), full_url: "http://node.test".into(), solid_url: "http://node.test".into(), api_key: None };
    (Node::new(provider, transport), answers)
}

pub(crate) fn block_id(number: u64, fork: u8) -> BlockId {
    let mut id = [fork; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    BlockId::from_bytes(id)
}

pub(crate) fn txid(byte: u8) -> Txid {
    Txid::from_bytes([byte; 32])
}

pub(crate) fn header(number: u64, fork: u8) -> Value {
    let raw = json!({ "number": number, "timestamp": 1_700_000_000_000_u64 + number, "parentHash": block_id(number.saturating_sub(1), fork).to_string() });
    json!({ "blockID": block_id(number, fork).to_string(), "block_header": { "raw_data": raw, "witness_signature": "00" } })
}

pub(crate) fn block(number: u64, txids: &[u8]) -> String {
    let owner = format!("41{}", "ab".repeat(20));
    let contract = json!([{ "type": "TriggerSmartContract", "parameter": { "value": { "owner_address": owner } } }]);
    let transaction = |byte: &u8| json!({ "txID": txid(*byte).to_string(), "raw_data": { "contract": contract }, "signature": ["00"] });
    let mut block = header(number, 1);
    if !txids.is_empty() {
        block["transactions"] = txids.iter().map(transaction).collect();
    }
    block.to_string()
}

pub(crate) fn info(number: u64, byte: u8) -> Value {
    let word = |last: &str| format!("{last:0>64}");
    let log = json!({
        "address": "a614f803b6fd780986a42c78ec9c7f77e6ded13c",
        "topics": [encode(&tron::abi::TRANSFER_TOPIC), word(&"ab".repeat(20)), word(&"cd".repeat(20))],
        "data": word("16694e0"),
    });
    let receipt = json!({ "result": "SUCCESS", "energy_usage_total": 64_285 });
    json!({ "id": txid(byte).to_string(), "blockNumber": number, "fee": 345_000, "receipt": receipt, "log": [log] })
}

pub(crate) const BLOCK: &str = "walletsolidity/getblockbynum";
pub(crate) const INFOS: &str = "walletsolidity/gettransactioninfobyblocknum";
pub(crate) const TIP: &str = "walletsolidity/getnowblock";

pub(crate) fn infos(list: &[Value]) -> String {
    Value::from(list.to_vec()).to_string()
}

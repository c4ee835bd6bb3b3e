//! A chain in memory with a clock that stands still, and a client without a socket.

use std::sync::Arc;

use devnet::{Clock, Devnet, Manner, Settings};
use serde_json::{Value, json};
use tron::node::{Header, Limits, Node, Pool, Provider, Reply, Transport, TransportFailure};
use tron::{Address, Contract, RefBlock, SecretKey, SignedTransaction, Transaction};

pub(crate) const START_MS: i64 = 1_767_225_600_000;

pub(crate) fn settings() -> Settings {
    Settings { solid_lag: 2, salt: 7, ..Settings::new(Clock::standing(START_MS)) }
}

pub(crate) fn devnet() -> Devnet {
    Devnet::open(settings()).unwrap()
}

pub(crate) fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

pub(crate) fn usdt(devnet: &Devnet) -> Address {
    devnet.usdt_contract().parse().unwrap()
}

/// A provider of the devnet, asked without a socket.
pub(crate) fn node(devnet: &Devnet, number: usize) -> Node {
    let devnet = devnet.clone();
    let transport: Transport = Arc::new(move |request| {
        let path = format!("/{}", request.url.splitn(4, '/').nth(3).unwrap());
        let answer = devnet.request(number, &path, request.body.as_bytes());
        let delivered = match answer.manner {
            Manner::Whole => Ok(Reply { status: answer.status, retry_after_seconds: None, body: answer.body.into_bytes() }),
            Manner::Slow(_) | Manner::Never => Err(TransportFailure::Timeout),
            Manner::HangUp => Err(TransportFailure::Broken("hung up".into())),
        };
        Box::pin(async move { delivered })
    });
    provider(number, "http://devnet.test", transport)
}

pub(crate) fn provider(number: usize, url: &str, transport: Transport) -> Node {
    let provider = Provider { name: format!("provider {number}"), full_url: url.into(), solid_url: url.into(), api_key: None };
    Node::new(provider, transport)
}

pub(crate) fn over_http(url: &str, limits: Limits) -> Node {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    provider(0, url, tron::node::over_http(client, limits))
}

pub(crate) fn pool(devnet: &Devnet, providers: usize, quorum: usize) -> Pool {
    Pool::new((0..providers).map(|number| node(devnet, number)).collect(), quorum)
}

/// An order that has to be obeyed.
pub(crate) fn order(devnet: &Devnet, order: &str, body: &Value) -> Value {
    let answer = devnet.request(0, &format!("/devnet/{order}"), body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{order}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// A question as a client asks it.
pub(crate) fn ask(devnet: &Devnet, path: &str, body: &Value) -> Value {
    let answer = devnet.request(0, path, body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Gives somebody TRX and USDT, and lets both become solid.
pub(crate) fn fund(devnet: &Devnet, of: &SecretKey) {
    devnet.faucet(&of.address().to_string(), Some("1000"), Some("1000")).unwrap();
    devnet.mine(3).unwrap();
}

pub(crate) async fn tip(devnet: &Devnet) -> Header {
    node(devnet, 0).solid_tip().await.unwrap()
}

pub(crate) async fn draft(devnet: &Devnet, from: &SecretKey, to: Address, units: i64) -> Transaction {
    let tip = tip(devnet).await;
    Transaction {
        reference: RefBlock::of(&tip.id),
        expiration_ms: tip.timestamp_ms + 60_000,
        timestamp_ms: tip.timestamp_ms,
        fee_limit_sun: 30_000_000,
        contract: Contract::TokenTransfer { owner: from.address(), token: usdt(devnet), to, units },
    }
}

pub(crate) async fn payment(devnet: &Devnet, from: &SecretKey, to: Address, units: i64) -> SignedTransaction {
    draft(devnet, from, to, units).await.sign(from).unwrap()
}

/// Calls any function of any contract, by way of JSON, signed by the client's own means.
pub(crate) fn call(devnet: &Devnet, from: &SecretKey, contract: &str, function: &str, parameter: &str) -> String {
    let asked = json!({
        "owner_address": from.address().to_hex(), "contract_address": contract.parse::<Address>().unwrap().to_hex(),
        "function_selector": function, "parameter": parameter, "fee_limit": 100_000_000,
    });
    let mut transaction = ask(devnet, "/wallet/triggersmartcontract", &asked)["transaction"].clone();
    let txid = transaction["txID"].as_str().unwrap().to_owned();
    let signature = from.sign(&tron::hex::decode_array(&txid).unwrap());
    transaction["signature"] = json!([tron::hex::encode(signature.as_bytes())]);
    let reply = ask(devnet, "/wallet/broadcasttransaction", &transaction);
    assert_eq!(reply, json!({ "result": true, "txid": txid }));
    txid
}

pub(crate) fn word(number: u64) -> String {
    format!("{number:064x}")
}

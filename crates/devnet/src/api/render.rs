//! Blocks, transactions and infos as java-tron prints them (`JsonFormat`, `Util`): what has its default is left out.

use serde_json::{Map, Value, json};

use super::params::{address, show};
use crate::block::{Block, Included};
use crate::contracts::Log;
use crate::proto::{Action, Envelope, Raw, TransferContract, TriggerSmartContract};
use crate::state::Receipt;
use crate::text::{ZERO, as_address, hex, unhex};

/// Puts a field into an object unless it has its default.
pub(crate) fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    let default = match &value {
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(flag) => !flag,
        Value::Null => true,
    };
    if !default {
        object.insert(name.to_owned(), value);
    }
}

/// An object of the fields that are not at their default.
pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in fields {
        put(&mut object, name, value);
    }
    object
}

pub(crate) fn block(block: &Block, detail: bool, visible: bool) -> Value {
    let mut raw = object([("number", block.number.into())]);
    raw.insert("txTrieRoot".into(), hex(&block.root()).into());
    raw.insert("witness_address".into(), show(&ZERO, visible).into());
    raw.insert("parentHash".into(), hex(&block.parent).into());
    raw.insert("version".into(), 31.into());
    raw.insert("timestamp".into(), block.timestamp_ms.into());
    let mut shown = Map::new();
    shown.insert("blockID".into(), hex(&block.id).into());
    shown.insert("block_header".into(), json!({ "raw_data": raw, "witness_signature": "00".repeat(65) }));
    if detail {
        put(&mut shown, "transactions", block.transactions.iter().map(|item| included(item, visible)).collect());
    }
    shown.into()
}

pub(crate) fn included(included: &Included, visible: bool) -> Value {
    let result = if included.receipt.result == "DEFAULT" { "SUCCESS" } else { included.receipt.result };
    let mut shown = Map::new();
    shown.insert("ret".into(), json!([{ "contractRet": result }]));
    shown.extend(transaction(&included.envelope, visible));
    shown.into()
}

pub(crate) fn transaction(envelope: &Envelope, visible: bool) -> Map<String, Value> {
    let mut shown = object([("signature", envelope.signatures.iter().map(|signature| hex(signature)).collect())]);
    shown.insert("txID".into(), hex(&envelope.txid).into());
    shown.insert("raw_data".into(), raw_data(envelope, visible));
    shown.insert("raw_data_hex".into(), hex(&envelope.raw_bytes).into());
    shown
}

fn raw_data(envelope: &Envelope, visible: bool) -> Value {
    let place = |bytes: &[u8]| as_address(bytes).map_or_else(|| hex(bytes), |address| show(&address, visible)).into();
    let value = match &envelope.action {
        Action::Transfer(transfer) => object([
            ("amount", transfer.amount.into()),
            ("owner_address", place(&transfer.owner_address)),
            ("to_address", place(&transfer.to_address)),
        ]),
        Action::Trigger(trigger) => object([
            ("data", hex(&trigger.data).into()),
            ("owner_address", place(&trigger.owner_address)),
            ("contract_address", place(&trigger.contract_address)),
            ("call_value", trigger.call_value.into()),
            ("call_token_value", trigger.call_token_value.into()),
            ("token_id", trigger.token_id.into()),
        ]),
    };
    let name = envelope.action.name();
    let parameter = json!({ "value": value, "type_url": format!("type.googleapis.com/protocol.{name}") });
    let mut contract = json!({ "parameter": parameter, "type": name });
    if envelope.permission_id() > 0 {
        contract["Permission_id"] = envelope.permission_id().into();
    }
    let raw = &envelope.raw;
    let mut shown = Map::new();
    shown.insert("contract".into(), json!([contract]));
    shown.insert("ref_block_bytes".into(), hex(&raw.ref_block_bytes).into());
    shown.insert("ref_block_hash".into(), hex(&raw.ref_block_hash).into());
    shown.extend(object([
        ("expiration", raw.expiration.into()),
        ("fee_limit", raw.fee_limit.into()),
        ("timestamp", raw.timestamp.into()),
        ("data", hex(&raw.data).into()),
    ]));
    shown.into()
}

/// Reads what [`raw_data`] writes; `raw_data_hex` beside it is not looked at (`Util.packTransaction`).
pub(crate) fn read_raw_data(raw: &Value, visible: bool) -> Option<Raw> {
    let [contract] = raw["contract"].as_array()?.as_slice() else { return None };
    let value = &contract["parameter"]["value"];
    let place = |name: &str| address(value[name].as_str()?, visible).map(Vec::from);
    let number = |of: &Value, name: &str| of[name].as_i64().unwrap_or_default();
    let bytes = |of: &Value, name: &str| of[name].as_str().map_or(Some(Vec::new()), unhex);
    let action = match contract["type"].as_str()? {
        "TransferContract" => Action::Transfer(TransferContract {
            owner_address: place("owner_address")?,
            to_address: place("to_address")?,
            amount: number(value, "amount"),
        }),
        "TriggerSmartContract" => Action::Trigger(TriggerSmartContract {
            owner_address: place("owner_address")?,
            contract_address: place("contract_address")?,
            call_value: number(value, "call_value"),
            data: bytes(value, "data")?,
            call_token_value: number(value, "call_token_value"),
            token_id: number(value, "token_id"),
        }),
        _ => return None,
    };
    let permission_id = i32::try_from(number(contract, "Permission_id")).ok()?;
    Some(Raw {
        ref_block_bytes: bytes(raw, "ref_block_bytes")?,
        ref_block_hash: bytes(raw, "ref_block_hash")?,
        expiration: number(raw, "expiration"),
        data: bytes(raw, "data")?,
        contract: vec![action.into_contract(permission_id)],
        timestamp: number(raw, "timestamp"),
        fee_limit: number(raw, "fee_limit"),
    })
}

/// `TransactionInfo` (`TransactionUtil.buildTransactionInfoInstance`).
pub(crate) fn info(block: &Block, included: &Included, visible: bool) -> Value {
    let receipt = &included.receipt;
    let mut shown = Map::new();
    shown.insert("id".into(), hex(&included.envelope.txid).into());
    put(&mut shown, "fee", receipt.fee().into());
    put(&mut shown, "blockNumber", block.number.into());
    put(&mut shown, "blockTimeStamp", block.timestamp_ms.into());
    shown.insert("contractResult".into(), json!([hex(&receipt.output)]));
    if let Some(contract) = receipt.contract {
        shown.insert("contract_address".into(), show(&contract, visible).into());
    }
    shown.insert("receipt".into(), receipt_of(receipt).into());
    put(&mut shown, "log", receipt.logs.iter().map(|entry| log(entry, visible)).collect());
    if receipt.failed() {
        shown.insert("result".into(), "FAILED".into());
        shown.insert("resMessage".into(), message(receipt.message, visible).into());
    }
    put(&mut shown, "packingFee", (receipt.energy_fee + receipt.net_fee).into());
    shown.into()
}

fn receipt_of(receipt: &Receipt) -> Map<String, Value> {
    let mut shown = object([
        ("energy_fee", receipt.energy_fee.into()),
        ("energy_usage_total", receipt.energy.into()),
        ("net_usage", receipt.net_usage.into()),
        ("net_fee", receipt.net_fee.into()),
    ]);
    if receipt.result != "DEFAULT" {
        shown.insert("result".into(), receipt.result.into());
    }
    shown
}

/// The address of a log has 20 bytes in hex, without 41; base58 when visible.
pub(crate) fn log(log: &Log, visible: bool) -> Value {
    let address = if visible { show(&log.address, true) } else { hex(&log.address[1..]) };
    let topics: Vec<String> = log.topics.iter().map(|topic| hex(topic)).collect();
    let mut shown = Map::new();
    shown.insert("address".into(), address.into());
    shown.insert("topics".into(), topics.into());
    put(&mut shown, "data", hex(&log.data).into());
    shown.into()
}

/// Remarks are bytes in the protocol: hex, or text when visible.
pub(crate) fn message(text: &str, visible: bool) -> String {
    if visible { text.to_owned() } else { hex(text.as_bytes()) }
}

//! Taking signed transactions, and telling what a signature is worth.

use serde_json::{Map, Value, json};

use super::params::{Mistake, Params};
use super::render::{self, message, object, read_raw_data};
use crate::chain::Chain;
use crate::proto::Envelope;
use crate::state::Refusal;
use crate::text::{hex, signer, unhex};

/// How a node was told to misbehave when it is sent a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bent {
    /// Say this instead of taking it.
    pub(crate) refuse: Option<String>,
    /// Take it, and say this.
    pub(crate) take_and_say: Option<String>,
    /// Say that all is well and forget it.
    pub(crate) forget: bool,
    /// Note the id before looking at the transaction.
    pub(crate) note_first: bool,
}

/// Exactly these bytes (`BroadcastHexServlet`): always code and message, the message as text.
pub(crate) fn broadcast_hex(chain: &mut Chain, params: &Params, bent: &Bent) -> Result<Value, Mistake> {
    let bytes = params.bytes("transaction")?;
    let envelope =
        Envelope::decode(&bytes).map_err(|why| Mistake(format!("class com.google.protobuf.InvalidProtocolBufferException : {why}")))?;
    let (txid, shown) = (hex(&envelope.txid), Value::from(render::transaction(&envelope, true)).to_string());
    let (result, code, remark) = outcome(take(chain, envelope, bent));
    Ok(json!({ "result": result, "code": code, "message": remark, "transaction": shown, "txid": txid }))
}

/// Written anew from the JSON (`BroadcastServlet`): defaults left out, the message in hex unless visible.
pub(crate) fn broadcast_json(chain: &mut Chain, params: &Params, bent: &Bent) -> Result<Value, Mistake> {
    let envelope = packed(params)?;
    let txid = hex(&envelope.txid);
    let (result, code, remark) = outcome(take(chain, envelope, bent));
    let code = if code == "SUCCESS" { String::new() } else { code };
    let mut answer = object([("result", result.into()), ("code", code.into()), ("message", message(&remark, params.visible).into())]);
    answer.insert("txid".into(), txid.into());
    Ok(answer.into())
}

fn take(chain: &mut Chain, envelope: Envelope, bent: &Bent) -> Result<(), Refusal> {
    if let Some(code) = &bent.refuse {
        return Err(said(code));
    }
    if bent.forget {
        return Ok(());
    }
    if bent.note_first && chain.note(envelope.txid) {
        return Err(Refusal::new("DUP_TRANSACTION_ERROR", "Transaction already exists."));
    }
    chain.submit(envelope)?;
    bent.take_and_say.as_ref().map_or(Ok(()), |code| Err(said(code)))
}

/// The remark that java-tron has for a code.
fn said(code: &str) -> Refusal {
    let (code, remark) = match code {
        "SERVER_BUSY" => ("SERVER_BUSY", "Server busy."),
        "NO_CONNECTION" => ("NO_CONNECTION", "No connection."),
        "NOT_ENOUGH_EFFECTIVE_CONNECTION" => ("NOT_ENOUGH_EFFECTIVE_CONNECTION", "P2P broadcast failed."),
        "BLOCK_UNSOLIDIFIED" => ("BLOCK_UNSOLIDIFIED", "Block unsolidified."),
        "DUP_TRANSACTION_ERROR" => ("DUP_TRANSACTION_ERROR", "Dup transaction."),
        "TAPOS_ERROR" => ("TAPOS_ERROR", "Tapos check error."),
        "SIGERROR" => ("SIGERROR", "Validate signature error: as you wished"),
        "BANDWITH_ERROR" => ("BANDWITH_ERROR", "Account resource insufficient error."),
        "CONTRACT_VALIDATE_ERROR" => ("CONTRACT_VALIDATE_ERROR", "Contract validate error : as you wished"),
        "CONTRACT_EXE_ERROR" => ("CONTRACT_EXE_ERROR", "Contract execute error : as you wished"),
        "TOO_BIG_TRANSACTION_ERROR" => ("TOO_BIG_TRANSACTION_ERROR", "Too big transaction"),
        "TRANSACTION_EXPIRATION_ERROR" => ("TRANSACTION_EXPIRATION_ERROR", "Transaction expired"),
        _ => ("OTHER_ERROR", "Error: as you wished"),
    };
    Refusal::new(code, remark)
}

fn outcome(taken: Result<(), Refusal>) -> (bool, String, String) {
    match taken {
        Ok(()) => (true, "SUCCESS".into(), String::new()),
        Err(refusal) => (false, refusal.code.into(), refusal.message),
    }
}

fn packed(params: &Params) -> Result<Envelope, Mistake> {
    let raw = params.get("raw_data").and_then(|raw| read_raw_data(raw, params.visible));
    let raw = raw.ok_or_else(|| Mistake::illegal("raw_data is not that of a transfer or of a call of a contract"))?;
    let signatures = params.get("signature").and_then(Value::as_array).cloned().unwrap_or_default();
    let signatures = signatures.iter().map(|text| unhex(text.as_str()?.trim_start_matches("0x"))).collect::<Option<Vec<_>>>();
    let signatures = signatures.ok_or_else(|| Mistake::illegal("a signature is not hexadecimal"))?;
    Envelope::new(raw, signatures).map_err(Mistake::illegal)
}

/// Who may sign, who has signed (`GetTransactionSignWeightServlet`). tronpy learns ids of transactions from it.
pub(crate) fn weight(chain: &Chain, params: &Params) -> Result<Value, Mistake> {
    let envelope = packed(params)?;
    let signers: Vec<_> = envelope.signatures.iter().filter_map(|signature| signer(&envelope.txid, signature)).collect();
    let exists = chain.state.accounts.contains_key(&envelope.owner);
    let mut answer = Map::new();
    let result = if !exists {
        json!({ "code": "PERMISSION_ERROR", "message": "Account does not exist!" })
    } else if signers.contains(&envelope.owner) {
        json!({})
    } else {
        json!({ "code": "NOT_ENOUGH_PERMISSION" })
    };
    answer.insert("result".into(), result);
    if exists {
        let approved: Vec<String> = signers.iter().map(|signer| params.show(signer)).collect();
        render::put(&mut answer, "approved_list", approved.into());
        let keys = json!([{ "address": params.show(&envelope.owner), "weight": 1 }]);
        answer.insert("permission".into(), json!({ "keys": keys, "threshold": 1, "permission_name": "owner" }));
        render::put(&mut answer, "current_weight", u64::from(signers.contains(&envelope.owner)).into());
    }
    let shown = render::transaction(&envelope, params.visible);
    answer.insert("transaction".into(), json!({ "result": { "result": true }, "txid": hex(&envelope.txid), "transaction": shown }));
    Ok(answer.into())
}

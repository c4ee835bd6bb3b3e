//! Calls that change nothing, and transactions made for the caller to sign.

use serde_json::{Map, Value, json};

use super::View;
use super::params::{Mistake, Params};
use super::render::{self, message, object};
use crate::abi::FUNCTIONS;
use crate::chain::Chain;
use crate::contracts::{Contracts, Outcome, fake, usdt};
use crate::proto::{Action, Envelope, TransferContract, TriggerSmartContract};
use crate::text::{Address, ZERO, as_address, hex, keccak};

/// Energy that a constant call may use (`VMConfig`, 100 million).
const CONSTANT_ENERGY_MAX: i64 = 100_000_000;

/// `{}` for what is no contract.
pub(crate) fn contract(chain: &Chain, params: &Params) -> Result<Value, Mistake> {
    let address = params.address("value")?;
    if !Contracts::exists(&address) {
        return Ok(json!({}));
    }
    let entries: Vec<Value> = FUNCTIONS.iter().map(|(signature, output, reads)| entry(signature, output, *reads)).collect();
    let name = if address == usdt() || address == fake() { "TetherToken" } else { "Devnet" };
    Ok(json!({
        "bytecode": "00", "consume_user_resource_percent": 100, "name": name, "origin_address": params.show(&chain.faucet()),
        "abi": { "entrys": entries }, "origin_energy_limit": 10_000_000, "contract_address": params.show(&address),
        "code_hash": "00".repeat(32),
    }))
}

fn entry(signature: &str, output: &str, reads: bool) -> Value {
    let (name, types) = signature.trim_end_matches(')').split_once('(').unwrap_or((signature, ""));
    let names = match name {
        "transfer" => &["_to", "_value"][..],
        "transferFrom" => &["_from", "_to", "_value"],
        "approve" => &["_spender", "_value"],
        "balanceOf" => &["who"],
        _ => &["a", "b", "c", "d"],
    };
    let inputs: Vec<Value> = types
        .split(',')
        .zip(names)
        .filter(|(kind, _)| !kind.is_empty())
        .map(|(kind, name)| json!({ "name": name, "type": kind }))
        .collect();
    let mut entry = Map::new();
    if reads {
        entry.insert("constant".into(), true.into());
    }
    entry.insert("name".into(), name.into());
    entry.extend(object([("inputs", inputs.into())]));
    if !output.is_empty() {
        entry.insert("outputs".into(), json!([{ "type": output }]));
    }
    entry.insert("type".into(), "Function".into());
    entry.insert("stateMutability".into(), if reads { "View" } else { "Nonpayable" }.into());
    entry.into()
}

/// The call that a request describes: a signature and its arguments, or the data as it is.
fn trigger(params: &Params) -> Result<TriggerSmartContract, Mistake> {
    let (owner, contract) = (params.address("owner_address")?, params.address("contract_address")?);
    let data = match params.text("function_selector") {
        Ok(selector) if !selector.is_empty() => {
            let arguments =
                if params.text("parameter").is_ok_and(|text| !text.is_empty()) { params.bytes("parameter")? } else { Vec::new() };
            [&keccak(selector.as_bytes())[..4], &arguments].concat()
        }
        Ok(_) | Err(_) => params.bytes("data")?,
    };
    let number = |name: &str| params.number(name).unwrap_or_default();
    Ok(TriggerSmartContract {
        owner_address: owner.into(),
        contract_address: contract.into(),
        call_value: number("call_value"),
        data,
        call_token_value: number("call_token_value"),
        token_id: number("token_id"),
    })
}

/// `{result: {code, message}}` for a call that cannot be made (`TriggerConstantContractServlet`).
fn refusal(code: &str, remark: &str, visible: bool) -> Value {
    json!({ "result": { "code": code, "message": message(remark, visible) } })
}

pub(crate) fn constant(chain: &Chain, view: View, params: &Params) -> Value {
    let trigger = match trigger(params) {
        Ok(trigger) => trigger,
        Err(Mistake(why)) => return refusal("OTHER_ERROR", &why, params.visible),
    };
    let Some((contract, caller)) = parties(&trigger) else {
        return refusal("CONTRACT_VALIDATE_ERROR", "Smart contract is not exist.", params.visible);
    };
    let mut result = json!({ "result": true });
    let mut answer = Map::new();
    let mut ret = json!({});
    match chain.state_at(view.is_solid).contracts.clone().call(contract, caller, &trigger.data, CONSTANT_ENERGY_MAX) {
        Outcome::Done(effect) => {
            answer.insert("energy_used".into(), effect.energy.into());
            answer.insert("constant_result".into(), json!([hex(&effect.output)]));
            render::put(&mut answer, "logs", effect.logs.iter().map(|log| render::log(log, params.visible)).collect());
        }
        Outcome::Reverted { energy } => {
            answer.insert("energy_used".into(), energy.into());
            answer.insert("constant_result".into(), json!([""]));
            result["message"] = message("REVERT opcode executed", params.visible).into();
            ret = json!({ "ret": "FAILED" });
        }
        Outcome::OutOfEnergy => {
            return refusal("OTHER_ERROR", "class org.tron.core.vm.program.Program$OutOfEnergyException", params.visible);
        }
    }
    let mut shown = Map::new();
    shown.insert("result".into(), result);
    shown.extend(answer);
    if let Some(mut transaction) = draft(chain, Action::Trigger(trigger), 0, params) {
        transaction.insert("ret".into(), json!([ret]));
        shown.insert("transaction".into(), transaction.into());
    }
    shown.into()
}

pub(crate) fn estimate(chain: &Chain, view: View, params: &Params) -> Value {
    let answer = constant(chain, view, params);
    match answer["energy_used"].as_i64() {
        Some(energy) if answer["result"]["message"].is_null() => json!({ "result": { "result": true }, "energy_required": energy }),
        _ => json!({ "result": answer["result"] }),
    }
}

pub(crate) fn call(chain: &Chain, params: &Params) -> Value {
    let trigger = match trigger(params) {
        Ok(trigger) => trigger,
        Err(Mistake(why)) => return refusal("OTHER_ERROR", &why, params.visible),
    };
    if parties(&trigger).is_none() {
        return refusal("CONTRACT_VALIDATE_ERROR", "No contract or not a valid smart contract", params.visible);
    }
    match draft(chain, Action::Trigger(trigger), params.number("fee_limit").unwrap_or_default(), params) {
        Some(transaction) => json!({ "result": { "result": true }, "transaction": transaction }),
        None => refusal("OTHER_ERROR", "the transaction cannot be made", params.visible),
    }
}

pub(crate) fn transfer(chain: &Chain, params: &Params) -> Result<Value, Mistake> {
    let (owner, to) = (params.address("owner_address")?, params.address("to_address")?);
    let amount = params.number("amount").unwrap_or_default();
    let invalid = |why: &str| Mistake(format!("class org.tron.core.exception.ContractValidateException : Contract validate error : {why}"));
    let Some(account) = chain.state.accounts.get(&owner) else {
        return Err(invalid("Validate TransferContract error, no OwnerAccount."));
    };
    if amount <= 0 {
        return Err(invalid("Amount must be greater than 0."));
    }
    if account.sun < amount {
        return Err(invalid("Validate TransferContract error, balance is not sufficient."));
    }
    let action = Action::Transfer(TransferContract { owner_address: owner.into(), to_address: to.into(), amount });
    draft(chain, action, 0, params).map(Value::from).ok_or_else(|| invalid("the transaction cannot be made"))
}

fn parties(trigger: &TriggerSmartContract) -> Option<(Address, Address)> {
    let contract = as_address(&trigger.contract_address).filter(Contracts::exists)?;
    Some((contract, as_address(&trigger.owner_address).unwrap_or(ZERO)))
}

fn draft(chain: &Chain, action: Action, fee_limit: i64, params: &Params) -> Option<Map<String, Value>> {
    let permission = params.number("Permission_id").and_then(|id| i32::try_from(id).ok()).unwrap_or_default();
    let envelope = Envelope::new(chain.draft(action, fee_limit, permission), Vec::new()).ok()?;
    let mut shown = Map::new();
    shown.insert("visible".into(), params.visible.into());
    shown.extend(render::transaction(&envelope, params.visible));
    Some(shown)
}

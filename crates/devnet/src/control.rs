//! Orders of the person or test that runs the node: coins, blocks, forks, faults, time, and the truth.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::abi::{self, address_word, word};
use crate::api::params::Params;
use crate::chain::Chain;
use crate::contracts::{fake, nft, splitter, usdt};
use crate::faults::Rule;
use crate::node::{ControlError, Inner};
use crate::proto::{Action, Envelope, TransferContract, TriggerSmartContract};
use crate::state::FEE_LIMIT_MAX;
use crate::text::{Address, base58, decimal, hex, keccak, sign, unbase58, units};

const BLOCKS_MAX: u64 = 10_000;
const ADVANCE_MS_MAX: i64 = 10 * 365 * 24 * 60 * 60 * 1_000;

type Obeyed = Result<Value, ControlError>;

fn refused(status: u16, message: impl Into<String>) -> ControlError {
    ControlError { status, message: message.into() }
}

/// Carries an order out: the part of the path after `/devnet/`.
pub(crate) fn obey(inner: &mut Inner, order: &str, query: &str, body: &[u8]) -> Obeyed {
    let params = Params::read(query, body).map_err(|mistake| refused(400, mistake.0))?;
    let chain = &mut inner.chain;
    match order {
        "" => Ok(overview(chain)),
        "truth" => Ok(truth(chain)),
        "faucet" => {
            let amount = |name: &str| params.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let address = params.text("address").map_err(|mistake| refused(400, mistake.0))?;
            let txids = faucet(inner, address, amount("usdt").as_deref(), amount("trx").as_deref())?;
            Ok(json!({ "txids": txids }))
        }
        "mine" => {
            let blocks = params.number("blocks").map_or(Some(1), |blocks| u64::try_from(blocks).ok());
            let blocks =
                blocks.filter(|blocks| *blocks <= BLOCKS_MAX).ok_or_else(|| refused(400, format!("blocks is 0 to {BLOCKS_MAX}")))?;
            chain.mine(blocks).map_err(|error| refused(500, error.to_string()))?;
            Ok(tips(chain))
        }
        "reorg" => reorg(chain, &params),
        "time" => {
            let by_ms = params.number("advance_ms").filter(|by_ms| (0..=ADVANCE_MS_MAX).contains(by_ms));
            let by_ms = by_ms.ok_or_else(|| refused(400, "advance_ms is a number of milliseconds, ten years at most"))?;
            if !chain.clock.advance(by_ms) {
                return Err(refused(409, "this chain takes its time from the program it runs in: move that one's clock"));
            }
            Ok(json!({ "now_ms": chain.clock.now_ms() }))
        }
        "halt" => {
            chain.halted = params.get("halted").is_none_or(|value| value == true);
            Ok(json!({ "halted": chain.halted }))
        }
        "hold" => {
            chain.holding = params.get("holding").is_none_or(|value| value == true);
            Ok(json!({ "holding": chain.holding }))
        }
        "faults" => {
            if let Some(rules) = params.get("rules") {
                inner.rules = serde_json::from_value::<Vec<Rule>>(rules.clone()).map_err(|error| refused(400, error.to_string()))?;
            }
            Ok(json!({ "rules": inner.rules }))
        }
        "energy_price" => {
            let price = params.number("sun").filter(|price| (1..=1_000_000).contains(price));
            chain.energy_price = price.ok_or_else(|| refused(400, "sun is 1 to 1000000"))?;
            Ok(json!({ "sun": chain.energy_price }))
        }
        "blacklist" => blacklist(inner, &params),
        "token" => token(inner, &params),
        _ => Err(refused(404, "no such order: faucet, mine, reorg, time, halt, hold, faults, energy_price, blacklist, token, truth")),
    }
}

/// Sends coins from the faucet's account.
pub(crate) fn faucet(inner: &mut Inner, address: &str, usdt_amount: Option<&str>, trx: Option<&str>) -> Result<Vec<String>, ControlError> {
    let to = unbase58(address).ok_or_else(|| refused(400, "address is no address"))?;
    let amount = |text: &str| units(text).filter(|units| *units > 0).ok_or_else(|| refused(400, format!("{text} is no amount")));
    let trx = trx.map(amount).transpose()?;
    let usdt_amount = usdt_amount.map(amount).transpose()?;
    if trx.is_none() && usdt_amount.is_none() {
        return Err(refused(400, "say how much: usdt, trx or both, as decimals"));
    }
    let mut txids = Vec::new();
    if let Some(sun) = trx {
        let amount = i64::try_from(sun).map_err(|_| refused(400, "that is more TRX than there are"))?;
        let owner_address = inner.chain.faucet().into();
        txids.push(send(inner, Action::Transfer(TransferContract { owner_address, to_address: to.into(), amount }), 0)?);
    }
    if let Some(units) = usdt_amount {
        txids.push(call(inner, usdt(), "transfer(address,uint256)", &[address_word(&to), word(u128::from(units))])?);
    }
    Ok(txids)
}

fn call(inner: &mut Inner, contract: Address, function: &str, arguments: &[[u8; 32]]) -> Result<String, ControlError> {
    let trigger = TriggerSmartContract {
        owner_address: inner.chain.faucet().into(),
        contract_address: contract.into(),
        data: abi::call(function, arguments),
        ..TriggerSmartContract::default()
    };
    send(inner, Action::Trigger(trigger), FEE_LIMIT_MAX)
}

/// Signs with the faucet's key. Two equal payments in one millisecond differ by their timestamps.
fn send(inner: &mut Inner, action: Action, fee_limit: i64) -> Result<String, ControlError> {
    let mut raw = inner.chain.draft(action, fee_limit, 0);
    let envelope = loop {
        let unsigned = Envelope::new(raw.clone(), Vec::new()).map_err(|why| refused(500, why))?;
        if !inner.chain.knows(&unsigned.txid) {
            break Envelope::new(raw, vec![sign(&inner.key, &unsigned.txid)]).map_err(|why| refused(500, why))?;
        }
        raw.timestamp += 1;
    };
    let txid = hex(&envelope.txid);
    inner.chain.submit(envelope).map_err(|refusal| refused(409, refusal.message))?;
    Ok(txid)
}

fn tips(chain: &Chain) -> Value {
    json!({ "head": chain.head().number, "solid": chain.solid(), "chain_ms": chain.head().timestamp_ms })
}

fn overview(chain: &Chain) -> Value {
    let mut shown = tips(chain);
    shown["now_ms"] = chain.clock.now_ms().into();
    shown["genesis_id"] = hex(&chain.blocks()[0].id).into();
    let places = [("faucet", chain.faucet()), ("usdt_contract", usdt()), ("fake_contract", fake()), ("nft_contract", nft())];
    for (name, address) in places.into_iter().chain([("splitter_contract", splitter())]) {
        shown[name] = base58(&address).into();
    }
    shown["pool"] = chain.pending().map(|envelope| hex(&envelope.txid)).collect();
    shown
}

fn reorg(chain: &mut Chain, params: &Params) -> Obeyed {
    let depth = params.number("depth").and_then(|depth| u64::try_from(depth).ok()).filter(|depth| *depth > 0);
    let depth = depth.ok_or_else(|| refused(400, "depth is how many blocks to replace"))?;
    let above_solid = chain.head().number - chain.solid();
    if depth > above_solid && !params.flag("break_solid") {
        return Err(refused(409, format!("only {above_solid} blocks lie above the solid one; to replace solid ones, say break_solid")));
    }
    if depth > chain.head().number {
        return Err(refused(409, "block 0 stays"));
    }
    chain.reorg(depth, params.flag("drop")).map_err(|error| refused(500, error.to_string()))?;
    Ok(tips(chain))
}

fn blacklist(inner: &mut Inner, params: &Params) -> Obeyed {
    let address = params.text("address").ok().and_then(unbase58).ok_or_else(|| refused(400, "address is no address"))?;
    let on = params.get("on").is_none_or(|value| value == true);
    let function = if on { "addBlackList(address)" } else { "removeBlackList(address)" };
    let mut txids = vec![call(inner, usdt(), function, &[address_word(&address)])?];
    if params.flag("destroy") {
        txids.push(call(inner, usdt(), "destroyBlackFunds(address)", &[address_word(&address)])?);
    }
    Ok(json!({ "txids": txids }))
}

fn token(inner: &mut Inner, params: &Params) -> Obeyed {
    let mut txids = Vec::new();
    if let Some(paused) = params.get("paused") {
        txids.push(call(inner, usdt(), if paused == true { "pause()" } else { "unpause()" }, &[])?);
    }
    if let Some(basis_points) = params.number("fee_bps") {
        let number = u128::try_from(basis_points).ok().filter(|number| *number < 20);
        let number = number.ok_or_else(|| refused(400, "fee_bps is 0 to 19 hundredths of a percent"))?;
        txids.push(call(inner, usdt(), "setParams(uint256,uint256)", &[word(number), word(49_999_999)])?);
    }
    if let Some(issue) = params.get("issue") {
        let number = issue.as_str().and_then(|text| text.parse::<u128>().ok()).ok_or_else(|| refused(400, "issue is a text of units"))?;
        txids.push(call(inner, usdt(), "issue(uint256)", &[word(number)])?);
    }
    Ok(json!({ "txids": txids }))
}

/// Everything that is so, for tests to compare with what a program believes: balances after the head, and each movement.
fn truth(chain: &Chain) -> Value {
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

//! Coins out of the faucet, deposits of an odd kind, and what the owner of the token may do. All of it is real transactions,
//! signed with the faucet's key, that wait for the next block.

use serde_json::json;

use super::{Obeyed, refused};
use crate::abi::{self, address_word, word};
use crate::api::params::Params;
use crate::contracts::{fake, nft, splitter, usdt};
use crate::node::{ControlError, Inner};
use crate::proto::{Action, Envelope, TransferContract, TriggerSmartContract};
use crate::state::FEE_LIMIT_MAX;
use crate::text::{Address, hex, sign, unbase58, units};

const TRANSFER: &str = "transfer(address,uint256)";
const PAY_TWO: &str = "pay(address,uint256,address,uint256)";
/// Sun: enough for 10,000 units of energy, and no transfer takes so few.
const FEE_LIMIT_TOO_LOW: i64 = 1_000_000;

pub(super) fn faucet_order(inner: &mut Inner, params: &Params) -> Obeyed {
    let amount = |name: &str| params.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let address = params.text("address").map_err(|mistake| refused(400, mistake.0))?;
    let txids = faucet(inner, address, amount("usdt").as_deref(), amount("trx").as_deref())?;
    Ok(json!({ "txids": txids }))
}

/// Sends coins from the faucet's account.
pub(crate) fn faucet(inner: &mut Inner, address: &str, usdt_amount: Option<&str>, trx: Option<&str>) -> Result<Vec<String>, ControlError> {
    let to = unbase58(address).ok_or_else(|| refused(400, "address is no address"))?;
    let amount = |text: &str| units(text).filter(|units| *units > 0).ok_or_else(|| no_amount(text));
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
        txids.push(call(inner, usdt(), TRANSFER, &[address_word(&to), word(u128::from(units))])?);
    }
    Ok(txids)
}

/// What looks like a deposit and is none, or is one in an unusual way.
pub(super) fn odd(inner: &mut Inner, params: &Params) -> Obeyed {
    let place = |name: &str| params.text(name).ok().and_then(unbase58).ok_or_else(|| refused(400, format!("{name} is no address")));
    let to = place("address")?;
    let text = params.text("usdt").unwrap_or("1");
    let value = word(u128::from(units(text).ok_or_else(|| no_amount(text))?));
    let arguments = [address_word(&to), value];
    let txids = match params.text("kind").unwrap_or_default() {
        "fake" => vec![call(inner, fake(), TRANSFER, &arguments)?],
        "four_topics" => vec![call(inner, nft(), "transferFrom(address,address,uint256)", &[word(1), arguments[0], value])?],
        "zero" => vec![call(inner, usdt(), TRANSFER, &[arguments[0], word(0)])?],
        "failed" => vec![call_with(inner, FEE_LIMIT_TOO_LOW, usdt(), TRANSFER, &arguments)?],
        "two_in_one" => {
            let other = if params.get("other").is_some() { address_word(&place("other")?) } else { arguments[0] };
            let cover = [address_word(&splitter()), value];
            let first = [call(inner, usdt(), TRANSFER, &cover)?, call(inner, usdt(), TRANSFER, &cover)?];
            let pay = call(inner, splitter(), PAY_TWO, &[arguments[0], value, other, value])?;
            first.into_iter().chain([pay]).collect()
        }
        "above_i64" => {
            let huge = word(1 << 64);
            vec![call(inner, usdt(), "issue(uint256)", &[huge])?, call(inner, usdt(), TRANSFER, &[arguments[0], huge])?]
        }
        _ => return Err(refused(400, "kind is fake, four_topics, zero, failed, two_in_one or above_i64")),
    };
    Ok(json!({ "txids": txids }))
}

fn call(inner: &mut Inner, contract: Address, function: &str, arguments: &[[u8; 32]]) -> Result<String, ControlError> {
    call_with(inner, FEE_LIMIT_MAX, contract, function, arguments)
}

fn call_with(inner: &mut Inner, fee_limit: i64, contract: Address, function: &str, arguments: &[[u8; 32]]) -> Result<String, ControlError> {
    let trigger = TriggerSmartContract {
        owner_address: inner.chain.faucet().into(),
        contract_address: contract.into(),
        data: abi::call(function, arguments),
        ..TriggerSmartContract::default()
    };
    send(inner, Action::Trigger(trigger), fee_limit)
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

fn no_amount(text: &str) -> ControlError {
    refused(400, format!("{text} is no amount"))
}

pub(super) fn blacklist(inner: &mut Inner, params: &Params) -> Obeyed {
    let address = params.text("address").ok().and_then(unbase58).ok_or_else(|| refused(400, "address is no address"))?;
    let on = params.get("on").is_none_or(|value| value == true);
    let function = if on { "addBlackList(address)" } else { "removeBlackList(address)" };
    let mut txids = vec![call(inner, usdt(), function, &[address_word(&address)])?];
    if params.flag("destroy") {
        txids.push(call(inner, usdt(), "destroyBlackFunds(address)", &[address_word(&address)])?);
    }
    Ok(json!({ "txids": txids }))
}

pub(super) fn token(inner: &mut Inner, params: &Params) -> Obeyed {
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

//! What has been: blocks, transactions, accounts, prices.

use serde_json::{Value, json};

use super::View;
use super::params::{Mistake, Params};
use super::render::{self, object};
use crate::chain::Chain;
use crate::contracts::Contracts;
use crate::state::{BANDWIDTH_PRICE, FEE_LIMIT_MAX, FREE_BANDWIDTH};
use crate::text::{hex, unhex};

fn nothing() -> Value {
    json!({})
}

pub(crate) fn now_block(chain: &Chain, view: View, params: &Params) -> Value {
    chain.block(view.newest).map_or_else(nothing, |block| render::block(block, true, params.visible))
}

pub(crate) fn block_by_number(chain: &Chain, view: View, params: &Params) -> Value {
    let number = u64::try_from(params.number("num").unwrap_or_default()).unwrap_or(u64::MAX);
    let block = chain.block(number).filter(|_| number <= view.newest);
    block.map_or_else(nothing, |block| render::block(block, true, params.visible))
}

pub(crate) fn block_by_id(chain: &Chain, view: View, params: &Params) -> Result<Value, Mistake> {
    let block = chain.block_by_id(&params.bytes("value")?).filter(|block| block.number <= view.newest);
    Ok(block.map_or_else(nothing, |block| render::block(block, true, params.visible)))
}

/// `getblock`: by number, by id, or the newest; the head of it alone unless `detail`.
pub(crate) fn block(chain: &Chain, view: View, params: &Params) -> Value {
    let wanted = match (params.number("id_or_num"), params.get("id_or_num").and_then(Value::as_str)) {
        (Some(number), _) => u64::try_from(number).ok().and_then(|number| chain.block(number)),
        (None, Some(id)) => unhex(id).and_then(|id| chain.block_by_id(&id)),
        (None, None) => chain.block(view.newest),
    };
    let wanted = wanted.filter(|block| block.number <= view.newest);
    wanted.map_or_else(nothing, |block| render::block(block, params.flag("detail"), params.visible))
}

pub(crate) fn transaction(chain: &Chain, view: View, params: &Params) -> Result<Value, Mistake> {
    let found = chain.find(&params.bytes("value")?).filter(|(block, _)| block.number <= view.newest);
    Ok(found.map_or_else(nothing, |(_, included)| render::included(included, params.visible)))
}

pub(crate) fn info(chain: &Chain, view: View, params: &Params) -> Result<Value, Mistake> {
    let found = chain.find(&params.bytes("value")?).filter(|(block, _)| block.number <= view.newest);
    Ok(found.map_or_else(nothing, |(block, included)| render::info(block, included, params.visible)))
}

/// A list, empty also for a block that is not there yet; `{}` for block 0 (`GetTransactionInfoByBlockNumServlet`).
pub(crate) fn infos(chain: &Chain, view: View, params: &Params) -> Value {
    let number = match params.number("num").and_then(|number| u64::try_from(number).ok()) {
        None | Some(0) => return nothing(),
        Some(number) => number,
    };
    let block = chain.block(number).filter(|_| number <= view.newest);
    block.map_or_else(
        || json!([]),
        |block| block.transactions.iter().map(|included| render::info(block, included, params.visible)).collect(),
    )
}

/// `{}` for an address that TRX never reached, whatever tokens it holds.
pub(crate) fn account(chain: &Chain, view: View, params: &Params) -> Result<Value, Mistake> {
    let address = params.address("address")?;
    let shown = params.show(&address);
    if Contracts::exists(&address) {
        return Ok(json!({ "address": shown, "type": "Contract" }));
    }
    let Some(account) = chain.state_at(view.is_solid).accounts.get(&address) else { return Ok(nothing()) };
    let mut found =
        object([("address", shown.clone().into()), ("balance", account.sun.into()), ("create_time", account.created_ms.into())]);
    found.extend(object([("free_net_usage", account.free_used(chain.head().timestamp_ms).into())]));
    let keys = json!([{ "address": shown, "weight": 1 }]);
    found.insert("owner_permission".into(), json!({ "permission_name": "owner", "threshold": 1, "keys": keys }));
    let active = json!({
        "type": "Active", "id": 2, "permission_name": "active", "threshold": 1, "operations": "7fff1fc0033ec30f".to_owned() + &"0".repeat(48),
        "keys": keys,
    });
    found.insert("active_permission".into(), json!([active]));
    Ok(found.into())
}

pub(crate) fn resources(chain: &Chain, params: &Params) -> Result<Value, Mistake> {
    let address = params.address("address")?;
    let Some(account) = chain.state.accounts.get(&address) else { return Ok(nothing()) };
    let mut found = object([("freeNetUsed", account.free_used(chain.head().timestamp_ms).into()), ("freeNetLimit", FREE_BANDWIDTH.into())]);
    found.extend(object([
        ("TotalNetLimit", 43_200_000_000_i64.into()),
        ("TotalNetWeight", 26_000_000_000_i64.into()),
        ("TotalEnergyLimit", 180_000_000_000_i64.into()),
        ("TotalEnergyWeight", 19_000_000_000_i64.into()),
    ]));
    Ok(found.into())
}

pub(crate) fn parameters(chain: &Chain) -> Value {
    let values = [
        ("getMaintenanceTimeInterval", 21_600_000),
        ("getCreateAccountFee", 100_000),
        ("getTransactionFee", BANDWIDTH_PRICE),
        ("getCreateNewAccountFeeInSystemContract", 1_000_000),
        ("getCreateNewAccountBandwidthRate", 1),
        ("getEnergyFee", chain.energy_price),
        ("getMaxFeeLimit", FEE_LIMIT_MAX),
        ("getFreeNetLimit", FREE_BANDWIDTH),
        ("getMemoFee", 0),
    ];
    let values: Vec<Value> =
        values.iter().map(|(key, value)| object([("key", (*key).into()), ("value", (*value).into())]).into()).collect();
    json!({ "chainParameter": values })
}

/// tronpy takes reference blocks from the text in `solidityBlock`.
pub(crate) fn node_info(chain: &Chain, view: View) -> Value {
    let name = |number: u64| chain.block(number).map_or_else(String::new, |block| format!("Num:{number},ID:{}", hex(&block.id)));
    json!({
        "activeConnectCount": 0, "beginSyncNum": view.newest, "block": name(view.newest), "solidityBlock": name(view.solid),
        "configNodeInfo": { "codeVersion": "devnet", "supportConstant": true }, "currentConnectCount": 0, "passiveConnectCount": 0,
    })
}

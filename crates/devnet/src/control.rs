//! Orders of the person or test that runs the node: coins, blocks, forks, faults, time, and the truth.

pub(crate) mod coins;
mod truth;

use serde_json::{Value, json};

use crate::api::params::Params;
use crate::chain::Chain;
use crate::contracts::{fake, nft, splitter, usdt};
use crate::faults::Rule;
use crate::node::{ControlError, Inner};
use crate::text::{base58, hex};

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
        "truth" => Ok(truth::truth(chain)),
        "faucet" => coins::faucet_order(inner, &params),
        "odd" => coins::odd(inner, &params),
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
        "blacklist" => coins::blacklist(inner, &params),
        "token" => coins::token(inner, &params),
        _ => Err(refused(404, "no such order: faucet, odd, mine, reorg, time, halt, hold, faults, energy_price, blacklist, token, truth")),
    }
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

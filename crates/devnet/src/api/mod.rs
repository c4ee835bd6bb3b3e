//! The endpoints of java-tron: from a path and its parameters to JSON.

mod calls;
pub(crate) mod params;
mod reads;
mod render;
mod send;

use serde_json::Value;

use crate::chain::Chain;
use params::{Mistake, Params};
pub(crate) use send::Bent;

/// What one provider knows of the chain, and through which of its two interfaces it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// The newest block it speaks of: its head for `/wallet`, its solid block for `/walletsolidity`.
    pub(crate) newest: u64,
    pub(crate) solid: u64,
    /// Whether it is asked through `/walletsolidity`.
    pub(crate) is_solid: bool,
}

/// Answers one question; `None` for a path that nobody serves.
pub(crate) fn answer(chain: &mut Chain, view: View, path: &str, params: &Params, bent: &Bent) -> Option<Result<Value, Mistake>> {
    let (interface, endpoint) = path.trim_start_matches('/').split_once('/')?;
    if interface != "wallet" && interface != "walletsolidity" {
        return None;
    }
    let both = match endpoint {
        "getnowblock" => Ok(reads::now_block(chain, view, params)),
        "getblock" => Ok(reads::block(chain, view, params)),
        "getblockbynum" => Ok(reads::block_by_number(chain, view, params)),
        "getblockbyid" => reads::block_by_id(chain, view, params),
        "gettransactionbyid" => reads::transaction(chain, view, params),
        "gettransactioninfobyid" => reads::info(chain, view, params),
        "gettransactioninfobyblocknum" => Ok(reads::infos(chain, view, params)),
        "getaccount" => reads::account(chain, view, params),
        "getnodeinfo" => Ok(reads::node_info(chain, view)),
        "triggerconstantcontract" => Ok(calls::constant(chain, view, params)),
        "estimateenergy" => Ok(calls::estimate(chain, view, params)),
        _ if interface == "walletsolidity" => return None,
        "getaccountresource" | "getaccountnet" => reads::resources(chain, params),
        "getchainparameters" => Ok(reads::parameters(chain)),
        "getcontract" => calls::contract(chain, params),
        "triggersmartcontract" => Ok(calls::call(chain, params)),
        "createtransaction" => calls::transfer(chain, params),
        "getsignweight" => send::weight(chain, params),
        "broadcasttransaction" => send::broadcast_json(chain, params, bent),
        "broadcasthex" => send::broadcast_hex(chain, params, bent),
        _ => return None,
    };
    Some(both)
}

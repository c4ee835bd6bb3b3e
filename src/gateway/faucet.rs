//! Play money for the sandbox: a transfer that everybody can see on the devnet, signed with its public key, and treated like
//! every other transaction of ours.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::Refusal;
use crate::base::{Address, Context, Result, Usdt, UserId};
use crate::gateway::order::{self, Asset, Order, OrderId, OrderKind};
use crate::gateway::sandbox_keys;
use crate::users::store::user;
use crate::wallet::custody::Custody;
use crate::wallet::deposit_address::address_of;

/// Who gets how much.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Faucet {
    /// A user: it goes to his deposit address.
    #[garde(skip)]
    user_id: Option<UserId>,
    /// Or any address.
    #[garde(skip)]
    address: Option<Address>,
    /// More than zero, at most 1,000,000.
    #[garde(inner(custom(pours)))]
    usdt: Option<Usdt>,
    /// TRX, at most 1,000,000.
    #[garde(inner(custom(pours)))]
    trx: Option<Usdt>,
}

/// What is on its way; when this is answered it is final on the devnet, and in the balance.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Poured {
    /// Who gets it, if it was a user.
    user_id: Option<UserId>,
    /// Where it goes.
    address: Address,
    /// How much.
    usdt: Option<Usdt>,
    /// And TRX.
    trx: Option<Usdt>,
    /// The orders behind it.
    orders: Vec<OrderId>,
}

pub(super) fn sandbox_faucet(cx: &mut Context<'_, '_>, input: &Faucet) -> Result<Poured> {
    let address = match (input.user_id, input.address) {
        (Some(id), None) => {
            user(cx, id)?.ok_or(Refusal::NotFound)?;
            address_of(cx, id)?
        }
        (None, Some(address)) => address,
        _ => {
            let why = "say either user_id or address".into();
            return Err(Refusal::InvalidField { field: "user_id".into(), why }.into());
        }
    };
    let wanted = [(Asset::Usdt, input.usdt), (Asset::Trx, input.trx)];
    let owner = sandbox_keys::faucet_address();
    let mut orders = Vec::new();
    for (asset, amount) in wanted.into_iter().filter_map(|(asset, amount)| Some((asset, amount?))) {
        let id = OrderId(cx.new_id());
        order::open(cx, &Order::new(id, OrderKind::Faucet, (owner, address), asset, amount.micro(), cx.now))?;
        orders.push(id);
    }
    if orders.is_empty() {
        return Err(Refusal::InvalidField { field: "usdt".into(), why: "say how much: usdt, trx or both".into() }.into());
    }
    Ok(Poured { user_id: input.user_id, address, usdt: input.usdt, trx: input.trx, orders })
}

/// A TRX has a million sun, as a USDT has a million micro.
fn pours(amount: &Usdt, _: &()) -> garde::Result {
    const MOST: Usdt = Usdt::from_micro(1_000_000_000_000);
    if *amount > Usdt::ZERO && *amount <= MOST { Ok(()) } else { Err(garde::Error::new("must be more than 0 and at most 1000000")) }
}

/// What the hot wallet of a new sandbox starts with, in USDT and in TRX.
const FLOAT: i64 = 100_000_000_000;

/// Gives the hot wallet of a new sandbox something to pay with: capital of the operator.
pub fn fund_hot_wallet(cx: &mut Context<'_, '_>) -> Result<()> {
    let way = (sandbox_keys::faucet_address(), Custody::current(cx)?.hot);
    for asset in [Asset::Usdt, Asset::Trx] {
        let id = OrderId(cx.new_id());
        order::open(cx, &Order::new(id, OrderKind::Faucet, way, asset, FLOAT, cx.now))?;
    }
    Ok(())
}

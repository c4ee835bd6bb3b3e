//! The first start binds the database to a chain and to our wallets, for ever; every later start compares.

use tron::node::Header;
use uuid::Uuid;

use crate::base::error::internal;
use crate::base::{Context, Result, Ts, Usdt};
use crate::gateway::store::{self, Cursor};
use crate::gateway::{float, lease};
use crate::wallet::custody::Custody;
use crate::wallet::deposit_address;

/// The reference of what lay in our wallets at the first start.
const OPENING: [Uuid; 2] =
    [Uuid::from_u128(0x6f70_656e_696e_8000_8000_0000_0000_0001), Uuid::from_u128(0x6f70_656e_696e_8000_8000_0000_0000_0002)];

/// What a database is bound to, by name. Answers the first thing that is different now, as a sentence.
pub fn bind(cx: &mut Context<'_, '_>, genesis: &str) -> Result<Option<String>> {
    let custody = Custody::current(cx)?;
    let cold = custody.cold.map_or_else(String::new, |address| address.to_string());
    let deposits = cx.config.chain.deposit_xpub.clone();
    let now = [
        ("chain_genesis", genesis.to_owned(), "the chain whose block 0 is"),
        ("usdt_contract", custody.contract.to_string(), "the token"),
        ("deposit_xpub", deposits, "the deposit addresses of"),
        ("hot_address", custody.hot.to_string(), "the hot wallet"),
        ("cold_address", cold, "the cold wallet"),
    ];
    for (key, value, what) in now {
        if let Some(bound) = crate::base::installation::bind(cx, key, &value)? {
            return Ok(Some(format!("this database belongs to {what} {bound}, not {value}")));
        }
    }
    Ok(None)
}

/// Whether the chain has a beginning here.
pub fn has_begun(cx: &mut Context<'_, '_>) -> Result<bool> {
    Ok(store::cursor(cx)?.is_some())
}

/// Begins at the solid block `tip`: what our wallets hold there is capital of the operator; from the next block on
/// everything is read. Only now are deposit addresses given away.
pub fn begin(cx: &mut Context<'_, '_>, token: lease::Token, tip: Header, hot: Usdt, cold: Usdt) -> Result<()> {
    lease::require(cx, token)?;
    if has_begun(cx)? {
        return Ok(());
    }
    let number = i64::try_from(tip.number()).map_err(internal)?;
    let (hash, at) = (*tip.id.as_bytes(), Ts::from_milliseconds(tip.timestamp_ms));
    let total = hot.checked_add(cold).ok_or_else(|| internal("more USDT than there are"))?;
    let cursor = Cursor { number, hash, at, hot: hot.micro(), cold: cold.micro(), total: total.micro() };
    store::insert_cursor(cx, &cursor)?;
    store::insert_block(cx, number, hash, *tip.parent.as_bytes(), at)?;
    for (reference, amount) in OPENING.into_iter().zip([hot, cold]) {
        if amount > Usdt::ZERO {
            float::book_in(cx, reference, amount)?;
        }
    }
    deposit_address::open(cx)
}

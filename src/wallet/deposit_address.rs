//! One permanent address per user, derived from the public key alone.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::{Error, internal};
use crate::base::{Address, Context, Result, UserId};
use crate::wallet::custody::Custody;
use crate::wallet::{WalletRefusal, store};

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetDepositAddress {}

/// Where to send USDT. It stays the same for ever.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DepositAddress {
    /// USDT that arrives here is credited when its block is final.
    address: Address,
    /// The token standard: TRC-20, on TRON.
    network: &'static str,
    /// Nothing else is credited.
    currency: &'static str,
}

pub(super) fn get_deposit_address(cx: &mut Context<'_, '_>, _: &GetDepositAddress) -> Result<DepositAddress> {
    let user = cx.user_id()?;
    let address = address_of(cx, user)?;
    Ok(DepositAddress { address, network: "trc20", currency: "USDT" })
}

/// The address of `user`; given to him now if he has none.
///
/// # Errors
/// `chain_not_read` while the gateway has never run: nobody would see what arrives.
pub fn address_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<Address> {
    let custody = Custody::current(cx)?;
    if let Some(known) = known_address(cx, user, &custody)? {
        return Ok(known);
    }
    let Some(index) = store::lock_address_counter(cx)? else { return Err(WalletRefusal::ChainNotRead.into()) };
    // Somebody may have been faster while this waited for the lock.
    if let Some(known) = known_address(cx, user, &custody)? {
        return Ok(known);
    }
    let address = custody.deposit_address(u32::try_from(index).map_err(internal)?).map_err(internal)?;
    store::insert_deposit_address(cx, index, address, user)?;
    Ok(address)
}

/// The stored address, derived again: a database that says something else must not be believed.
fn known_address(cx: &mut Context<'_, '_>, user: UserId, custody: &Custody) -> Result<Option<Address>> {
    let Some((index, address)) = store::deposit_address_of(cx, user)? else { return Ok(None) };
    let derived = custody.deposit_address(u32::try_from(index).map_err(internal)?).map_err(internal)?;
    if derived == address { Ok(Some(address)) } else { Err(internal(format!("deposit address {index} is not of chain.deposit_xpub"))) }
}

/// Tells whoever has too little where to send more, if he has an address already.
pub fn tell(cx: &mut Context<'_, '_>, error: Error) -> Error {
    if error.code() != "insufficient_funds" {
        return error;
    }
    match cx.user_id().and_then(|user| store::deposit_address_of(cx, user)) {
        Ok(Some((_, address))) => error.with("deposit_address", address.to_string()),
        _ => error,
    }
}

/// From now on addresses are given away. Nothing when that was so before.
pub fn open(cx: &mut Context<'_, '_>) -> Result<()> {
    store::insert_address_counter(cx)
}

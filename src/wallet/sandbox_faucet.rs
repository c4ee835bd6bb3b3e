//! Play money for the sandbox.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::error::Refusal;
use crate::base::{Context, Result, Usdt, UserId};
use crate::ledger;
use crate::users::store::user;
use crate::wallet::deposit;

/// Who gets how much.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Faucet {
    /// Who gets it.
    #[garde(skip)]
    user_id: UserId,
    /// More than zero, at most 1,000,000.
    #[garde(custom(pours))]
    usdt: Usdt,
}

/// What was credited.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Poured {
    /// Who got it.
    user_id: UserId,
    /// How much.
    usdt: Usdt,
    /// The deposit in the user's history.
    deposit_id: Uuid,
    /// What is available now.
    available_balance: Usdt,
}

pub(super) fn sandbox_faucet(cx: &mut Context<'_, '_>, input: &Faucet) -> Result<Poured> {
    if user(cx, input.user_id)?.is_none() {
        return Err(Refusal::NotFound.into());
    }
    let deposit_id = cx.new_id();
    deposit::credit(cx, input.user_id, deposit_id, input.usdt)?;
    let available_balance = ledger::balance_of(cx, input.user_id)?.available;
    Ok(Poured { user_id: input.user_id, usdt: input.usdt, deposit_id, available_balance })
}

fn pours(usdt: &Usdt, _: &()) -> garde::Result {
    const MOST: Usdt = Usdt::from_micro(1_000_000_000_000);
    if *usdt > Usdt::ZERO && *usdt <= MOST { Ok(()) } else { Err(garde::Error::new("must be more than 0 and at most 1000000")) }
}

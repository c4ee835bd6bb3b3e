//! Questions about accounts, tokens and prices. Answers describe one moment of one node: good for deciding whether to
//! try something, never for booking.

use serde_json::json;

use super::error::{NodeError, Trouble};
use super::wire::{AccountAnswer, ConstantAnswer, ParametersAnswer, ResourceAnswer};
use super::{Node, excerpt};
use crate::abi::{Word, address_parameter, transfer_parameter};
use crate::address::Address;
use crate::hex;

/// An account that has come into being, which happens when TRX first arrive. Tokens do not do that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its TRX, in sun.
    pub balance_sun: i64,
}

/// What an account may use without burning TRX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Units of energy left (staked or delegated).
    pub energy: i64,
    /// Bytes of bandwidth left out of what everybody gets each day.
    pub bandwidth_free: i64,
    /// Bytes of bandwidth left out of what was staked for.
    pub bandwidth_staked: i64,
}

/// Prices that the network votes on. Read them at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainParameters {
    /// `getEnergyFee`: sun for a unit of energy.
    pub energy_price_sun: i64,
    /// `getTransactionFee`: sun for a byte of bandwidth.
    pub bandwidth_price_sun: i64,
    /// `getMaxFeeLimit`: the largest fee limit a transaction may have, in sun.
    pub fee_limit_max_sun: i64,
}

/// What a call would take if it ran now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Estimate {
    /// It would succeed and use so many units of energy.
    Energy(i64),
    /// It would be reverted; the node's remark, for people.
    Reverts(String),
}

impl Node {
    /// The account, on the solid chain; `None` if it has not come into being.
    pub async fn account(&self, address: Address) -> Result<Option<Account>, NodeError> {
        let answer = self.solid::<AccountAnswer>("/walletsolidity/getaccount", &json!({ "address": address.to_hex() })).await?;
        let balance_sun = self.at_least(0, "a balance", answer.balance)?;
        Ok(answer.address.map(|_| Account { balance_sun }))
    }

    /// What the account may use for free, at the head.
    pub async fn resources(&self, address: Address) -> Result<Resources, NodeError> {
        let answer = self.full::<ResourceAnswer>("/wallet/getaccountresource", &json!({ "address": address.to_hex() })).await?;
        // More may be used than there is: limits shrink when others stake. Less than nothing cannot be.
        let left = |limit: i64, used: i64| limit.saturating_sub(used.max(0)).max(0);
        Ok(Resources {
            energy: left(answer.energy_limit, answer.energy_used),
            bandwidth_free: left(answer.free_net_limit, answer.free_net_used),
            bandwidth_staked: left(answer.net_limit, answer.net_used),
        })
    }

    /// The prices in force.
    pub async fn chain_parameters(&self) -> Result<ChainParameters, NodeError> {
        let answer = self.full::<ParametersAnswer>("/wallet/getchainparameters", &json!({})).await?;
        let value = |key: &str, least: i64| {
            let found = answer.parameters.iter().find(|parameter| parameter.key == key).map(|parameter| parameter.value);
            let found = found.ok_or_else(|| self.error(Trouble::Shape(format!("the chain parameter {key} is missing"))))?;
            self.at_least(least, key, found)
        };
        Ok(ChainParameters {
            energy_price_sun: value("getEnergyFee", 1)?,
            bandwidth_price_sun: value("getTransactionFee", 0)?,
            fee_limit_max_sun: value("getMaxFeeLimit", 1)?,
        })
    }

    /// `balanceOf(holder)` of a token, on the solid chain but not at a given block.
    pub async fn token_balance(&self, token: Address, holder: Address) -> Result<Word, NodeError> {
        self.word(token, "balanceOf(address)", &address_parameter(holder)).await
    }

    /// `decimals()` of a token.
    pub async fn token_decimals(&self, token: Address) -> Result<Word, NodeError> {
        self.word(token, "decimals()", "").await
    }

    /// `symbol()` of a token.
    pub async fn token_symbol(&self, token: Address) -> Result<String, NodeError> {
        let bytes = self.constant(token, "symbol()", "").await?;
        abi_text(&bytes).ok_or_else(|| self.error(Trouble::Shape("the symbol is no text".into())))
    }

    /// `isBlackListed(address)`: whether a token refuses to move what this address holds. Not every token has it.
    pub async fn token_blocks(&self, token: Address, holder: Address) -> Result<bool, NodeError> {
        self.word(token, "isBlackListed(address)", &address_parameter(holder)).await.map(|word| !word.is_zero())
    }

    /// Lets the node run a token transfer at its head without sending it. `units` above zero.
    pub async fn estimate_transfer(&self, token: Address, owner: Address, to: Address, units: i64) -> Result<Estimate, NodeError> {
        let parameter = transfer_parameter(to, units).ok_or_else(|| self.error(Trouble::Shape("a negative amount".into())))?;
        let asked = call(token, owner, "transfer(address,uint256)", &parameter);
        let answer = self.full::<ConstantAnswer>("/wallet/triggerconstantcontract", &asked).await?;
        match failure(&answer) {
            None => self.at_least(1, "the energy of a transfer", answer.energy_used).map(Estimate::Energy),
            Some(remark) => Ok(Estimate::Reverts(remark)),
        }
    }

    /// What no node can mean is no answer: with a price of nothing, say, a payment would be signed that fails and costs.
    fn at_least(&self, least: i64, name: &str, value: i64) -> Result<i64, NodeError> {
        if value < least { Err(self.error(Trouble::Shape(format!("{name} cannot be {value}")))) } else { Ok(value) }
    }

    async fn word(&self, token: Address, function: &str, parameter: &str) -> Result<Word, NodeError> {
        let bytes = self.constant(token, function, parameter).await?;
        let word = bytes.try_into().map(Word::from_bytes);
        word.map_err(|_| self.error(Trouble::Shape(format!("{function} did not answer 32 bytes"))))
    }

    async fn constant(&self, token: Address, function: &str, parameter: &str) -> Result<Vec<u8>, NodeError> {
        let asked = call(token, Address::ZERO, function, parameter);
        let answer = self.solid::<ConstantAnswer>("/walletsolidity/triggerconstantcontract", &asked).await?;
        if let Some(remark) = failure(&answer) {
            return Err(self.error(Trouble::Reported(format!("{function}: {remark}"))));
        }
        let bytes = answer.constant_result.first().and_then(|text| hex::decode(text));
        bytes.ok_or_else(|| self.error(Trouble::Shape(format!("{function} answered nothing"))))
    }
}

fn call(token: Address, owner: Address, function: &str, parameter: &str) -> serde_json::Value {
    json!({
        "owner_address": owner.to_hex(),
        "contract_address": token.to_hex(),
        "function_selector": function,
        "parameter": parameter,
        "visible": false,
    })
}

/// Why a constant call did not succeed. A reverted one has `result: true` and says so in `transaction.ret` or `message`.
fn failure(answer: &ConstantAnswer) -> Option<String> {
    let message = answer.result.message.as_deref();
    let remark = message.map(|text| hex::decode(text).map_or_else(|| text.to_owned(), |bytes| excerpt(&bytes, 200)));
    let reverted = answer.transaction.as_ref().and_then(|transaction| transaction.ret.first()?.ret.as_deref());
    let failed = !answer.result.result || remark.is_some() || reverted.is_some_and(|ret| ret != "SUCESS" && ret != "SUCCESS");
    failed.then(|| remark.unwrap_or_else(|| "the call fails".into()))
}

/// A `string` as the only value returned: where it is, how long it is, its bytes.
fn abi_text(bytes: &[u8]) -> Option<String> {
    let (length, rest) = bytes.get(32..)?.split_at_checked(32)?;
    let length = usize::try_from(Word::from_bytes(length.try_into().ok()?).to_i64()?).ok()?;
    String::from_utf8(rest.get(..length)?.to_vec()).ok()
}

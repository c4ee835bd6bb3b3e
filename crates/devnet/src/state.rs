//! What the chain knows after a block, and what a transaction does to it.
//!
//! Fees are those of java-tron (`BandwidthProcessor`, `EnergyProcessor`, `TransferActuator`) with mainnet's prices; staked
//! resources and permissions of several keys are left out.

use std::collections::HashMap;

use crate::contracts::{Contracts, Log, Outcome};
use crate::proto::{Action, Envelope, TransferContract, TriggerSmartContract};
use crate::text::{Address, as_address, base58};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Bytes of bandwidth that every account gets each day.
pub(crate) const FREE_BANDWIDTH: i64 = 600;
/// Sun for a byte beyond.
pub(crate) const BANDWIDTH_PRICE: i64 = 1_000;
/// Sun for bringing an account into being: to the network, and instead of bandwidth.
const ACTIVATION: i64 = 1_000_000;
const ACTIVATION_BANDWIDTH: i64 = 100_000;
/// Bytes that java-tron adds for the result that a transaction will have (`Constant.MAX_RESULT_SIZE_IN_TX`).
const RESULT_BYTES: i64 = 64;
/// Sun: the largest fee limit.
pub(crate) const FEE_LIMIT_MAX: i64 = 15_000_000_000;
/// Sun that the faucet starts with: ten billion TRX.
const FAUCET_SUN: i64 = 10_000_000_000_000_000;

/// An account that TRX have reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) sun: i64,
    pub(crate) created_ms: i64,
    free_used: i64,
    free_used_ms: i64,
}

impl Account {
    fn new(sun: i64, created_ms: i64) -> Self {
        Self { sun, created_ms, free_used: 0, free_used_ms: created_ms }
    }

    /// Bytes used of the free ones; they come back evenly over a day.
    pub(crate) fn free_used(&self, now_ms: i64) -> i64 {
        let passed = (now_ms - self.free_used_ms).clamp(0, DAY_MS);
        self.free_used - self.free_used * passed / DAY_MS
    }
}

/// What became of a transaction in its block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receipt {
    /// `DEFAULT` for what calls no contract: then it is left out everywhere.
    pub(crate) result: &'static str,
    pub(crate) message: &'static str,
    pub(crate) energy: i64,
    pub(crate) energy_fee: i64,
    pub(crate) net_usage: i64,
    pub(crate) net_fee: i64,
    pub(crate) activation_fee: i64,
    pub(crate) output: Vec<u8>,
    pub(crate) logs: Vec<Log>,
    pub(crate) contract: Option<Address>,
}

impl Receipt {
    pub(crate) const fn failed(&self) -> bool {
        !self.message.is_empty()
    }

    pub(crate) const fn fee(&self) -> i64 {
        self.energy_fee + self.net_fee + self.activation_fee
    }
}

/// Why a transaction gets into no block: code and remark of java-tron.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn invalid(message: impl AsRef<str>) -> Self {
        Self::new("CONTRACT_VALIDATE_ERROR", format!("Contract validate error : {}", message.as_ref()))
    }
}

/// Everything that blocks have changed.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) accounts: HashMap<Address, Account>,
    pub(crate) contracts: Contracts,
}

impl State {
    pub(crate) fn new(faucet: Address, now_ms: i64) -> Self {
        Self { accounts: HashMap::from([(faucet, Account::new(FAUCET_SUN, now_ms))]), contracts: Contracts::new(faucet) }
    }

    /// Carries a transaction out, or says why no block may have it; then nothing has changed.
    pub(crate) fn execute(&mut self, envelope: &Envelope, now_ms: i64, energy_price: i64) -> Result<Receipt, Refusal> {
        let owner = *self.accounts.get(&envelope.owner).ok_or_else(|| no_account(&envelope.owner))?;
        let creates = match &envelope.action {
            Action::Transfer(transfer) => as_address(&transfer.to_address).is_some_and(|to| !self.accounts.contains_key(&to)),
            Action::Trigger(_) => false,
        };
        let bytes = i64::try_from(envelope.bytes.len()).unwrap_or(i64::MAX - RESULT_BYTES) + RESULT_BYTES;
        let (paid, receipt) = bandwidth(owner, bytes, creates, now_ms)?;
        match &envelope.action {
            Action::Transfer(transfer) => self.transfer(envelope.owner, paid, transfer, receipt, now_ms),
            Action::Trigger(trigger) => self.trigger(envelope, paid, trigger, receipt, energy_price),
        }
    }

    fn transfer(
        &mut self,
        owner: Address,
        mut paid: Account,
        transfer: &TransferContract,
        mut receipt: Receipt,
        now_ms: i64,
    ) -> Result<Receipt, Refusal> {
        let to = as_address(&transfer.to_address).ok_or_else(|| Refusal::invalid("Invalid toAddress!"))?;
        if to == owner {
            return Err(Refusal::invalid("Cannot transfer TRX to yourself."));
        }
        if transfer.amount <= 0 {
            return Err(Refusal::invalid("Amount must be greater than 0."));
        }
        if Contracts::exists(&to) {
            return Err(Refusal::invalid("Cannot transfer TRX to a smartContract."));
        }
        receipt.activation_fee = if self.accounts.contains_key(&to) { 0 } else { ACTIVATION };
        let rest = paid.sun.checked_sub(transfer.amount).and_then(|rest| rest.checked_sub(receipt.activation_fee));
        paid.sun = rest
            .filter(|rest| *rest >= 0)
            .ok_or_else(|| Refusal::invalid("Validate TransferContract error, balance is not sufficient."))?;
        self.accounts.insert(owner, paid);
        self.accounts.entry(to).or_insert_with(|| Account::new(0, now_ms)).sun += transfer.amount;
        receipt.result = "DEFAULT";
        Ok(receipt)
    }

    fn trigger(
        &mut self,
        envelope: &Envelope,
        mut paid: Account,
        trigger: &TriggerSmartContract,
        mut receipt: Receipt,
        energy_price: i64,
    ) -> Result<Receipt, Refusal> {
        let fee_limit = envelope.raw.fee_limit;
        if !(0..=FEE_LIMIT_MAX).contains(&fee_limit) {
            return Err(Refusal::invalid(format!("feeLimit must be >= 0 and <= {FEE_LIMIT_MAX}")));
        }
        let contract = as_address(&trigger.contract_address).filter(Contracts::exists);
        let contract = contract.ok_or_else(|| Refusal::invalid("No contract or not a smart contract"))?;
        if trigger.call_value != 0 || trigger.call_token_value != 0 {
            return Err(Refusal::invalid("this node moves no TRX with calls"));
        }
        receipt.contract = Some(contract);
        let affordable = (fee_limit / energy_price).min(paid.sun / energy_price);
        let (energy, result, message) = match self.contracts.call(contract, envelope.owner, &trigger.data, affordable) {
            Outcome::Done(effect) => {
                (receipt.output, receipt.logs) = (effect.output, effect.logs);
                (effect.energy, "SUCCESS", "")
            }
            Outcome::Reverted { energy } => (energy, "REVERT", "REVERT opcode executed"),
            Outcome::OutOfEnergy => (affordable, "OUT_OF_ENERGY", "Not enough energy for 'SSTORE' operation executing"),
        };
        (receipt.energy, receipt.energy_fee) = (energy, energy * energy_price);
        (receipt.result, receipt.message) = (result, message);
        paid.sun -= receipt.energy_fee;
        self.accounts.insert(envelope.owner, paid);
        Ok(receipt)
    }
}

/// Takes the bandwidth: free bytes, or TRX.
fn bandwidth(mut owner: Account, bytes: i64, creates: bool, now_ms: i64) -> Result<(Account, Receipt), Refusal> {
    let mut receipt = Receipt::default();
    let used = owner.free_used(now_ms);
    if creates {
        receipt.net_fee = ACTIVATION_BANDWIDTH;
    } else if used + bytes <= FREE_BANDWIDTH {
        receipt.net_usage = bytes;
        (owner.free_used, owner.free_used_ms) = (used + bytes, now_ms);
    } else {
        receipt.net_fee = bytes * BANDWIDTH_PRICE;
    }
    if owner.sun < receipt.net_fee {
        return Err(Refusal::new("BANDWITH_ERROR", "Account resource insufficient error."));
    }
    owner.sun -= receipt.net_fee;
    Ok((owner, receipt))
}

fn no_account(address: &Address) -> Refusal {
    Refusal::invalid(format!("account [{}] does not exist", base58(address)))
}

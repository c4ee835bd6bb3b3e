//! USDT as its contract on TRON behaves where payments can tell: `transfer` returns **false** on success and reverts on
//! failure, a blacklist, a pause, and a fee on transfers that can be switched on.

use std::collections::{HashMap, HashSet};

use crate::abi::{address_word, text, to_address, to_number, word};
use crate::contracts::{Effect, Log, Outcome};
use crate::text::{Address, keccak};

/// Energy of a transfer to somebody who has some, and to somebody who has none (a public tool's figures for mainnet).
const TO_HOLDER: i64 = 64_285;
const TO_NEWCOMER: i64 = 130_285;
const FROM_ALLOWANCE: i64 = 15_000;
/// Energy of everything else here. Not measured.
const READ: i64 = 1_000;
const WRITE: i64 = 25_000;
const REVERTED: i64 = 3_000;

/// A token's whole state.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) address: Address,
    pub(crate) owner: Address,
    pub(crate) balances: HashMap<Address, u128>,
    allowances: HashMap<(Address, Address), u128>,
    blacklist: HashSet<Address>,
    paused: bool,
    basis_points: u128,
    maximum_fee: u128,
    supply: u128,
}

impl Token {
    pub(crate) fn new(address: Address, owner: Address, supply: u128) -> Self {
        Self {
            address,
            owner,
            balances: HashMap::from([(owner, supply)]),
            allowances: HashMap::new(),
            blacklist: HashSet::new(),
            paused: false,
            basis_points: 0,
            maximum_fee: 0,
            supply,
        }
    }

    pub(crate) fn balance(&self, holder: &Address) -> u128 {
        self.balances.get(holder).copied().unwrap_or_default()
    }

    /// Runs a call with so much energy. Checks before it changes anything, so a call that fails has changed nothing.
    pub(crate) fn call(&mut self, caller: Address, function: &str, arguments: &[[u8; 32]], energy: i64) -> Outcome {
        match (function, arguments) {
            ("name()", _) => read(text("Tether USD")),
            ("symbol()", _) => read(text("USDT")),
            ("decimals()", _) => number(6),
            ("totalSupply()", _) => number(self.supply),
            ("owner()", _) => read(address_word(&self.owner).to_vec()),
            ("paused()", _) => number(u128::from(self.paused)),
            ("basisPointsRate()", _) => number(self.basis_points),
            ("maximumFee()", _) => number(self.maximum_fee),
            ("balanceOf(address)", [holder]) => number(self.balance(&to_address(holder))),
            ("allowance(address,address)", [owner, spender]) => {
                number(self.allowances.get(&(to_address(owner), to_address(spender))).copied().unwrap_or_default())
            }
            ("isBlackListed(address)", [holder]) => number(u128::from(self.blacklist.contains(&to_address(holder)))),
            ("transfer(address,uint256)", [to, value]) => self.transfer(caller, to_address(to), value, energy),
            ("transferFrom(address,address,uint256)", [from, to, value]) => {
                self.transfer_from(caller, [to_address(from), to_address(to)], value, energy)
            }
            _ if energy < WRITE => Outcome::OutOfEnergy,
            ("approve(address,uint256)", [spender, value]) => self.approve(caller, to_address(spender), value),
            _ if caller == self.owner => self.administer(function, arguments),
            _ => revert(),
        }
    }

    /// What only the owner may do.
    fn administer(&mut self, function: &str, arguments: &[[u8; 32]]) -> Outcome {
        match (function, arguments) {
            ("addBlackList(address)", [holder]) => drop(self.blacklist.insert(to_address(holder))),
            ("removeBlackList(address)", [holder]) => drop(self.blacklist.remove(&to_address(holder))),
            ("destroyBlackFunds(address)", [holder]) if self.blacklist.contains(&to_address(holder)) => {
                self.supply -= self.balances.remove(&to_address(holder)).unwrap_or_default();
            }
            ("pause()", _) => self.paused = true,
            ("unpause()", _) => self.paused = false,
            ("setParams(uint256,uint256)", [basis_points, maximum_fee]) => {
                let (Some(basis_points), Some(maximum_fee)) = (to_number(basis_points), to_number(maximum_fee)) else { return revert() };
                if basis_points >= 20 || maximum_fee >= 50_000_000 {
                    return revert();
                }
                (self.basis_points, self.maximum_fee) = (basis_points, maximum_fee);
            }
            ("issue(uint256)", [value]) => {
                let Some(supply) = to_number(value).and_then(|value| self.supply.checked_add(value)) else { return revert() };
                *self.balances.entry(self.owner).or_default() += supply - self.supply;
                self.supply = supply;
            }
            _ => return revert(),
        }
        Outcome::Done(Effect { energy: WRITE, output: Vec::new(), logs: Vec::new() })
    }

    fn transfer(&mut self, from: Address, to: Address, value: &[u8; 32], energy: i64) -> Outcome {
        match self.movement(from, to, value, energy) {
            Ok((energy, logs)) => Outcome::Done(Effect { energy, output: word(0).to_vec(), logs }),
            Err(failure) => failure,
        }
    }

    fn transfer_from(&mut self, spender: Address, [from, to]: [Address; 2], value: &[u8; 32], energy: i64) -> Outcome {
        let left = self.allowances.get(&(from, spender)).copied().unwrap_or_default();
        let Some(left) = to_number(value).and_then(|value| left.checked_sub(value)) else { return revert() };
        match self.movement(from, to, value, energy - FROM_ALLOWANCE) {
            Ok((energy, logs)) => {
                self.allowances.insert((from, spender), left);
                Outcome::Done(Effect { energy: energy + FROM_ALLOWANCE, output: word(1).to_vec(), logs })
            }
            Err(failure) => failure,
        }
    }

    fn approve(&mut self, owner: Address, spender: Address, value: &[u8; 32]) -> Outcome {
        let Some(number) = to_number(value) else { return revert() };
        self.allowances.insert((owner, spender), number);
        let topics = vec![keccak(b"Approval(address,address,uint256)"), address_word(&owner), address_word(&spender)];
        let log = Log { address: self.address, topics, data: value.to_vec() };
        Outcome::Done(Effect { energy: WRITE, output: word(1).to_vec(), logs: vec![log] })
    }

    /// Moves tokens and says so in the log; the fee is a transfer of its own, before the main one.
    fn movement(&mut self, from: Address, to: Address, value: &[u8; 32], energy: i64) -> Result<(i64, Vec<Log>), Outcome> {
        let value = to_number(value).ok_or_else(revert)?;
        let rest = self.balance(&from).checked_sub(value).ok_or_else(revert)?;
        if self.paused || self.blacklist.contains(&from) {
            return Err(revert());
        }
        let needed = if self.balance(&to) == 0 { TO_NEWCOMER } else { TO_HOLDER };
        if needed > energy {
            return Err(Outcome::OutOfEnergy);
        }
        let fee = (value.checked_mul(self.basis_points).ok_or_else(revert)? / 10_000).min(self.maximum_fee);
        self.balances.insert(from, rest);
        let mut logs = Vec::new();
        if fee > 0 {
            *self.balances.entry(self.owner).or_default() += fee;
            logs.push(self.transfer_log(from, self.owner, fee));
        }
        *self.balances.entry(to).or_default() += value - fee;
        logs.push(self.transfer_log(from, to, value - fee));
        Ok((needed, logs))
    }

    fn transfer_log(&self, from: Address, to: Address, units: u128) -> Log {
        let topics = vec![keccak(b"Transfer(address,address,uint256)"), address_word(&from), address_word(&to)];
        Log { address: self.address, topics, data: word(units).to_vec() }
    }
}

pub(crate) const fn revert() -> Outcome {
    Outcome::Reverted { energy: REVERTED }
}

fn number(number: u128) -> Outcome {
    read(word(number).to_vec())
}

fn read(output: Vec<u8>) -> Outcome {
    Outcome::Done(Effect { energy: READ, output, logs: Vec::new() })
}

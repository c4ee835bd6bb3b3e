//! The contracts on this chain: USDT, and three that a watcher of deposits has to tell from it.

use crate::abi::{self, address_word, to_address, to_number};
use crate::text::{Address, contract_address, keccak};
use crate::token::{Token, revert};

/// Units of USDT that the faucet starts with: ten billion.
const SUPPLY: u128 = 10_000_000_000_000_000;

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) address: Address,
    pub(crate) topics: Vec<[u8; 32]>,
    pub(crate) data: Vec<u8>,
}

/// What a call did.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) energy: i64,
    pub(crate) output: Vec<u8>,
    pub(crate) logs: Vec<Log>,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Done(Effect),
    Reverted { energy: i64 },
    OutOfEnergy,
}

/// All contracts and what they remember.
#[derive(Clone, Debug)]
pub(crate) struct Contracts {
    pub(crate) usdt: Token,
    /// The same name, symbol and code at another address: anybody can do that.
    pub(crate) fake: Token,
}

/// Emits transfers with a fourth topic, as TRC-721 tokens do.
pub(crate) fn nft() -> Address {
    contract_address("devnet: a collection of pictures")
}

/// Pays two addresses in one transaction out of what it has: `pay(address,uint256,address,uint256)`.
pub(crate) fn splitter() -> Address {
    contract_address("devnet: pays two at once")
}

pub(crate) fn usdt() -> Address {
    contract_address("devnet: USDT")
}

pub(crate) fn fake() -> Address {
    contract_address("devnet: a token that calls itself USDT")
}

impl Contracts {
    pub(crate) fn new(owner: Address) -> Self {
        Self { usdt: Token::new(usdt(), owner, SUPPLY), fake: Token::new(fake(), owner, SUPPLY) }
    }

    pub(crate) fn exists(address: &Address) -> bool {
        [usdt(), fake(), nft(), splitter()].contains(address)
    }

    /// Runs a call with so much energy. One that fails has changed nothing.
    pub(crate) fn call(&mut self, contract: Address, caller: Address, data: &[u8], energy: i64) -> Outcome {
        let outcome = match abi::read(data) {
            None => revert(),
            Some((function, arguments)) => match contract {
                address if address == self.usdt.address => self.usdt.call(caller, function, &arguments, energy),
                address if address == self.fake.address => self.fake.call(caller, function, &arguments, energy),
                address if address == nft() => picture(function, &arguments),
                address if address == splitter() => self.split(function, &arguments, energy),
                _ => revert(),
            },
        };
        match outcome {
            Outcome::Done(Effect { energy: used, .. }) | Outcome::Reverted { energy: used } if used > energy => Outcome::OutOfEnergy,
            Outcome::Done(_) | Outcome::Reverted { .. } | Outcome::OutOfEnergy => outcome,
        }
    }

    fn split(&mut self, function: &str, arguments: &[[u8; 32]], energy: i64) -> Outcome {
        let ("pay(address,uint256,address,uint256)", [one, first, other, second]) = (function, arguments) else { return revert() };
        let sum = to_number(first).zip(to_number(second)).and_then(|(first, second)| first.checked_add(second));
        if sum.is_none_or(|sum| sum > self.usdt.balance(&splitter())) {
            return revert();
        }
        let before = self.usdt.clone();
        let mut all = Effect { energy: 10_000, output: Vec::new(), logs: Vec::new() };
        for (to, value) in [(one, first), (other, second)] {
            let arguments = [address_word(&to_address(to)), *value];
            match self.usdt.call(splitter(), "transfer(address,uint256)", &arguments, energy - all.energy) {
                Outcome::Done(effect) => {
                    all.energy += effect.energy;
                    all.logs.extend(effect.logs);
                }
                failure @ (Outcome::Reverted { .. } | Outcome::OutOfEnergy) => {
                    self.usdt = before;
                    return failure;
                }
            }
        }
        Outcome::Done(all)
    }
}

/// Owns nothing and lets everybody move anything: only its log matters.
fn picture(function: &str, arguments: &[[u8; 32]]) -> Outcome {
    let ("transferFrom(address,address,uint256)", [from, to, id]) = (function, arguments) else { return revert() };
    let topics = vec![keccak(b"Transfer(address,address,uint256)"), *from, *to, *id];
    Outcome::Done(Effect { energy: 50_000, output: Vec::new(), logs: vec![Log { address: nft(), topics, data: Vec::new() }] })
}

//! Arguments and results of contracts: words of 32 bytes.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::text::{Address, from_evm, keccak};

/// What contracts here answer to: signature, types of results, whether it only reads.
pub(crate) const FUNCTIONS: &[(&str, &str, bool)] = &[
    ("name()", "string", true),
    ("symbol()", "string", true),
    ("decimals()", "uint256", true),
    ("totalSupply()", "uint256", true),
    ("owner()", "address", true),
    ("paused()", "bool", true),
    ("basisPointsRate()", "uint256", true),
    ("maximumFee()", "uint256", true),
    ("balanceOf(address)", "uint256", true),
    ("allowance(address,address)", "uint256", true),
    ("isBlackListed(address)", "bool", true),
    ("transfer(address,uint256)", "bool", false),
    ("transferFrom(address,address,uint256)", "bool", false),
    ("approve(address,uint256)", "bool", false),
    ("addBlackList(address)", "", false),
    ("removeBlackList(address)", "", false),
    ("destroyBlackFunds(address)", "", false),
    ("pause()", "", false),
    ("unpause()", "", false),
    ("setParams(uint256,uint256)", "", false),
    ("issue(uint256)", "", false),
    ("pay(address,uint256,address,uint256)", "", false),
];

static SELECTORS: LazyLock<HashMap<[u8; 4], &'static str>> =
    LazyLock::new(|| FUNCTIONS.iter().map(|(signature, ..)| (selector(signature), *signature)).collect());

pub(crate) fn selector(signature: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = keccak(signature.as_bytes());
    [a, b, c, d]
}

/// The signature and the arguments of a call; `None` when no contract here knows the function.
pub(crate) fn read(data: &[u8]) -> Option<(&'static str, Vec<[u8; 32]>)> {
    let (selector, rest) = data.split_first_chunk::<4>()?;
    let signature = SELECTORS.get(selector)?;
    Some((signature, rest.as_chunks::<32>().0.to_vec()))
}

pub(crate) fn call(signature: &str, arguments: &[[u8; 32]]) -> Vec<u8> {
    [selector(signature).as_slice(), arguments.concat().as_slice()].concat()
}

pub(crate) fn word(number: u128) -> [u8; 32] {
    let mut word = [0; 32];
    word[16..].copy_from_slice(&number.to_be_bytes());
    word
}

pub(crate) fn address_word(address: &Address) -> [u8; 32] {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address[1..]);
    word
}

/// Lenient, like compiled contracts of that age: the upper 12 bytes are not looked at.
pub(crate) fn to_address(word: &[u8; 32]) -> Address {
    from_evm(&word[12..]).expect("20 bytes")
}

/// `None` above 2^128: more than anybody has here.
pub(crate) fn to_number(word: &[u8; 32]) -> Option<u128> {
    let (high, low) = word.split_last_chunk::<16>()?;
    high.iter().all(|byte| *byte == 0).then(|| u128::from_be_bytes(*low))
}

/// A `string` as the only result.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut bytes = [word(32), word(text.len() as u128)].concat();
    bytes.extend_from_slice(text.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    bytes
}

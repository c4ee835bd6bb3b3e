//! Addresses: 20 bytes of a hash, written in three ways (base58check `T…`, hex `41…`, EVM `0x…`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::hex;

/// What stands before the 20 bytes on every TRON network in use (java-tron, `Constant.ADD_PRE_FIX_BYTE_MAINNET`).
const PREFIX: u8 = 0x41;

/// An account or a contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; 20]);

/// Why a text or some bytes are no address. Each says what a person may have done wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither 34 characters that begin with `T` nor 42 hex digits that begin with `41`.
    #[error("an address has 34 characters and begins with T")]
    Form,
    /// A character that base58 or hex does not have: 0, O, I and l are not used.
    #[error("the address holds a character that no address has")]
    Character,
    /// The last four bytes do not fit to the rest: a typing mistake.
    #[error("the checksum does not fit: a character of the address is wrong or missing")]
    Checksum,
    /// The bytes are an address of another network, or not an address.
    #[error("this is not an address of a TRON network")]
    Prefix,
}

impl Address {
    /// Nobody's: tokens sent there are lost.
    pub const ZERO: Self = Self([0; 20]);

    /// From the last 20 bytes of a hash, as logs and calls of contracts write addresses.
    pub const fn from_evm(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// From 21 bytes, the first of them 0x41.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AddressError> {
        match bytes.split_first() {
            Some((&PREFIX, rest)) => rest.try_into().map(Self).map_err(|_| AddressError::Form),
            Some(_) | None => Err(AddressError::Prefix),
        }
    }

    /// Base58check only, as people write it. Surrounding blanks are refused as well.
    pub fn parse_base58(text: &str) -> Result<Self, AddressError> {
        if text.len() != 34 || !text.starts_with('T') {
            return Err(AddressError::Form);
        }
        let bytes = bs58::decode(text).with_check(None).into_vec().map_err(|error| match error {
            bs58::decode::Error::InvalidCharacter { .. } | bs58::decode::Error::NonAsciiCharacter { .. } => AddressError::Character,
            _ => AddressError::Checksum,
        })?;
        Self::from_bytes(&bytes)
    }

    /// 42 hex digits that begin with 41, as java-tron writes it.
    pub fn parse_hex(text: &str) -> Result<Self, AddressError> {
        if text.len() != 42 {
            return Err(AddressError::Form);
        }
        Self::from_bytes(&hex::decode(text).ok_or(AddressError::Character)?)
    }

    /// `0x` and 40 hex digits in either case; the mixed-case checksum of Ethereum is not looked at.
    pub fn parse_evm(text: &str) -> Result<Self, AddressError> {
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40).ok_or(AddressError::Form)?;
        hex::decode_array(digits).map(Self).ok_or(AddressError::Character)
    }

    /// 21 bytes, the first of them 0x41: what transactions carry.
    pub fn to_bytes(self) -> [u8; 21] {
        let mut bytes = [PREFIX; 21];
        bytes[1..].copy_from_slice(&self.0);
        bytes
    }

    /// The 20 bytes that contracts know.
    pub const fn to_evm(self) -> [u8; 20] {
        self.0
    }

    /// `41` and 40 digits, lower case: what the HTTP API of java-tron takes.
    pub fn to_hex(self) -> String {
        hex::encode(&self.to_bytes())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.to_bytes()).with_check().into_string())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads base58check or `41…` hex, whichever it is.
impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() == 42 { Self::parse_hex(text) } else { Self::parse_base58(text) }
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(hex::Visitor { expecting: "an address", read: |text| text.parse().ok() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Address, AddressError};

    const KNOWN: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
    const KNOWN_HEX: &str = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c";

    #[test]
    fn one_address_has_three_spellings() {
        let address = Address::parse_base58(KNOWN).unwrap();
        assert_eq!(address.to_hex(), KNOWN_HEX);
        assert_eq!(Address::parse_hex(&KNOWN_HEX.to_uppercase()).unwrap(), address);
        assert_eq!(Address::parse_evm(&format!("0x{}", &KNOWN_HEX[2..])).unwrap(), address);
        assert_eq!(format!("{address} {address:?}"), format!("{KNOWN} {KNOWN}"));
        assert_eq!(Address::ZERO.to_string(), "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb");
        assert_eq!((KNOWN.parse(), KNOWN_HEX.parse()), (Ok(address), Ok(address)));
    }

    #[test]
    fn a_wrong_address_is_refused_with_its_reason() {
        let cases = [
            ("", AddressError::Form),
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6", AddressError::Form),
            (" TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", AddressError::Form),
            ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", AddressError::Form),
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u", AddressError::Checksum),
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj60", AddressError::Character),
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLjé", AddressError::Character),
            ("42a614f803b6fd780986a42c78ec9c7f77e6ded13c", AddressError::Prefix),
            ("41a614f803b6fd780986a42c78ec9c7f77e6ded13x", AddressError::Character),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Address>(), Err(error), "{text}");
        }
        assert_eq!(Address::parse_evm(&KNOWN_HEX[2..]), Err(AddressError::Form));
        assert_eq!(Address::from_bytes(&[0x41; 20]), Err(AddressError::Form));
        assert_eq!(Address::from_bytes(&[]), Err(AddressError::Prefix));
    }

    proptest! {
        #[test]
        fn every_address_comes_back_from_each_spelling(bytes: [u8; 20]) {
            let address = Address::from_evm(bytes);
            prop_assert_eq!(address.to_string().parse(), Ok(address));
            prop_assert_eq!(address.to_hex().parse(), Ok(address));
            prop_assert_eq!(Address::from_bytes(&address.to_bytes()), Ok(address));
        }

        #[test]
        fn one_changed_character_never_passes(bytes: [u8; 20], at in 1_usize..34, to in "[1-9A-HJ-NP-Za-km-z]") {
            let mut text = Address::from_evm(bytes).to_string();
            prop_assume!(text[at..=at] != to);
            text.replace_range(at..=at, &to);
            prop_assert!(text.parse::<Address>().is_err());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,60}") {
            let _ = text.parse::<Address>();
        }
    }
}

//! Hashes, hexadecimal and addresses. This crate shares no code with the clients that it stands in for: what both sides
//! got wrong in the same way would go unnoticed.

use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use sha3::Keccak256;

/// 21 bytes, the first of them 0x41.
pub(crate) type Address = [u8; 21];

pub(crate) const ZERO: Address = {
    let mut zero = [0; 21];
    zero[0] = 0x41;
    zero
};

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn keccak(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
        text
    })
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high * 16 + low).collect())
}

pub(crate) fn base58(address: &Address) -> String {
    bs58::encode(address).with_check().into_string()
}

pub(crate) fn unbase58(text: &str) -> Option<Address> {
    let bytes = bs58::decode(text).with_check(None).into_vec().ok()?;
    as_address(&bytes)
}

pub(crate) fn as_address(bytes: &[u8]) -> Option<Address> {
    bytes.try_into().ok().filter(|address: &Address| address[0] == 0x41)
}

/// From the last 20 bytes, as contracts know addresses.
pub(crate) fn from_evm(bytes: &[u8]) -> Option<Address> {
    as_address(&[&[0x41], bytes].concat())
}

/// An address that nobody has a key to, for contracts.
pub(crate) fn contract_address(name: &str) -> Address {
    from_evm(&keccak(name.as_bytes())[12..]).expect("20 bytes")
}

pub(crate) fn address_of(key: &SigningKey) -> Address {
    of_public_key(key.verifying_key())
}

fn of_public_key(key: &VerifyingKey) -> Address {
    from_evm(&keccak(&key.to_sec1_point(false).as_bytes()[1..])[12..]).expect("20 bytes")
}

pub(crate) fn sign(key: &SigningKey, hash: &[u8; 32]) -> Vec<u8> {
    let (signature, recovery) = key.sign_prehash_recoverable(hash);
    [signature.to_bytes().as_slice(), &[recovery.to_byte()]].concat()
}

/// Who signed. Like java-tron (`TransactionCapsule.checkWeight`, `SignUtils`): a last byte below 27 is raised by 27.
pub(crate) fn signer(hash: &[u8; 32], signature: &[u8]) -> Option<Address> {
    let (numbers, v) = signature.get(..65)?.split_at(64);
    let v = if v[0] < 27 { v[0] } else { v[0] - 27 };
    let signature = Signature::from_slice(numbers).ok()?;
    VerifyingKey::recover_from_prehash(hash, &signature, RecoveryId::from_byte(v)?).ok().map(|key| of_public_key(&key))
}

/// Six decimals, as both coins here have: `"23.5"` is 23,500,000.
pub(crate) fn units(decimal: &str) -> Option<u64> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 6 {
        return None;
    }
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(format!("{fraction:0<6}").parse().ok()?)
}

pub(crate) fn decimal(units: u128) -> String {
    format!("{}.{:06}", units / 1_000_000, units % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::{base58, decimal, hex, unbase58, unhex, units};

    #[test]
    fn texts_and_bytes_lead_to_each_other() {
        let address = unbase58("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t").unwrap();
        assert_eq!(hex(&address), "41a614f803b6fd780986a42c78ec9c7f77e6ded13c");
        assert_eq!(base58(&address), "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t");
        assert_eq!(unhex("41A6"), Some(vec![0x41, 0xa6]));
        assert_eq!((unhex("4"), unhex("0x41"), unbase58("T")), (None, None, None));
    }

    #[test]
    fn amounts_have_six_decimals() {
        let cases = [("23.5", Some(23_500_000)), ("0.000001", Some(1)), ("7", Some(7_000_000)), ("7.", Some(7_000_000))];
        for (text, expected) in cases {
            assert_eq!(units(text), expected, "{text}");
        }
        for text in ["", ".5", "-1", "1e3", "0.0000001", "99999999999999999999"] {
            assert_eq!(units(text), None, "{text}");
        }
        assert_eq!(decimal(23_500_000), "23.500000");
    }
}

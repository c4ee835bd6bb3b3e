//! Private keys and recoverable signatures on secp256k1: deterministic (RFC 6979), low s, over a hash made elsewhere.

use std::fmt;

use k256::ecdsa::{RecoveryId, Signature as EcdsaSignature, SigningKey, VerifyingKey};
use zeroize::{Zeroize as _, Zeroizing};

use crate::address::Address;
use crate::hash::keccak256;
use crate::hex;

/// What is wrong with a key or a signature. Never says what the key was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not 32 bytes, zero, or not below the order of the group.
    #[error("a private key has 64 hex digits and is not zero")]
    Key,
    /// Not 65 bytes, an unknown last byte, numbers out of range, or the upper of the two possible values of s.
    #[error("a signature has 65 bytes, a low s and 0, 1, 27 or 28 at its end")]
    Signature,
    /// No public key fits to this signature and hash.
    #[error("no key can have made this signature")]
    Recovery,
}

/// A private key. It is overwritten when it is dropped, and `Debug` shows its address only.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// From 32 bytes, big-endian.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        SigningKey::from_slice(bytes).map(Self).map_err(|_| KeyError::Key)
    }

    /// From 64 hex digits.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let mut bytes: [u8; 32] = hex::decode_array(text).ok_or(KeyError::Key)?;
        let key = Self::from_bytes(&bytes);
        bytes.zeroize();
        key
    }

    /// The 32 bytes, for sealing them into a file. They are overwritten when dropped.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The address this key signs for.
    pub fn address(&self) -> Address {
        address_of(self.0.verifying_key())
    }

    /// The public key without the byte that says it is uncompressed: x, then y.
    pub fn public_key(&self) -> [u8; 64] {
        point(self.0.verifying_key())
    }

    /// Signs a hash, such as the 32 bytes of a transaction's id. The same hash gives the same signature.
    pub fn sign(&self, hash: &[u8; 32]) -> Signature {
        let (signature, recovery) = self.0.sign_prehash_recoverable(hash);
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = 27 + recovery.to_byte();
        Signature(bytes)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.address())
    }
}

/// r, s and v: 65 bytes, v is 27 or 28. Java-tron reads 0 and 1 in the same sense (`TransactionCapsule`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; 65]);

impl Signature {
    /// Reads 65 bytes. A high s is refused: a second signature over the same hash that anybody could make of a first.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut bytes: [u8; 65] = bytes.try_into().map_err(|_| KeyError::Signature)?;
        if bytes[64] < 27 {
            bytes[64] += 27;
        }
        let numbers = EcdsaSignature::from_slice(&bytes[..64]).map_err(|_| KeyError::Signature)?;
        if bytes[64] > 28 || numbers.normalize_s() != numbers {
            return Err(KeyError::Signature);
        }
        Ok(Self(bytes))
    }

    /// The 65 bytes.
    pub const fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }

    /// Whose signature over this hash it is.
    pub fn signer(&self, hash: &[u8; 32]) -> Result<Address, KeyError> {
        let numbers = EcdsaSignature::from_slice(&self.0[..64]).map_err(|_| KeyError::Signature)?;
        let recovery = RecoveryId::from_byte(self.0[64] - 27).ok_or(KeyError::Signature)?;
        let key = VerifyingKey::recover_from_prehash(hash, &numbers, recovery).map_err(|_| KeyError::Recovery)?;
        Ok(address_of(&key))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// The last 20 bytes of the hash of the public key.
pub(crate) fn address_of(key: &VerifyingKey) -> Address {
    let hash = keccak256(&point(key));
    let mut last = [0; 20];
    last.copy_from_slice(&hash[12..]);
    Address::from_evm(last)
}

fn point(key: &VerifyingKey) -> [u8; 64] {
    let mut coordinates = [0; 64];
    coordinates.copy_from_slice(&key.to_sec1_point(false).as_bytes()[1..]);
    coordinates
}

#[cfg(test)]
mod tests {
    use super::{KeyError, SecretKey, Signature};

    fn key() -> SecretKey {
        SecretKey::from_bytes(&[7; 32]).unwrap()
    }

    #[test]
    fn debug_output_does_not_show_the_key() {
        assert_eq!(format!("{:?}", key()), format!("SecretKey(of {})", key().address()));
    }

    #[test]
    fn keys_outside_of_the_group_are_refused() {
        assert_eq!(SecretKey::from_bytes(&[0; 32]).unwrap_err(), KeyError::Key);
        assert_eq!(SecretKey::from_bytes(&[0xff; 32]).unwrap_err(), KeyError::Key);
        assert_eq!(SecretKey::from_hex("07").unwrap_err(), KeyError::Key);
        assert_eq!(SecretKey::from_hex(&"07".repeat(32)).unwrap().address(), key().address());
    }

    #[test]
    fn a_signature_names_its_signer_for_its_hash_alone() {
        let signature = key().sign(&[9; 32]);
        assert_eq!(signature.signer(&[9; 32]), Ok(key().address()));
        assert_ne!(signature.signer(&[8; 32]), Ok(key().address()));
        assert_eq!(key().sign(&[9; 32]), signature);
    }

    #[test]
    fn both_spellings_of_v_are_read_and_a_high_s_is_not() {
        let signature = key().sign(&[9; 32]);
        let mut bytes = *signature.as_bytes();
        bytes[64] -= 27;
        assert_eq!(Signature::from_bytes(&bytes), Ok(signature));
        bytes[64] = 29;
        assert_eq!(Signature::from_bytes(&bytes), Err(KeyError::Signature));
        assert_eq!(Signature::from_bytes(&bytes[..64]), Err(KeyError::Signature));

        // n - s with the other v is valid mathematics, and another text for the same transaction.
        let order = crate::hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").unwrap();
        let mut high = *signature.as_bytes();
        let mut borrow = 0_i16;
        for i in (0..32).rev() {
            let difference = i16::from(order[i]) - i16::from(high[32 + i]) - borrow;
            borrow = i16::from(difference < 0);
            high[32 + i] = u8::try_from(difference.rem_euclid(256)).unwrap();
        }
        high[64] = 55 - high[64];
        assert_eq!(Signature::from_bytes(&high), Err(KeyError::Signature));
    }
}

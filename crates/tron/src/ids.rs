//! Ids of transactions and blocks: 32 bytes each, not to be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::hex;

/// A text that should be 64 hex digits is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has 64 hex digits")]
pub struct IdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// From its 32 bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
            /// Its 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                hex::decode_array(text).map(Self).ok_or(IdError)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(hex::Visitor { expecting: "64 hex digits", read: |text| text.parse().ok() })
            }
        }
    };
}

id! {
    /// The id of a transaction: SHA-256 of its raw bytes. The signature is not part of it.
    Txid
}

id! {
    /// The id of a block: its number in the first 8 bytes, then 24 bytes of the hash of its header.
    BlockId
}

impl BlockId {
    /// The number of the block, as its first 8 bytes say.
    pub fn number(&self) -> u64 {
        let [number, ..] = self.0.as_chunks::<8>().0 else { return 0 };
        u64::from_be_bytes(*number)
    }
}

#[cfg(test)]
mod tests {
    use super::{BlockId, IdError, Txid};

    #[test]
    fn a_block_id_begins_with_its_number() {
        let id: BlockId = "00000000047868dbc0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffee".parse().unwrap();
        assert_eq!(id.number(), 75_000_027);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("00".parse::<Txid>(), Err(IdError));
    }
}

//! The JSON of java-tron with `visible: false`. Fields at their default are absent there (`JsonFormat`), so almost
//! everything is optional; what must not be absent is checked where it is used.

use std::marker::PhantomData;

use serde::de::{IgnoredAny, SeqAccess};
use serde::{Deserialize, Deserializer};

use crate::address::Address;
use crate::hex;
use crate::ids::{BlockId, Txid};

#[derive(Deserialize)]
pub(super) struct Block<T = Vec<BlockTransaction>> {
    #[serde(rename = "blockID")]
    pub(super) id: Option<BlockId>,
    #[serde(rename = "block_header")]
    pub(super) header: Option<BlockHeader>,
    /// Absent in an empty block.
    #[serde(default)]
    pub(super) transactions: T,
}

/// A block of which only the head is read, whatever its transactions look like.
pub(super) type Head = Block<IgnoredAny>;

#[derive(Deserialize)]
pub(super) struct BlockHeader {
    pub(super) raw_data: BlockHeaderRaw,
}

#[derive(Deserialize)]
pub(super) struct BlockHeaderRaw {
    /// Absent in block 0.
    #[serde(default)]
    pub(super) number: u64,
    /// Milliseconds; absent in block 0 of some networks.
    #[serde(default)]
    pub(super) timestamp: i64,
    #[serde(rename = "parentHash")]
    pub(super) parent: BlockId,
}

#[derive(Deserialize)]
pub(super) struct BlockTransaction {
    #[serde(rename = "txID")]
    pub(super) id: Txid,
    pub(super) raw_data: RawData,
}

#[derive(Deserialize)]
pub(super) struct RawData {
    #[serde(default)]
    pub(super) contract: First<RawContract>,
}

#[derive(Deserialize)]
pub(super) struct RawContract {
    #[serde(rename = "type", default)]
    pub(super) kind: ContractKind,
    pub(super) parameter: Option<RawParameter>,
}

/// The first of a list; a transaction has one contract (java-tron, `Manager.validateCommon`).
pub(super) struct First<T>(pub(super) Option<T>);

impl<T> Default for First<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = First<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let first = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(Visitor(PhantomData))
    }
}

/// All that is asked of it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ContractKind {
    /// `TriggerSmartContract`, `CreateSmartContract`: it runs code.
    RunsCode,
    #[default]
    Other,
}

impl<'de> Deserialize<'de> for ContractKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read =
            |text: &str| Some(if ["TriggerSmartContract", "CreateSmartContract"].contains(&text) { Self::RunsCode } else { Self::Other });
        deserializer.deserialize_str(hex::Visitor { expecting: "a text", read })
    }
}

/// How a call ended, in one word.
pub(super) enum Verdict {
    Success,
    /// `REVERT`, `OUT_OF_ENERGY`, `FAILED`, …
    Other(String),
}

impl<'de> Deserialize<'de> for Verdict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| Some(if text == "SUCCESS" { Self::Success } else { Self::Other(text.to_owned()) });
        deserializer.deserialize_str(hex::Visitor { expecting: "a text", read })
    }
}

#[derive(Deserialize)]
pub(super) struct RawParameter {
    pub(super) value: Option<RawValue>,
}

#[derive(Deserialize)]
pub(super) struct RawValue {
    pub(super) owner_address: Option<Owner>,
}

/// Nobody where it is no address: the owners in block 0 of networks in use are 23 characters of text.
pub(super) struct Owner(pub(super) Option<Address>);

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(hex::Visitor { expecting: "a text", read: |text| Some(Self(text.parse().ok())) })
    }
}

/// `TransactionInfo`: what became of a transaction.
#[derive(Deserialize)]
pub(super) struct Info {
    pub(super) id: Option<Txid>,
    #[serde(rename = "blockNumber", default)]
    pub(super) block_number: u64,
    /// Sun.
    #[serde(default)]
    pub(super) fee: i64,
    /// Absent for success, `FAILED` otherwise.
    pub(super) result: Option<String>,
    /// Absent for what calls no contract.
    pub(super) contract_address: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) receipt: Receipt,
    #[serde(default)]
    pub(super) log: Vec<RawLog>,
}

#[derive(Deserialize, Default)]
pub(super) struct Receipt {
    /// Absent for what calls no contract.
    pub(super) result: Option<Verdict>,
    #[serde(default)]
    pub(super) energy_usage_total: i64,
}

#[derive(Deserialize)]
pub(super) struct RawLog {
    /// 20 bytes in hex, without 41.
    pub(super) address: Hex<20>,
    #[serde(default)]
    pub(super) topics: Vec<Hex<32>>,
    #[serde(default)]
    pub(super) data: HexBytes,
}

/// So many bytes in hex.
pub(super) struct Hex<const N: usize>(pub(super) [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(hex::Visitor { expecting: "hex digits of the usual number", read: hex::decode_array }).map(Self)
    }
}

/// Bytes in hex.
#[derive(Default)]
pub(super) struct HexBytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(hex::Visitor { expecting: "hex digits", read: hex::decode }).map(Self)
    }
}

#[derive(Deserialize)]
pub(super) struct BroadcastAnswer {
    #[serde(default)]
    pub(super) result: bool,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) txid: Option<Txid>,
}

#[derive(Deserialize)]
pub(super) struct ConstantAnswer {
    #[serde(default)]
    pub(super) result: ConstantOutcome,
    /// Units of energy.
    #[serde(default)]
    pub(super) energy_used: i64,
    #[serde(default)]
    pub(super) constant_result: Vec<String>,
    pub(super) transaction: Option<ConstantTransaction>,
}

#[derive(Deserialize, Default)]
pub(super) struct ConstantOutcome {
    #[serde(default)]
    pub(super) result: bool,
    /// Hex of a text.
    pub(super) message: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ConstantTransaction {
    #[serde(default)]
    pub(super) ret: Vec<ConstantReturn>,
}

#[derive(Deserialize)]
pub(super) struct ConstantReturn {
    /// `FAILED` when the call was reverted.
    pub(super) ret: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct AccountAnswer {
    /// Absent when nobody has ever sent TRX there.
    pub(super) address: Option<IgnoredAny>,
    /// Sun.
    #[serde(default)]
    pub(super) balance: i64,
}

#[derive(Deserialize)]
pub(super) struct ResourceAnswer {
    #[serde(rename = "freeNetUsed", default)]
    pub(super) free_net_used: i64,
    #[serde(rename = "freeNetLimit", default)]
    pub(super) free_net_limit: i64,
    #[serde(rename = "NetUsed", default)]
    pub(super) net_used: i64,
    #[serde(rename = "NetLimit", default)]
    pub(super) net_limit: i64,
    #[serde(rename = "EnergyUsed", default)]
    pub(super) energy_used: i64,
    #[serde(rename = "EnergyLimit", default)]
    pub(super) energy_limit: i64,
}

#[derive(Deserialize)]
pub(super) struct ParametersAnswer {
    #[serde(rename = "chainParameter", default)]
    pub(super) parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
pub(super) struct Parameter {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: i64,
}

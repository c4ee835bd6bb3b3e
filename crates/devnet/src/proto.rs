//! Transactions as java-tron's protocol has them (`Tron.proto`, `smart_contract.proto`, `balance_contract.proto`), read
//! and written by prost: independent of the encoder in the client.

use prost::Message;

use crate::text::{Address, as_address, sha256};

const PREFIX: &str = "type.googleapis.com/protocol.";

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Transaction {
    #[prost(message, optional, tag = "1")]
    pub(crate) raw: Option<Raw>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(crate) signatures: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Raw {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) ref_block_bytes: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) ref_block_hash: Vec<u8>,
    #[prost(int64, tag = "8")]
    pub(crate) expiration: i64,
    #[prost(bytes = "vec", tag = "10")]
    pub(crate) data: Vec<u8>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) contract: Vec<Contract>,
    #[prost(int64, tag = "14")]
    pub(crate) timestamp: i64,
    #[prost(int64, tag = "18")]
    pub(crate) fee_limit: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Contract {
    #[prost(int32, tag = "1")]
    pub(crate) kind: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) parameter: Option<Any>,
    #[prost(int32, tag = "5")]
    pub(crate) permission_id: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TransferContract {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) owner_address: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) to_address: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub(crate) amount: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TriggerSmartContract {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) owner_address: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) contract_address: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub(crate) call_value: i64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) data: Vec<u8>,
    #[prost(int64, tag = "5")]
    pub(crate) call_token_value: i64,
    #[prost(int64, tag = "6")]
    pub(crate) token_id: i64,
}

/// The one thing a transaction does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Transfer(TransferContract),
    Trigger(TriggerSmartContract),
}

impl Action {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Transfer(_) => "TransferContract",
            Self::Trigger(_) => "TriggerSmartContract",
        }
    }

    const fn kind(&self) -> i32 {
        match self {
            Self::Transfer(_) => 1,
            Self::Trigger(_) => 31,
        }
    }

    fn owner(&self) -> Option<Address> {
        match self {
            Self::Transfer(transfer) => as_address(&transfer.owner_address),
            Self::Trigger(trigger) => as_address(&trigger.owner_address),
        }
    }

    /// As it stands in a transaction.
    pub(crate) fn into_contract(self, permission_id: i32) -> Contract {
        let value = match &self {
            Self::Transfer(transfer) => transfer.encode_to_vec(),
            Self::Trigger(trigger) => trigger.encode_to_vec(),
        };
        let parameter = Some(Any { type_url: format!("{PREFIX}{}", self.name()), value });
        Contract { kind: self.kind(), parameter, permission_id }
    }
}

/// A transaction that could be read: its parts, its id, its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) raw: Raw,
    pub(crate) raw_bytes: Vec<u8>,
    pub(crate) signatures: Vec<Vec<u8>>,
    pub(crate) action: Action,
    pub(crate) owner: Address,
    pub(crate) txid: [u8; 32],
    /// The whole transaction.
    pub(crate) bytes: Vec<u8>,
}

impl Envelope {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let transaction = Transaction::decode(bytes).map_err(|error| error.to_string())?;
        let envelope = Self::new(transaction.raw.unwrap_or_default(), transaction.signatures)?;
        if envelope.bytes != bytes {
            return Err("the bytes are not spelt as protobuf writers spell them (order, defaults, or unknown fields)".into());
        }
        Ok(envelope)
    }

    pub(crate) fn new(raw: Raw, signatures: Vec<Vec<u8>>) -> Result<Self, String> {
        let [contract] = raw.contract.as_slice() else {
            return Err(format!("a transaction has one contract, this one has {}", raw.contract.len()));
        };
        let action = action(contract)?;
        let owner = action.owner().ok_or("Invalid ownerAddress!")?;
        let raw_bytes = raw.encode_to_vec();
        let txid = sha256(&raw_bytes);
        let bytes = Transaction { raw: Some(raw.clone()), signatures: signatures.clone() }.encode_to_vec();
        Ok(Self { raw, raw_bytes, signatures, action, owner, txid, bytes })
    }

    pub(crate) fn permission_id(&self) -> i32 {
        self.raw.contract.first().map_or(0, |contract| contract.permission_id)
    }
}

fn action(contract: &Contract) -> Result<Action, String> {
    let parameter = contract.parameter.clone().unwrap_or_default();
    let value = parameter.value.as_slice();
    let (action, spelt) = match contract.kind {
        1 => TransferContract::decode(value).map(|read| (Action::Transfer(read.clone()), read.encode_to_vec())),
        31 => TriggerSmartContract::decode(value).map(|read| (Action::Trigger(read.clone()), read.encode_to_vec())),
        other => return Err(format!("this node knows contracts of type 1 and 31, not {other}")),
    }
    .map_err(|error| error.to_string())?;
    if parameter.type_url != format!("{PREFIX}{}", action.name()) {
        return Err(format!("the type of the contract is {}, its parameter says {}", action.name(), parameter.type_url));
    }
    if spelt != value {
        return Err("the parameter is not spelt as protobuf writers spell it".into());
    }
    Ok(action)
}

#[cfg(test)]
mod tests {
    use super::{Action, Envelope};
    use crate::text::{as_address, hex, signer, unhex};

    #[test]
    fn transactions_of_other_clients_are_read() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../../tron/tests/vectors.json")).unwrap();
        for known in vectors["transactions"].as_array().unwrap() {
            let text = |name: &str| known[name].as_str().unwrap();
            let envelope = Envelope::decode(&unhex(text("signed_tx_hex")).unwrap()).unwrap();
            assert_eq!(hex(&envelope.txid), text("txID"));
            assert_eq!(hex(&envelope.raw_bytes), text("raw_data_hex"));
            assert_eq!(hex(&envelope.owner), text("owner_address_hex"));
            let Action::Trigger(trigger) = &envelope.action else { panic!("it calls a contract") };
            assert_eq!(as_address(&trigger.contract_address).map(|a| hex(&a)).unwrap(), text("contract_address_hex"));
            for name in ["signature", "signature_tronpy"] {
                assert_eq!(signer(&envelope.txid, &unhex(text(name)).unwrap()), Some(envelope.owner));
            }
        }
    }

    #[test]
    fn unusual_spellings_are_refused() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../../tron/tests/vectors.json")).unwrap();
        let bytes = unhex(vectors["transactions"][0]["signed_tx_hex"].as_str().unwrap()).unwrap();
        assert!(Envelope::decode(&[&bytes[..], &[0x38, 0x01]].concat()).is_err());
        assert!(Envelope::decode(&bytes[1..]).is_err());
        assert!(Envelope::decode(&[]).is_err());
    }
}

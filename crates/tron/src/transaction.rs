//! A transaction before it is signed: what it does, until when, and its bytes.

use crate::abi;
use crate::address::Address;
use crate::hash::sha256;
use crate::ids::{BlockId, Txid};
use crate::keys::SecretKey;
use crate::proto::{Field, Writer, read};
use crate::signed::SignedTransaction;

/// The numbers of java-tron's `Transaction.Contract.ContractType`.
const TRX_TRANSFER: i64 = 1;
const CONTRACT_CALL: i64 = 31;
const TRX_TRANSFER_URL: &str = "type.googleapis.com/protocol.TransferContract";
const CONTRACT_CALL_URL: &str = "type.googleapis.com/protocol.TriggerSmartContract";

/// Why a transaction cannot be made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// An amount, an instant or the fee limit is zero or negative.
    #[error("{0} must be above zero")]
    NotPositive(&'static str),
    /// The key belongs to another address than the owner of the transaction.
    #[error("this key does not belong to the owner of the transaction")]
    Owner,
    /// The bytes are not a transaction of the two kinds that this crate writes, in the one spelling that it writes.
    #[error("the bytes are not a transaction as this program writes them: {0}")]
    Bytes(&'static str),
    /// The bytes carry no valid signature, or more than one.
    #[error("the transaction is not signed as it should be: {0}")]
    Signature(#[from] crate::keys::KeyError),
}

/// The block that a transaction builds on. Nodes refuse the transaction where this block is not one of the last 65,536
/// (java-tron, `Manager.validateTapos`). Take a solid block: it cannot be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefBlock {
    bytes: [u8; 2],
    hash: [u8; 8],
}

impl RefBlock {
    /// The last two bytes of its number and the first eight of its hash.
    pub fn of(block: &BlockId) -> Self {
        let id = block.as_bytes();
        let mut reference = Self { bytes: [id[6], id[7]], hash: [0; 8] };
        reference.hash.copy_from_slice(&id[8..16]);
        reference
    }

    /// The last two bytes of the number.
    pub const fn bytes(&self) -> [u8; 2] {
        self.bytes
    }

    /// The first eight bytes of the hash.
    pub const fn hash(&self) -> [u8; 8] {
        self.hash
    }
}

/// What a transaction does. TRON allows one thing in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contract {
    /// Calls `transfer` of a token.
    TokenTransfer {
        /// Whose tokens move, and who signs.
        owner: Address,
        /// The token.
        token: Address,
        /// Who gets them.
        to: Address,
        /// How many of the token's smallest unit.
        units: i64,
    },
    /// Moves TRX. This also brings an address into being that never had any.
    TrxTransfer {
        /// Whose TRX move, and who signs.
        owner: Address,
        /// Who gets them.
        to: Address,
        /// How many millionths of a TRX.
        sun: i64,
    },
}

impl Contract {
    /// Who has to sign.
    pub const fn owner(&self) -> Address {
        match self {
            Self::TokenTransfer { owner, .. } | Self::TrxTransfer { owner, .. } => *owner,
        }
    }
}

/// Everything that is hashed and signed. Two transactions that agree in all of it are the same transaction: to send the
/// same amount to the same address again, change `timestamp_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// The block it builds on.
    pub reference: RefBlock,
    /// No block can take it in whose parent is as late as this, in ms of chain time. At most 24 h after the head.
    pub expiration_ms: i64,
    /// When it was made, in ms. Nobody checks it; it makes equal payments different.
    pub timestamp_ms: i64,
    /// How much may be burnt for energy, in sun. Only calls of contracts have it; 0 for the others.
    pub fee_limit_sun: i64,
    /// What it does.
    pub contract: Contract,
}

impl Transaction {
    /// The bytes that are hashed: `Transaction.raw` of java-tron's protocol, as tronweb and tronpy write it.
    pub fn to_bytes(&self) -> Result<Vec<u8>, TransactionError> {
        let (kind, url, parameter, fee_limit) = match &self.contract {
            Contract::TokenTransfer { owner, token, to, units } => {
                let call = abi::transfer_call(*to, above_zero(*units, "the amount")?).ok_or(TransactionError::NotPositive("the amount"))?;
                let parameter = Writer::default().bytes(1, &owner.to_bytes()).bytes(2, &token.to_bytes()).bytes(4, &call);
                (CONTRACT_CALL, CONTRACT_CALL_URL, parameter, above_zero(self.fee_limit_sun, "the fee limit")?)
            }
            Contract::TrxTransfer { owner, to, sun } => {
                let sun = above_zero(*sun, "the amount")?;
                let parameter = Writer::default().bytes(1, &owner.to_bytes()).bytes(2, &to.to_bytes()).number(3, sun);
                (TRX_TRANSFER, TRX_TRANSFER_URL, parameter, 0)
            }
        };
        let any = Writer::default().bytes(1, url.as_bytes()).bytes(2, &parameter.finish());
        let contract = Writer::default().number(1, kind).bytes(2, &any.finish());
        let raw = Writer::default()
            .bytes(1, &self.reference.bytes)
            .bytes(4, &self.reference.hash)
            .number(8, above_zero(self.expiration_ms, "the expiration")?)
            .bytes(11, &contract.finish())
            .number(14, above_zero(self.timestamp_ms, "the timestamp")?)
            .number(18, fee_limit);
        Ok(raw.finish())
    }

    /// Its id: SHA-256 of the bytes, known before it is signed.
    pub fn txid(&self) -> Result<Txid, TransactionError> {
        Ok(Txid::from_bytes(sha256(&self.to_bytes()?)))
    }

    /// Signs it with the owner's key.
    pub fn sign(&self, key: &SecretKey) -> Result<SignedTransaction, TransactionError> {
        if key.address() != self.contract.owner() {
            return Err(TransactionError::Owner);
        }
        SignedTransaction::new(*self, key.sign(self.txid()?.as_bytes()))
    }

    /// Reads bytes back. Strict: what [`Transaction::to_bytes`] would not write in just this way is refused.
    pub fn read(bytes: &[u8]) -> Result<Self, TransactionError> {
        let transaction = read_raw(bytes).ok_or(TransactionError::Bytes("not a transfer of a token or of TRX"))?;
        if transaction.to_bytes()? != bytes {
            return Err(TransactionError::Bytes("not in the usual spelling"));
        }
        Ok(transaction)
    }
}

fn above_zero(number: i64, what: &'static str) -> Result<i64, TransactionError> {
    if number > 0 { Ok(number) } else { Err(TransactionError::NotPositive(what)) }
}

fn read_raw(bytes: &[u8]) -> Option<Transaction> {
    use Field::{Bytes, Number};
    let fields = read(bytes)?;
    let (start, fee_limit_sun) = match fields.as_slice() {
        [start @ .., (18, Number(fee_limit))] => (start, *fee_limit),
        all => (all, 0),
    };
    let [(1, Bytes(ref_bytes)), (4, Bytes(ref_hash)), (8, Number(expiration_ms)), (11, Bytes(contract)), (14, Number(timestamp_ms))] =
        start
    else {
        return None;
    };
    Some(Transaction {
        reference: RefBlock { bytes: (*ref_bytes).try_into().ok()?, hash: (*ref_hash).try_into().ok()? },
        expiration_ms: *expiration_ms,
        timestamp_ms: *timestamp_ms,
        fee_limit_sun,
        contract: read_contract(contract)?,
    })
}

fn read_contract(bytes: &[u8]) -> Option<Contract> {
    use Field::{Bytes, Number};
    let contract = read(bytes)?;
    let [(1, Number(kind)), (2, Bytes(any))] = contract.as_slice() else { return None };
    let any = read(any)?;
    let [(1, Bytes(url)), (2, Bytes(parameter))] = any.as_slice() else { return None };
    let url = std::str::from_utf8(url).ok()?;
    match (*kind, url, read(parameter)?.as_slice()) {
        (CONTRACT_CALL, CONTRACT_CALL_URL, [(1, Bytes(owner)), (2, Bytes(token)), (4, Bytes(call))]) => {
            let (to, units) = abi::read_transfer_call(call)?;
            Some(Contract::TokenTransfer { owner: Address::from_bytes(owner).ok()?, token: Address::from_bytes(token).ok()?, to, units })
        }
        (TRX_TRANSFER, TRX_TRANSFER_URL, [(1, Bytes(owner)), (2, Bytes(to)), (3, Number(sun))]) => {
            Some(Contract::TrxTransfer { owner: Address::from_bytes(owner).ok()?, to: Address::from_bytes(to).ok()?, sun: *sun })
        }
        _ => None,
    }
}

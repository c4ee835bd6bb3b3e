//! A signed transaction: the very bytes that go to a node, now and when they are sent again.

use crate::address::Address;
use crate::hash::sha256;
use crate::hex;
use crate::ids::Txid;
use crate::keys::Signature;
use crate::proto::{Field, Writer, read};
use crate::transaction::{Transaction, TransactionError};

/// A transaction with the signature of its owner. Made by [`Transaction::sign`] or read back from stored bytes; there is
/// none whose signature does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    transaction: Transaction,
    txid: Txid,
    bytes: Vec<u8>,
}

impl SignedTransaction {
    pub(crate) fn new(transaction: Transaction, signature: Signature) -> Result<Self, TransactionError> {
        let raw = transaction.to_bytes()?;
        let txid = Txid::from_bytes(sha256(&raw));
        if signature.signer(txid.as_bytes())? != transaction.contract.owner() {
            return Err(TransactionError::Owner);
        }
        let bytes = Writer::default().bytes(1, &raw).bytes(2, signature.as_bytes()).finish();
        Ok(Self { transaction, txid, bytes })
    }

    /// Reads stored bytes and checks all of them: a transfer of a token or of TRX, in the usual spelling, with exactly one
    /// signature, made by the owner.
    pub fn read(bytes: &[u8]) -> Result<Self, TransactionError> {
        let fields = read(bytes).ok_or(TransactionError::Bytes("damaged"))?;
        let [(1, Field::Bytes(raw)), (2, Field::Bytes(signature))] = fields.as_slice() else {
            return Err(TransactionError::Bytes("not a raw part and one signature"));
        };
        let signed = Self::new(Transaction::read(raw)?, Signature::from_bytes(signature)?)?;
        if signed.bytes != bytes {
            return Err(TransactionError::Bytes("not in the usual spelling"));
        }
        Ok(signed)
    }

    /// What it does, and until when.
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// Its id.
    pub const fn txid(&self) -> Txid {
        self.txid
    }

    /// Who signed: the owner, as was checked.
    pub const fn signer(&self) -> Address {
        self.transaction.contract.owner()
    }

    /// `Transaction` of java-tron's protocol: what is stored and what is sent.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes as `/wallet/broadcasthex` takes them.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.bytes)
    }
}

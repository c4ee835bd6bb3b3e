//! What is read back from storage is refused when a single bit of it is not what was signed.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use proptest::prelude::*;
use tron::{Address, BlockId, Contract, RefBlock, SecretKey, SignedTransaction, Transaction, TransactionError};

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

fn payment(units: i64) -> Transaction {
    let token = Address::from_evm([3; 20]);
    Transaction {
        reference: RefBlock::of(&BlockId::from_bytes([5; 32])),
        expiration_ms: 1_767_225_660_000,
        timestamp_ms: 1_767_225_600_000,
        fee_limit_sun: 30_000_000,
        contract: Contract::TokenTransfer { owner: key(1).address(), token, to: key(2).address(), units },
    }
}

#[test]
fn amounts_and_limits_below_one_are_refused() {
    let changes: [fn(&mut Transaction); 3] =
        [|payment| payment.fee_limit_sun = 0, |payment| payment.expiration_ms = -1, |payment| payment.timestamp_ms = 0];
    for change in changes {
        let mut payment = payment(1);
        change(&mut payment);
        assert!(matches!(payment.to_bytes(), Err(TransactionError::NotPositive(_))));
    }
    for units in [0, -1, i64::MIN] {
        assert_eq!(payment(units).sign(&key(1)), Err(TransactionError::NotPositive("the amount")));
    }
}

#[test]
fn only_the_owner_signs() {
    assert_eq!(payment(1).sign(&key(2)), Err(TransactionError::Owner));
}

#[test]
fn a_millisecond_makes_another_transaction() {
    let (first, mut second) = (payment(1), payment(1));
    assert_eq!(first.txid(), second.txid());
    second.timestamp_ms += 1;
    assert_ne!(first.txid(), second.txid());
}

#[test]
fn any_changed_bit_is_noticed() {
    let signed = payment(23_500_000).sign(&key(1)).unwrap();
    for at in 0..signed.bytes().len() * 8 {
        let mut bytes = signed.bytes().to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        assert!(SignedTransaction::read(&bytes).is_err(), "bit {at}");
    }
}

#[test]
fn a_second_signature_or_trailing_bytes_are_noticed() {
    let signed = payment(1).sign(&key(1)).unwrap();
    let signature = &signed.bytes()[signed.bytes().len() - 67..];
    assert!(SignedTransaction::read(&[signed.bytes(), signature].concat()).is_err());
    assert!(SignedTransaction::read(&[signed.bytes(), &[0x2a, 0x00]].concat()).is_err());
    assert!(SignedTransaction::read(&signed.bytes()[..signed.bytes().len() - 1]).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let _ = SignedTransaction::read(&bytes);
        let _ = Transaction::read(&bytes);
    }

    #[test]
    fn a_transaction_comes_back_from_its_bytes(
        block: [u8; 32], to: [u8; 20], token: [u8; 20], amount in 1..=i64::MAX,
        expiration_ms in 1..=i64::MAX, timestamp_ms in 1..=i64::MAX, fee in 1..=i64::MAX, trx: bool,
    ) {
        let (owner, to) = (key(1).address(), Address::from_evm(to));
        let contract = if trx {
            Contract::TrxTransfer { owner, to, sun: amount }
        } else {
            Contract::TokenTransfer { owner, token: Address::from_evm(token), to, units: amount }
        };
        let fee_limit_sun = if trx { 0 } else { fee };
        let reference = RefBlock::of(&BlockId::from_bytes(block));
        let transaction = Transaction { reference, expiration_ms, timestamp_ms, fee_limit_sun, contract };
        prop_assert_eq!(Transaction::read(&transaction.to_bytes().unwrap()), Ok(transaction));
    }
}

//! Whole bytes against values on which two clients written by others agree: tronweb and tronpy.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use serde_json::Value;
use tron::hex::{decode, decode_array, encode};
use tron::{
    AccountPublicKey, AccountSecretKey, Address, BlockId, Contract, RefBlock, SecretKey, Signature, SignedTransaction, Transaction,
};

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn trx_vectors() -> Value {
    serde_json::from_str(include_str!("trx_vectors.json")).unwrap()
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_else(|| panic!("{name} is no text"))
}

fn reference(of: &Value) -> RefBlock {
    let mut id = [0; 32];
    id[6..8].copy_from_slice(&decode(text(of, "ref_block_bytes")).unwrap());
    id[8..16].copy_from_slice(&decode(text(of, "ref_block_hash")).unwrap());
    RefBlock::of(&BlockId::from_bytes(id))
}

fn token_transfer(of: &Value) -> Transaction {
    Transaction {
        reference: RefBlock::of(&text(of, "ref_block_id").parse().unwrap()),
        expiration_ms: of["expiration"].as_i64().unwrap(),
        timestamp_ms: of["timestamp"].as_i64().unwrap(),
        fee_limit_sun: of["fee_limit"].as_i64().unwrap(),
        contract: Contract::TokenTransfer {
            owner: text(of, "owner_address").parse().unwrap(),
            token: text(of, "contract_address").parse().unwrap(),
            to: text(of, "to_address").parse().unwrap(),
            units: text(of, "amount_units").parse().unwrap(),
        },
    }
}

fn trx_transfer(of: &Value) -> Transaction {
    Transaction {
        reference: reference(of),
        expiration_ms: of["expiration"].as_i64().unwrap(),
        timestamp_ms: of["timestamp"].as_i64().unwrap(),
        fee_limit_sun: 0,
        contract: Contract::TrxTransfer {
            owner: text(of, "owner_address").parse().unwrap(),
            to: text(of, "to_address").parse().unwrap(),
            sun: text(of, "amount_sun").parse().unwrap(),
        },
    }
}

#[test]
fn words_lead_to_the_known_account_and_its_addresses() {
    let vectors = vectors();
    let secret = AccountSecretKey::from_mnemonic(text(&vectors, "mnemonic"), text(&vectors, "passphrase")).unwrap();
    assert_eq!(*secret.to_text(), text(&vectors, "account_xprv"));
    assert_eq!(secret.public().to_string(), text(&vectors, "account_xpub"));

    let public = AccountPublicKey::parse(text(&vectors, "account_xpub")).unwrap();
    for account in vectors["accounts"].as_array().unwrap() {
        let index = u32::try_from(account["index"].as_u64().unwrap()).unwrap();
        let key = secret.key(index).unwrap();
        // One client leaves a leading zero of the private key out.
        assert_eq!(encode(&*key.to_bytes()), format!("{:0>64}", text(account, "privateKey")));
        assert_eq!(encode(&key.public_key()), format!("{:0>128}", text(account, "publicKey")));
        assert_eq!(key.address().to_hex(), text(account, "addressHex"));
        assert_eq!(public.address(index).unwrap().to_string(), text(account, "address"));
    }
}

#[test]
fn the_public_key_of_the_chain_below_an_account_is_not_taken_for_the_account() {
    assert!(AccountPublicKey::parse(text(&vectors(), "external_chain_xpub")).is_err());
}

#[test]
fn token_transfers_have_the_known_bytes_ids_and_signatures() {
    for known in vectors()["transactions"].as_array().unwrap() {
        let transaction = token_transfer(known);
        assert_eq!(encode(&transaction.reference.bytes()), text(known, "ref_block_bytes"));
        assert_eq!(encode(&transaction.reference.hash()), text(known, "ref_block_hash"));
        assert_eq!(encode(&transaction.to_bytes().unwrap()), text(known, "raw_data_hex"), "{}", text(known, "note"));
        assert_eq!(transaction.txid().unwrap().to_string(), text(known, "txID"));
        let key = SecretKey::from_hex(&format!("{:0>64}", text(known, "private_key"))).unwrap();
        let signed = transaction.sign(&key).unwrap();
        assert_eq!(signed.to_hex(), text(known, "signed_tx_hex"));
        assert_eq!(signed.signer().to_hex(), text(known, "owner_address_hex"));
        assert_eq!(SignedTransaction::read(signed.bytes()).unwrap(), signed);
    }
}

#[test]
fn the_signatures_of_both_clients_name_the_owner() {
    for known in vectors()["transactions"].as_array().unwrap() {
        let hash = decode_array(text(known, "txID")).unwrap();
        let owner: Address = text(known, "owner_address").parse().unwrap();
        for name in ["signature", "signature_tronpy"] {
            let signature = Signature::from_bytes(&decode(text(known, name)).unwrap()).unwrap();
            assert_eq!(signature.signer(&hash), Ok(owner));
        }
    }
}

#[test]
fn trx_transfers_have_the_known_bytes_ids_and_signatures() {
    for known in trx_vectors()["transactions"].as_array().unwrap() {
        let transaction = trx_transfer(known);
        assert_eq!(encode(&transaction.to_bytes().unwrap()), text(known, "raw_data_hex"));
        assert_eq!(transaction.txid().unwrap().to_string(), text(known, "txID"));
        let key = SecretKey::from_hex(&format!("{:0>64}", text(known, "private_key"))).unwrap();
        let signed = transaction.sign(&key).unwrap();
        assert!(signed.to_hex().ends_with(text(known, "signature")));
        assert_eq!(SignedTransaction::read(signed.bytes()).unwrap(), signed);
    }
}

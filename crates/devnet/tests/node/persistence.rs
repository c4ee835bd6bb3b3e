//! A chain on disk: it comes back as it was, and what is damaged is not guessed at.

use std::io::Write as _;

use devnet::{Devnet, JournalError, Settings};
use serde_json::json;

use crate::support::{fund, key, node, order, payment, settings, tip};

fn kept(folder: &std::path::Path) -> Settings {
    Settings { folder: Some(folder.to_owned()), ..settings() }
}

#[tokio::test]
async fn a_chain_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let devnet = Devnet::open(kept(folder.path())).unwrap();
    fund(&devnet, &key(1));
    node(&devnet, 0).broadcast(&payment(&devnet, &key(1), key(2).address(), 7).await).await;
    devnet.mine(1).unwrap();
    order(&devnet, "reorg", &json!({ "depth": 1 }));
    order(&devnet, "energy_price", &json!({ "sun": 42 }));
    devnet.mine(4).unwrap();
    let before = (order(&devnet, "truth", &json!({})), devnet.genesis_id(), tip(&devnet).await, node(&devnet, 0).head().await.unwrap());
    drop(devnet);

    // Another salt is of no account: the chain exists already.
    let again = Devnet::open(Settings { salt: 99, ..kept(folder.path()) }).unwrap();
    let after = (order(&again, "truth", &json!({})), again.genesis_id(), tip(&again).await, node(&again, 0).head().await.unwrap());
    assert_eq!(before, after);
    assert_eq!(node(&again, 0).chain_parameters().await.unwrap().energy_price_sun, 42);
    node(&again, 0).broadcast(&payment(&again, &key(1), key(2).address(), 8).await).await;
    again.mine(3).unwrap();
    assert_eq!(order(&again, "truth", &json!({}))["usdt"][key(2).address().to_string()], "0.000015");
}

#[tokio::test]
async fn half_a_line_at_the_end_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let devnet = Devnet::open(kept(folder.path())).unwrap();
    devnet.mine(3).unwrap();
    drop(devnet);
    let path = folder.path().join("chain.jsonl");
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(br#"{"block":{"number":4,"#).unwrap();
    let again = Devnet::open(kept(folder.path())).unwrap();
    assert_eq!(again.mine(1).unwrap().0, 4);
    drop(again);
    assert_eq!(Devnet::open(kept(folder.path())).unwrap().mine(1).unwrap().0, 5);
}

#[test]
fn a_damaged_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let devnet = Devnet::open(kept(folder.path())).unwrap();
    devnet.mine(3).unwrap();
    drop(devnet);
    let path = folder.path().join("chain.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    for (damage, line) in [
        (text.replace("\"number\":2", "\"number\":7"), 3),
        (text.replacen("block", "blokc", 1), 2),
        (text[text.find('\n').unwrap() + 1..].to_owned(), 1),
    ] {
        std::fs::write(&path, damage).unwrap();
        let error = Devnet::open(kept(folder.path())).unwrap_err();
        assert!(matches!(&error, JournalError::Damaged { line: found, .. } if *found == line), "{error}");
    }
}

#[test]
fn two_nodes_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = Devnet::open(kept(folder.path())).unwrap();
    assert!(matches!(Devnet::open(kept(folder.path())), Err(JournalError::InUse(_))));
    drop(first);
    Devnet::open(kept(folder.path())).unwrap();
}

#[test]
fn two_chains_have_two_births() {
    let first = Devnet::open(settings()).unwrap();
    let second = Devnet::open(Settings { salt: 8, ..settings() }).unwrap();
    assert_ne!(first.genesis_id(), second.genesis_id());
}

//! What a node takes and what it refuses, and when a transaction can still get into a block.

use devnet::{Devnet, Settings};
use serde_json::json;
use tron::node::{Lookup, Verdict};
use tron::{BlockId, RefBlock};

use crate::support::{START_MS, ask, devnet, draft, fund, key, node, order, payment, pool, settings, tip};

async fn code_of(devnet: &devnet::Devnet, change: impl Fn(&mut tron::Transaction)) -> String {
    let mut draft = draft(devnet, &key(1), key(2).address(), 1).await;
    change(&mut draft);
    node(devnet, 0).broadcast(&draft.sign(&key(1)).unwrap()).await.code
}

#[tokio::test]
async fn expiration_lies_between_the_next_slot_and_a_day_from_the_head() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let head = node(&devnet, 0).head().await.unwrap().timestamp_ms;
    let cases = [
        (head + 2_999, "TRANSACTION_EXPIRATION_ERROR"),
        (head + 3_000, "SUCCESS"),
        (head + 86_400_000, "SUCCESS"),
        (head + 86_400_001, "TRANSACTION_EXPIRATION_ERROR"),
        (head - 1, "TRANSACTION_EXPIRATION_ERROR"),
    ];
    for (expiration_ms, expected) in cases {
        assert_eq!(code_of(&devnet, |draft| draft.expiration_ms = expiration_ms).await, expected, "head {:+}", expiration_ms - head);
    }
}

#[tokio::test]
async fn a_reference_block_is_one_of_the_chain() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let other = RefBlock::of(&BlockId::from_bytes([9; 32]));
    assert_eq!(code_of(&devnet, |draft| draft.reference = other).await, "TAPOS_ERROR");
    let genesis: BlockId = devnet.genesis_id().parse().unwrap();
    assert_eq!(code_of(&devnet, |draft| draft.reference = RefBlock::of(&genesis)).await, "SUCCESS");
}

#[tokio::test]
async fn a_reference_block_is_not_older_than_65_536() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let genesis: BlockId = devnet.genesis_id().parse().unwrap();
    devnet.mine(65_535 - 3).unwrap();
    assert_eq!(code_of(&devnet, |draft| draft.reference = RefBlock::of(&genesis)).await, "SUCCESS");
    devnet.mine(1).unwrap();
    assert_eq!(code_of(&devnet, |draft| draft.reference = RefBlock::of(&genesis)).await, "TAPOS_ERROR");
}

#[tokio::test]
async fn the_owner_has_to_sign_and_once_is_enough() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let signed = payment(&devnet, &key(1), key(2).address(), 1).await;
    let with = |signatures: &[&[u8]]| {
        let mut bytes = signed.bytes()[..signed.bytes().len() - 67].to_vec();
        for signature in signatures {
            bytes.extend([&[0x12, 0x41], *signature].concat());
        }
        ask(&devnet, "/wallet/broadcasthex", &json!({ "transaction": tron::hex::encode(&bytes) }))["code"].clone()
    };
    let right = *key(1).sign(signed.txid().as_bytes()).as_bytes();
    let wrong = *key(2).sign(signed.txid().as_bytes()).as_bytes();
    assert_eq!((with(&[]), with(&[&wrong]), with(&[&right, &right])), (json!("SIGERROR"), json!("SIGERROR"), json!("SIGERROR")));
    let mut zero_based = right;
    zero_based[64] -= 27;
    assert_eq!((with(&[&zero_based]), with(&[&right])), (json!("SUCCESS"), json!("DUP_TRANSACTION_ERROR")));
}

#[tokio::test]
async fn the_same_bytes_are_a_duplicate_while_they_wait_and_afterwards() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let node = node(&devnet, 0);
    let signed = payment(&devnet, &key(1), key(2).address(), 1).await;
    assert_eq!(node.broadcast(&signed).await.verdict, Verdict::Accepted);
    assert_eq!(node.broadcast(&signed).await.verdict, Verdict::Known);
    devnet.mine(1).unwrap();
    assert_eq!(node.broadcast(&signed).await.verdict, Verdict::Known);
    let truth = order(&devnet, "truth", &json!({}));
    assert_eq!(truth["usdt"][key(2).address().to_string()], "0.000001");
}

#[tokio::test]
async fn the_pool_forgets_after_a_minute_and_takes_the_same_bytes_again() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let node = node(&devnet, 0);
    let mut draft = draft(&devnet, &key(1), key(2).address(), 1).await;
    draft.expiration_ms = START_MS + 600_000;
    let signed = draft.sign(&key(1)).unwrap();
    assert_eq!(node.broadcast(&signed).await.verdict, Verdict::Accepted);
    order(&devnet, "time", &json!({ "advance_ms": 60_001 }));
    devnet.mine(3).unwrap();
    assert!(node.solid_transaction(signed.txid()).await.unwrap().is_none());
    assert_eq!(node.broadcast(&signed).await.verdict, Verdict::Accepted);
    devnet.mine(3).unwrap();
    assert!(node.solid_transaction(signed.txid()).await.unwrap().is_some());
}

#[tokio::test]
async fn the_last_legal_block_has_a_parent_just_before_the_expiration() {
    for (ahead_ms, lands) in [(59_998, true), (59_999, false)] {
        let devnet = Devnet::open(Settings { pool_keeps_ms: 120_000, ..settings() }).unwrap();
        fund(&devnet, &key(1));
        let mut draft = draft(&devnet, &key(1), key(2).address(), 1).await;
        let head = node(&devnet, 0).head().await.unwrap().timestamp_ms;
        draft.expiration_ms = head + 60_000;
        let signed = draft.sign(&key(1)).unwrap();
        assert_eq!(node(&devnet, 0).broadcast(&signed).await.verdict, Verdict::Accepted);
        order(&devnet, "hold", &json!({ "holding": true }));
        // The clock stands at the time of the first blocks, which ran ahead of it by a few milliseconds.
        order(&devnet, "time", &json!({ "advance_ms": head + ahead_ms + 1 - START_MS }));
        devnet.mine(1).unwrap();
        let parent = node(&devnet, 0).head().await.unwrap();
        assert_eq!(parent.timestamp_ms, head + ahead_ms + 1);
        order(&devnet, "hold", &json!({ "holding": false }));
        devnet.mine(3).unwrap();
        let found = node(&devnet, 0).solid_transaction(signed.txid()).await.unwrap();
        assert_eq!(found.is_some(), lands);
        if !lands {
            assert!(tip(&devnet).await.timestamp_ms >= draft.expiration_ms, "the proof that it is dead");
            assert!(matches!(pool(&devnet, 2, 1).solid_transaction(signed.txid(), 2).await, Lookup::Absent { by } if by.len() == 2));
        }
    }
}

#[tokio::test]
async fn a_fork_sends_transactions_back_to_the_pool_or_loses_them() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let node = node(&devnet, 0);
    let signed = payment(&devnet, &key(1), key(2).address(), 1).await;
    node.broadcast(&signed).await;
    let (number, _) = devnet.mine(1).unwrap();
    let (before, solid) = (node.head().await.unwrap(), node.solid_tip().await.unwrap());
    order(&devnet, "reorg", &json!({ "depth": 2 }));
    let after = node.head().await.unwrap();
    assert_eq!((before.number(), before.timestamp_ms), (after.number(), after.timestamp_ms));
    assert_ne!(before.id, after.id);
    assert_eq!(node.solid_tip().await.unwrap(), solid, "what is solid stays");
    devnet.mine(3).unwrap();
    let (landed, _) = node.solid_transaction(signed.txid()).await.unwrap().unwrap();
    assert_eq!(landed, number + 1);

    let second = payment(&devnet, &key(1), key(3).address(), 1).await;
    node.broadcast(&second).await;
    devnet.mine(1).unwrap();
    order(&devnet, "reorg", &json!({ "depth": 1, "drop": true }));
    devnet.mine(4).unwrap();
    assert!(node.solid_transaction(second.txid()).await.unwrap().is_none());
}

#[tokio::test]
async fn solid_blocks_are_replaced_only_by_force() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    devnet.mine(5).unwrap();
    let refused = devnet.request(0, "/devnet/reorg", br#"{"depth":4}"#);
    assert_eq!(refused.status, 409);
    let old = tip(&devnet).await;
    order(&devnet, "reorg", &json!({ "depth": 6, "break_solid": true }));
    let new = tip(&devnet).await;
    assert_eq!(old.number(), new.number());
    assert_ne!(old.id, new.id);
    devnet.mine(3).unwrap();
    assert_eq!(node(&devnet, 0).account(key(1).address()).await.unwrap().unwrap().balance_sun, 1_000_000_000);
}

#[tokio::test]
async fn the_solid_block_follows_the_head_at_a_distance() {
    let devnet = devnet();
    let mut solid = 0;
    for head in 1..=6_u64 {
        assert_eq!(devnet.mine(1).unwrap(), (head, head.saturating_sub(2)));
        let tip = tip(&devnet).await.number();
        assert!(tip >= solid && tip < head.max(1));
        solid = tip;
    }
    order(&devnet, "halt", &json!({}));
    assert_eq!(node(&devnet, 0).head().await.unwrap().number(), 6);
}

#[tokio::test]
async fn a_fork_of_any_depth_above_the_solid_block_undoes_without_a_trace() {
    let devnet = Devnet::open(Settings { solid_lag: 19, ..settings() }).unwrap();
    fund(&devnet, &key(1));
    devnet.mine(19).unwrap();
    for depth in 1..=18 {
        let signed = payment(&devnet, &key(1), key(2).address(), depth).await;
        assert_eq!(node(&devnet, 0).broadcast(&signed).await.verdict, Verdict::Accepted);
        devnet.mine(depth.unsigned_abs()).unwrap();
        assert!(node(&devnet, 0).solid_transaction(signed.txid()).await.unwrap().is_none(), "not solid at depth {depth}");
        order(&devnet, "reorg", &json!({ "depth": depth, "drop": true }));
        devnet.mine(20).unwrap();
        assert!(node(&devnet, 0).solid_transaction(signed.txid()).await.unwrap().is_none(), "gone after a fork of depth {depth}");
    }
    assert_eq!(order(&devnet, "truth", &json!({}))["usdt"].get(key(2).address().to_string()), None);
    let balance = node(&devnet, 0).account(key(1).address()).await.unwrap().unwrap().balance_sun;
    assert_eq!(balance, 1_000_000_000, "no fee is paid for what never was");
}

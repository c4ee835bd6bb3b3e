//! Each fault, as the client notices it.

use devnet::{Kind, Rule};
use tron::node::{PoolError, Trouble, Verdict};

use crate::support::{devnet, fund, key, node, order, payment, pool};

/// A fault, and whether it was noticed for what it is.
type Lie = (Kind, fn(&Trouble) -> bool);

fn rule(kind: Kind) -> Rule {
    Rule { provider: Some(0), endpoint: None, times: None, kind }
}

#[tokio::test]
async fn a_lying_provider_is_named_and_the_other_one_covers() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let number = 1;
    let truth = node(&devnet, 1).solid_block(number).await.unwrap();
    assert_eq!(truth.transactions.len(), 2);
    let incomplete = |infos, missing| Trouble::Incomplete { number, transactions: 2, infos, missing };
    let cases: [Lie; 12] = [
        (Kind::Stale { blocks: 3 }, |trouble| *trouble == Trouble::UnknownBlock(1)),
        (Kind::Status { code: 429 }, |trouble| matches!(trouble, Trouble::RateLimited { .. })),
        (Kind::Status { code: 500 }, |trouble| *trouble == Trouble::Status(500)),
        (Kind::Status { code: 503 }, |trouble| *trouble == Trouble::Status(503)),
        (Kind::Html, |trouble| matches!(trouble, Trouble::NotJson(text) if text.starts_with("<html>"))),
        (Kind::Truncated, |trouble| matches!(trouble, Trouble::NotJson(_))),
        (Kind::Error, |trouble| matches!(trouble, Trouble::Reported(_))),
        (Kind::LiteNode, |trouble| *trouble == Trouble::LiteNode),
        (Kind::Slow { ms: 60_000 }, |trouble| *trouble == Trouble::Timeout),
        (Kind::HangUp, |trouble| matches!(trouble, Trouble::Connection(_))),
        (Kind::InfosOfAnotherBlock, |trouble| matches!(trouble, Trouble::Incomplete { missing: 2, .. })),
        (Kind::EmptyInfos, |trouble| matches!(trouble, Trouble::Incomplete { infos: 0, .. })),
    ];
    for (kind, fits) in cases {
        devnet.set_faults(vec![rule(kind.clone())]);
        let error = node(&devnet, 0).solid_block(number).await.unwrap_err();
        assert!(fits(&error.trouble), "{kind:?}: {error}");
        assert_eq!(pool(&devnet, 2, 1).solid_block(number, None).await.unwrap(), truth, "{kind:?}");
    }
    devnet.set_faults(vec![rule(Kind::DropOneInfo)]);
    assert_eq!(node(&devnet, 0).solid_block(number).await.unwrap_err().trouble, incomplete(1, 1));
}

#[tokio::test]
async fn tips_that_are_behind_or_invented_move_nobody() {
    let devnet = devnet();
    devnet.mine(9).unwrap();
    devnet.set_faults(vec![rule(Kind::Stale { blocks: 4 })]);
    assert_eq!(pool(&devnet, 2, 1).solid_tip(7).await.unwrap().number(), 7);
    assert!(matches!(pool(&devnet, 1, 1).solid_tip(7).await, Err(PoolError::NoAnswer(_))));
    devnet.set_faults(vec![rule(Kind::Future { blocks: 50 })]);
    assert_eq!(pool(&devnet, 2, 1).solid_tip(7).await.unwrap().number(), 7, "so many blocks take time");
    assert_eq!(pool(&devnet, 1, 1).solid_tip(7).await.unwrap().number(), 57, "one provider alone is believed about the tip");
    assert!(pool(&devnet, 2, 1).solid_block(8, None).await.is_err(), "but there is no block there to book");
    assert_eq!(pool(&devnet, 2, 2).solid_tip(7).await.unwrap().number(), 7);
}

#[tokio::test]
async fn providers_that_disagree_stop_a_quorum() {
    let devnet = devnet();
    devnet.mine(5).unwrap();
    devnet.set_faults(vec![rule(Kind::OtherId)]);
    assert!(matches!(pool(&devnet, 2, 2).solid_block(2, None).await, Err(PoolError::Disagree { number: 2, .. })));
    let truth = node(&devnet, 1).solid_block(2).await.unwrap();
    assert_eq!(pool(&devnet, 3, 2).solid_block(2, None).await.unwrap(), truth, "unless enough of them agree");
    devnet.set_faults(vec![rule(Kind::WrongParent)]);
    let below = node(&devnet, 1).solid_header(1).await.unwrap().id;
    assert!(matches!(pool(&devnet, 1, 1).solid_block(2, Some(below)).await, Err(PoolError::Contradiction(_))));
    assert!(pool(&devnet, 2, 1).solid_block(2, Some(below)).await.is_ok(), "somebody continues it");
}

#[tokio::test]
async fn replies_to_a_broadcast_mean_little() {
    let refuse = |code: &str| Kind::Refuse { code: code.into() };
    let cases = [
        (Kind::AcceptThenTimeout, Verdict::Unclear, true),
        (Kind::AcceptThenDrop, Verdict::Accepted, false),
        (Kind::AcceptThenRefuse { code: "NOT_ENOUGH_EFFECTIVE_CONNECTION".into() }, Verdict::Unclear, true),
        (refuse("NOT_ENOUGH_EFFECTIVE_CONNECTION"), Verdict::Unclear, false),
        (refuse("SERVER_BUSY"), Verdict::Unclear, false),
        (refuse("BLOCK_UNSOLIDIFIED"), Verdict::Unclear, false),
        (refuse("CONTRACT_EXE_ERROR"), Verdict::Refused, false),
        (refuse("DUP_TRANSACTION_ERROR"), Verdict::Known, false),
        (Kind::HangUp, Verdict::Unclear, true),
        (Kind::Truncated, Verdict::Unclear, true),
        (Kind::Html, Verdict::Unclear, false),
        (Kind::Status { code: 500 }, Verdict::Unclear, false),
    ];
    for (kind, verdict, lands) in cases {
        let devnet = devnet();
        fund(&devnet, &key(1));
        let signed = payment(&devnet, &key(1), key(2).address(), 1).await;
        devnet.set_faults(vec![rule(kind.clone())]);
        assert_eq!(node(&devnet, 0).broadcast(&signed).await.verdict, verdict, "{kind:?}");
        devnet.set_faults(Vec::new());
        devnet.mine(3).unwrap();
        let landed = node(&devnet, 0).solid_transaction(signed.txid()).await.unwrap().is_some();
        assert_eq!(landed, lands, "{kind:?}");
    }
}

#[tokio::test]
async fn a_duplicate_may_be_something_that_never_passed() {
    let devnet = devnet();
    let signed = payment(&devnet, &key(1), key(2).address(), 1).await;
    devnet.set_faults(vec![rule(Kind::DupBeforeValidation)]);
    assert_eq!(node(&devnet, 0).broadcast(&signed).await.verdict, Verdict::Refused, "nobody has funded the sender");
    assert_eq!(node(&devnet, 0).broadcast(&signed).await.verdict, Verdict::Known);
    devnet.mine(3).unwrap();
    assert!(node(&devnet, 0).solid_transaction(signed.txid()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_fault_strikes_as_often_as_it_says() {
    let devnet = devnet();
    devnet.mine(3).unwrap();
    let rules = serde_json::json!({ "rules": [{ "endpoint": "getnowblock", "kind": "status", "code": 503, "times": 2 }] });
    order(&devnet, "faults", &rules);
    assert_eq!(order(&devnet, "faults", &serde_json::json!({}))["rules"][0]["times"], 2);
    for expected in [false, false, true, true] {
        assert_eq!(node(&devnet, 1).solid_tip().await.is_ok(), expected);
    }
    assert_eq!(devnet.request(0, "/devnet/faults", br#"{"rules":[{"kind":"nonsense"}]}"#).status, 400);
}

#[tokio::test]
async fn solid_history_that_changes_is_a_contradiction() {
    let devnet = devnet();
    devnet.mine(6).unwrap();
    let below = node(&devnet, 0).solid_header(3).await.unwrap().id;
    order(&devnet, "reorg", &serde_json::json!({ "depth": 4, "break_solid": true }));
    devnet.mine(3).unwrap();
    assert!(matches!(pool(&devnet, 2, 2).solid_block(4, Some(below)).await, Err(PoolError::Contradiction(_))));
}

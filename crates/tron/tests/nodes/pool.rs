//! What several providers together are worth.

use serde_json::{Value, json};
use tron::node::{Lookup, Pool, PoolError, TransportFailure, Trouble};

use crate::support::{BLOCK, INFOS, TIP, block, block_id, header, info, infos, node, reply, txid};

#[tokio::test]
async fn the_next_provider_covers_for_one_that_fails() {
    let (first, _) = node("first", &[(BLOCK, block(5, &[1])), (INFOS, "[]".into()), (TIP, header(9, 1).to_string())]);
    let (second, answers) = node("second", &[(BLOCK, block(5, &[1])), (INFOS, infos(&[info(5, 1)])), (TIP, header(8, 1).to_string())]);
    let pool = Pool::new(vec![first, second], 1);
    assert_eq!(pool.solid_block(5, None).await.unwrap().transactions.len(), 1);
    assert_eq!(pool.solid_tip(0).await.unwrap().number(), 9);
    answers.lock().unwrap().insert(INFOS, reply(500, ""));
    let error = pool.solid_block(5, None).await.unwrap_err().to_string();
    assert!(error.contains("first: block 5 has 1 transactions") && error.contains("second: HTTP status 500"), "{error}");
}

#[tokio::test]
async fn a_quorum_has_to_agree() {
    let (first, _) = node("first", &[(BLOCK, block(5, &[])), (INFOS, "[]".into()), (TIP, header(9, 1).to_string())]);
    let (second, answers) = node("second", &[(BLOCK, header(5, 1).to_string()), (INFOS, "[]".into()), (TIP, header(7, 1).to_string())]);
    let pool = Pool::new(vec![first, second], 2);
    assert_eq!(pool.solid_block(5, None).await.unwrap().header.id, block_id(5, 1));
    assert_eq!(pool.solid_tip(7).await.unwrap().number(), 7);
    assert!(
        matches!(pool.solid_tip(8).await, Err(PoolError::NoAnswer(errors)) if errors[0].trouble == Trouble::Behind { tip: 7, floor: 8 })
    );
    answers.lock().unwrap().insert(BLOCK, reply(200, &header(5, 2).to_string()));
    assert!(matches!(pool.solid_block(5, None).await, Err(PoolError::Disagree { number: 5, .. })));
    answers.lock().unwrap().insert(BLOCK, Err(TransportFailure::Timeout));
    assert!(matches!(pool.solid_block(5, None).await, Err(PoolError::NoAnswer(_))));
}

/// Block 5 with two transactions; told as it is, or not quite.
fn told(spoil: fn(&mut Value, &mut Vec<Value>)) -> [(&'static str, String); 2] {
    let (mut block, mut list) = (serde_json::from_str(&block(5, &[1, 2])).unwrap(), vec![info(5, 1), info(5, 2)]);
    spoil(&mut block, &mut list);
    [(BLOCK, block.to_string()), (INFOS, infos(&list))]
}

const LIES: [fn(&mut Value, &mut Vec<Value>); 6] = [
    |block, _| block["block_header"]["raw_data"]["timestamp"] = 1_900_000_000_000_u64.into(),
    |block, list| {
        block["transactions"].as_array_mut().unwrap().pop();
        list.pop();
    },
    |_, list| list[0]["log"][0]["data"] = "ff".repeat(32).into(),
    |_, list| list[1]["log"] = json!([]),
    |_, list| list[0]["receipt"]["result"] = "REVERT".into(),
    |_, list| list[0]["fee"] = 1.into(),
];

#[tokio::test]
async fn what_is_in_a_block_is_agreed_upon_not_only_its_id() {
    let honest = |name: &str| node(name, &told(|_, _| ())).0;
    let truth = honest("any").solid_block(5).await.unwrap();
    for lie in LIES {
        let liar = || node("liar", &told(lie)).0;
        assert_eq!(liar().solid_block(5).await.unwrap().header.id, truth.header.id);
        for nodes in [[liar(), honest("b"), honest("c")], [honest("a"), liar(), honest("c")]] {
            assert_eq!(Pool::new(nodes.to_vec(), 2).solid_block(5, None).await.unwrap(), truth);
        }
        let error = Pool::new(vec![honest("a"), liar()], 2).solid_block(5, None).await.unwrap_err();
        assert!(matches!(&error, PoolError::Disagree { number: 5, one, other, .. } if one == other), "{error}");
        let said = format!("a and liar tell different things of block 5, which both call {}", truth.header.id);
        assert_eq!(error.to_string(), said);
    }
    // Two are enough; the third, who would not expect it, is not asked.
    let pool = Pool::new(vec![honest("a"), honest("b"), node("c", &[]).0], 2);
    assert_eq!(pool.solid_block(5, None).await.unwrap(), truth);
}

#[tokio::test]
async fn one_that_dissents_stops_nobody_while_enough_agree() {
    let of = |name: &str, fork: u8| node(name, &[(BLOCK, header(5, fork).to_string()), (INFOS, "[]".into())]);
    let ((a, first), (b, _), (c, third)) = (of("a", 2), of("b", 1), of("c", 1));
    let pool = Pool::new(vec![a, b, c], 2);
    assert_eq!(pool.solid_block(5, None).await.unwrap().header.id, block_id(5, 1), "the first one is outvoted");
    third.lock().unwrap().insert(BLOCK, reply(500, ""));
    let error = pool.solid_block(5, None).await.unwrap_err();
    let said = format!("a says that block 5 is {}, b says {}", block_id(5, 2), block_id(5, 1));
    assert_eq!(error.to_string(), said, "all were asked, and nobody has a second");
    third.lock().unwrap().insert(BLOCK, reply(200, &header(5, 3).to_string()));
    assert!(matches!(pool.solid_block(5, None).await, Err(PoolError::Disagree { .. })));
    first.lock().unwrap().insert(BLOCK, reply(500, ""));
    third.lock().unwrap().insert(BLOCK, reply(500, ""));
    assert!(
        matches!(pool.solid_block(5, None).await, Err(PoolError::NoAnswer(errors)) if errors.len() == 2),
        "one alone contradicts nobody"
    );
}

#[tokio::test]
async fn a_block_stands_on_the_one_below_it_or_history_is_in_doubt() {
    let (liar, answers) = node("liar", &[(BLOCK, header(5, 2).to_string()), (INFOS, "[]".into())]);
    let (honest, silent) = node("honest", &[(BLOCK, block(5, &[])), (INFOS, "[]".into())]);
    let below = Some(block_id(4, 1));
    let both = Pool::new(vec![liar.clone(), honest], 1);
    assert_eq!(both.solid_block(5, below).await.unwrap().header.id, block_id(5, 1), "the liar is passed over");
    silent.lock().unwrap().insert(BLOCK, Err(TransportFailure::Timeout));
    assert!(matches!(both.solid_block(5, below).await, Err(PoolError::NoAnswer(_))), "the honest one may answer later");
    let alone = Pool::new(vec![liar], 1);
    let error = alone.solid_block(5, below).await.unwrap_err();
    let trouble = Trouble::OtherParent { number: 5, expected: block_id(4, 1), got: block_id(4, 2) };
    assert!(matches!(&error, PoolError::Contradiction(error) if error.trouble == trouble), "{error}");
    answers.lock().unwrap().insert(BLOCK, reply(500, ""));
    assert!(matches!(alone.solid_block(5, below).await, Err(PoolError::NoAnswer(_))), "silence is no contradiction");
}

#[tokio::test]
async fn every_provider_that_answers_is_on_the_same_network() {
    let (first, silent) = node("first", &[(BLOCK, header(0, 1).to_string())]);
    let (second, answers) = node("second", &[(BLOCK, header(0, 1).to_string())]);
    let pool = Pool::new(vec![first, second], 1);
    assert_eq!(pool.genesis().await.unwrap(), block_id(0, 1));
    answers.lock().unwrap().insert(BLOCK, reply(200, &header(0, 2).to_string()));
    assert!(matches!(pool.genesis().await, Err(PoolError::Disagree { number: 0, .. })));
    silent.lock().unwrap().insert(BLOCK, Err(TransportFailure::Timeout));
    assert_eq!(pool.genesis().await.unwrap(), block_id(0, 2), "what is silent says nothing");
    answers.lock().unwrap().insert(BLOCK, reply(500, ""));
    assert!(matches!(pool.genesis().await, Err(PoolError::NoAnswer(errors)) if errors.len() == 2));
}

#[tokio::test]
async fn absence_needs_witnesses_and_presence_one() {
    const INFO: &str = "walletsolidity/gettransactioninfobyid";
    let (first, _) = node("first", &[(INFO, "{}".into())]);
    let (second, answers) = node("second", &[(INFO, "{}".into())]);
    let pool = Pool::new(vec![first, second], 1);
    assert!(matches!(pool.solid_transaction(txid(1), 2).await, Lookup::Absent { by } if by.len() == 2));
    answers.lock().unwrap().insert(INFO, reply(429, ""));
    assert!(matches!(pool.solid_transaction(txid(1), 2).await, Lookup::Unclear(_)));
    assert!(matches!(pool.solid_transaction(txid(1), 1).await, Lookup::Absent { .. }));
    answers.lock().unwrap().insert(INFO, reply(200, &info(5, 1).to_string()));
    assert!(matches!(pool.solid_transaction(txid(1), 1).await, Lookup::Found { block: 5, .. }));
    // An answer about another transaction says nothing about this one.
    assert!(matches!(pool.solid_transaction(txid(2), 2).await, Lookup::Unclear(_)));
}

#[tokio::test]
async fn one_that_is_late_is_asked_about_the_present_last() {
    const ACCOUNT: &str = "walletsolidity/getaccount";
    let of = |name: &str, tip: u64, sun: i64| {
        node(name, &[(TIP, header(tip, 1).to_string()), (ACCOUNT, json!({ "address": "41", "balance": sun }).to_string())])
    };
    let ((a, first), (b, second), (c, third)) = (of("a", 100, 1), of("b", 105, 2), of("c", 106, 3));
    let pool = Pool::new(vec![a, b, c], 1);
    let has = async || pool.clone().account(tron::Address::ZERO).await.unwrap().unwrap().balance_sun;
    assert_eq!(has().await, 1, "nothing is known of them yet");
    pool.solid_tip(100).await.unwrap();
    assert_eq!(has().await, 1, "what others name may be true or not");
    pool.solid_tip(105).await.unwrap();
    assert_eq!(has().await, 1, "nodes are never equally far");
    pool.solid_tip(106).await.unwrap();
    assert_eq!(has().await, 2, "the first one stands still");
    pool.solid_tip(0).await.unwrap();
    assert_eq!(has().await, 2, "and it does so whatever was asked for since");
    second.lock().unwrap().insert(ACCOUNT, reply(500, ""));
    third.lock().unwrap().insert(ACCOUNT, Err(TransportFailure::Timeout));
    assert_eq!(has().await, 1, "old news when there are no others");
    second.lock().unwrap().insert(ACCOUNT, reply(200, "{}"));
    first.lock().unwrap().insert(TIP, reply(200, &header(107, 1).to_string()));
    pool.solid_tip(106).await.unwrap();
    assert_eq!(has().await, 1, "it has caught up");
}

#[tokio::test]
async fn a_lead_without_the_time_it_takes_is_an_invention() {
    const START_MS: u64 = 1_700_000_000_000;
    let of = |name: &str, number: u64, after_ms: u64| {
        let mut tip = header(number, 1);
        tip["block_header"]["raw_data"]["timestamp"] = (START_MS + after_ms).into();
        node(name, &[(TIP, tip.to_string())]).0
    };
    let cases = [
        ((121, 0), 100, "in no time"),
        ((121, 62_999), 100, "nearly fast enough"),
        ((121, 63_000), 121, "the other one stands still"),
        ((120, 0), 120, "nodes are never equally far"),
        ((1_000_000, 60_000), 100, "a month in a minute"),
        ((u64::MAX / 2, 0), 100, "nearly the end of all numbers"),
    ];
    for ((number, after_ms), expected, why) in cases {
        let (odd, steady) = (of("odd", number, after_ms), of("steady", 100, 0));
        for nodes in [vec![odd.clone(), steady.clone()], vec![steady.clone(), odd.clone(), steady.clone()]] {
            assert_eq!(Pool::new(nodes, 1).solid_tip(100).await.unwrap().number(), expected, "{why}");
        }
        assert_eq!(Pool::new(vec![odd.clone(), steady], 2).solid_tip(0).await.unwrap().number(), 100, "{why}");
        assert_eq!(Pool::new(vec![odd], 1).solid_tip(0).await.unwrap().number(), number, "alone it is believed: {why}");
    }
}

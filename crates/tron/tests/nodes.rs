//! Answers of nodes, true and otherwise, without a socket.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tron::hex::encode;
use tron::node::{BlockTransaction, Lookup, Node, Outcome, Pool, PoolError, Provider, Reply, Transport, TransportFailure, Trouble};
use tron::{BlockId, Txid};

/// What a provider answers to a path; may be changed while it is asked.
type Answers = Arc<Mutex<HashMap<&'static str, Answer>>>;

type Answer = Result<Reply, TransportFailure>;

/// How to spoil an info, and the reason that is then given.
type Spoilt = (fn(&mut Value), &'static str);

#[expect(clippy::unnecessary_wraps, reason = "stands beside failures in the tables below")]
fn reply(status: u16, body: &str) -> Answer {
    Ok(Reply { status, retry_after_seconds: Some(7), body: body.as_bytes().to_vec() })
}

fn node(name: &str, answers: &[(&'static str, String)]) -> (Node, Answers) {
    let answers: Answers = Arc::new(Mutex::new(answers.iter().map(|(path, body)| (*path, reply(200, body))).collect()));
    let book = answers.clone();
    let transport: Transport = Arc::new(move |request| {
        let path = request.url.split('/').skip(3).collect::<Vec<_>>().join("/");
        let answer = book.lock().unwrap().get(path.as_str()).cloned().unwrap_or_else(|| panic!("nobody expected {path}"));
        Box::pin(async move { answer })
    });
    let provider = Provider { name: name.into(), full_url: "http://node.test".into(), solid_url: "http://node.test".into(), api_key: None };
    (Node::new(provider, transport), answers)
}

fn block_id(number: u64, fork: u8) -> BlockId {
    let mut id = [fork; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    BlockId::from_bytes(id)
}

fn txid(byte: u8) -> Txid {
    Txid::from_bytes([byte; 32])
}

fn header(number: u64, fork: u8) -> Value {
    let raw = json!({ "number": number, "timestamp": 1_700_000_000_000_u64 + number, "parentHash": block_id(number.saturating_sub(1), fork).to_string() });
    json!({ "blockID": block_id(number, fork).to_string(), "block_header": { "raw_data": raw, "witness_signature": "00" } })
}

fn block(number: u64, txids: &[u8]) -> String {
    let owner = format!("41{}", "ab".repeat(20));
    let contract = json!([{ "type": "TriggerSmartContract", "parameter": { "value": { "owner_address": owner } } }]);
    let transaction = |byte: &u8| json!({ "txID": txid(*byte).to_string(), "raw_data": { "contract": contract }, "signature": ["00"] });
    let mut block = header(number, 1);
    if !txids.is_empty() {
        block["transactions"] = txids.iter().map(transaction).collect();
    }
    block.to_string()
}

fn info(number: u64, byte: u8) -> Value {
    let word = |last: &str| format!("{last:0>64}");
    let log = json!({
        "address": "a614f803b6fd780986a42c78ec9c7f77e6ded13c",
        "topics": [encode(&tron::abi::TRANSFER_TOPIC), word(&"ab".repeat(20)), word(&"cd".repeat(20))],
        "data": word("16694e0"),
    });
    let receipt = json!({ "result": "SUCCESS", "energy_usage_total": 64_285 });
    json!({ "id": txid(byte).to_string(), "blockNumber": number, "fee": 345_000, "receipt": receipt, "log": [log] })
}

const BLOCK: &str = "walletsolidity/getblockbynum";
const INFOS: &str = "walletsolidity/gettransactioninfobyblocknum";
const TIP: &str = "walletsolidity/getnowblock";

fn infos(list: &[Value]) -> String {
    Value::from(list.to_vec()).to_string()
}

async fn trouble_of(body: &str, infos: &str) -> Trouble {
    let (node, _) = node("one", &[(BLOCK, body.into()), (INFOS, infos.into())]);
    node.solid_block(5).await.unwrap_err().trouble
}

#[tokio::test]
async fn a_complete_block_is_read() {
    let (node, _) = node("one", &[(BLOCK, block(5, &[1, 2])), (INFOS, infos(&[info(5, 2), info(5, 1)]))]);
    let block = node.solid_block(5).await.unwrap();
    assert_eq!((block.header.number(), block.header.parent), (5, block_id(4, 1)));
    let ids: Vec<_> = block.transactions.iter().map(|transaction| transaction.txid).collect();
    assert_eq!(ids, [txid(1), txid(2)]);
    let first: &BlockTransaction = &block.transactions[0];
    assert_eq!((first.fee_sun, first.energy, &first.outcome), (345_000, 64_285, &Outcome::Success));
    let (at, transfer) = first.transfers().next().unwrap();
    assert_eq!((at, transfer.units.to_i64(), transfer.from.to_evm()), (0, Some(23_500_000), [0xab; 20]));
    assert_eq!(first.owner.unwrap().to_evm(), [0xab; 20]);
}

#[tokio::test]
async fn an_empty_block_needs_no_infos() {
    for nothing in ["[]", "{}"] {
        let (node, _) = node("one", &[(BLOCK, block(5, &[])), (INFOS, nothing.into())]);
        assert!(node.solid_block(5).await.unwrap().transactions.is_empty());
    }
}

#[tokio::test]
async fn infos_that_are_not_those_of_the_block_are_refused() {
    let two = block(5, &[1, 2]);
    let incomplete = |infos, missing| Trouble::Incomplete { number: 5, transactions: 2, infos, missing };
    assert_eq!(trouble_of(&two, "[]").await, incomplete(0, 2));
    assert_eq!(trouble_of(&two, &infos(&[info(5, 1)])).await, incomplete(1, 1));
    assert_eq!(trouble_of(&two, &infos(&[info(5, 1), info(5, 1)])).await, incomplete(2, 1));
    assert_eq!(trouble_of(&two, &infos(&[info(5, 1), info(5, 3)])).await, incomplete(2, 1));
    assert_eq!(trouble_of(&two, &infos(&[info(5, 1), info(6, 2)])).await, incomplete(2, 1));
    assert_eq!(trouble_of(&two, &infos(&[info(5, 1), info(5, 2), info(5, 3)])).await, incomplete(3, 0));
    let twice = Trouble::Incomplete { number: 5, transactions: 2, infos: 1, missing: 0 };
    assert_eq!(trouble_of(&block(5, &[1, 1]), &infos(&[info(5, 1)])).await, twice);
}

#[tokio::test]
async fn blocks_that_are_not_the_one_asked_for_are_refused() {
    assert_eq!(trouble_of("{}", "[]").await, Trouble::UnknownBlock(5));
    assert_eq!(trouble_of(&block(6, &[]), "[]").await, Trouble::OtherBlock { asked: 5, got: block_id(6, 1) });
    let mut lying = header(5, 1);
    lying["block_header"]["raw_data"]["parentHash"] = block_id(3, 1).to_string().into();
    assert!(matches!(trouble_of(&lying.to_string(), "[]").await, Trouble::Shape(_)));
    lying = header(5, 1);
    lying["blockID"] = block_id(4, 1).to_string().into();
    assert!(matches!(trouble_of(&lying.to_string(), "[]").await, Trouble::OtherBlock { .. }));
}

#[tokio::test]
async fn failed_transactions_have_no_transfers_and_success_has_to_be_said() {
    let cases: [Spoilt; 3] = [
        (|info| info["receipt"]["result"] = "OUT_OF_ENERGY".into(), "OUT_OF_ENERGY"),
        (|info| info["result"] = "FAILED".into(), "FAILED"),
        (|info| *info = json!({ "id": info["id"], "blockNumber": 5, "result": "FAILED", "receipt": { "result": "REVERT" } }), "REVERT"),
    ];
    for (spoil, reason) in cases {
        let mut spoilt = info(5, 1);
        spoil(&mut spoilt);
        let (node, _) = node("one", &[(BLOCK, block(5, &[1])), (INFOS, infos(&[spoilt]))]);
        let block = node.solid_block(5).await.unwrap();
        assert_eq!(block.transactions[0].outcome, Outcome::Failed(reason.into()));
        assert_eq!(block.transactions[0].transfers().count(), 0);
    }
    // Silence is no failure: somebody else has to be asked.
    let mut silent = info(5, 1);
    silent["receipt"] = json!({});
    assert!(matches!(trouble_of(&block(5, &[1]), &infos(&[silent])).await, Trouble::Shape(_)));
}

#[tokio::test]
async fn a_log_with_addresses_in_another_form_is_refused() {
    let mut visible = info(5, 1);
    visible["log"][0]["address"] = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c".into();
    assert!(matches!(trouble_of(&block(5, &[1]), &infos(&[visible])).await, Trouble::Shape(_)));
}

#[tokio::test]
async fn whatever_is_no_answer_has_a_name() {
    let (node, answers) = node("one", &[]);
    let html = "<html><body>502 Bad Gateway</body></html>";
    let cases = [
        (Err(TransportFailure::Timeout), Trouble::Timeout),
        (Err(TransportFailure::TooLarge), Trouble::TooLarge),
        (Err(TransportFailure::Broken("reset".into())), Trouble::Connection("reset".into())),
        (reply(429, ""), Trouble::RateLimited { retry_after_seconds: Some(7) }),
        (reply(503, html), Trouble::Status(503)),
        (reply(200, html), Trouble::NotJson(html.into())),
        (reply(200, &block(5, &[])[..60]), Trouble::NotJson(block(5, &[])[..60].into())),
        (reply(200, ""), Trouble::NotJson(String::new())),
        (reply(200, "this API is closed because this node is a lite fullnode"), Trouble::LiteNode),
        (reply(200, r#"{"Error":"class java.lang.X : y"}"#), Trouble::Reported("class java.lang.X : y".into())),
        (reply(200, " {\n \"error\" : {\"a\":1}}"), Trouble::Reported("{\"a\":1}".into())),
    ];
    for (answer, trouble) in cases {
        answers.lock().unwrap().insert(BLOCK, answer);
        let error = node.solid_block(5).await.unwrap_err();
        assert_eq!(error.trouble, trouble);
        assert!(error.to_string().starts_with("one: "), "{error}");
    }
    answers.lock().unwrap().insert(BLOCK, reply(200, r#"{"blockID":5}"#));
    assert!(matches!(node.solid_block(5).await.unwrap_err().trouble, Trouble::Shape(_)));
}

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
async fn a_constant_call_that_fails_is_no_zero() {
    const CALL: &str = "walletsolidity/triggerconstantcontract";
    let token = tron::Address::ZERO;
    let reverted =
        r#"{"result":{"result":true,"message":"5245564552542"},"constant_result":["00"],"transaction":{"ret":[{"ret":"FAILED"}]}}"#;
    let (node, answers) = node("one", &[(CALL, reverted.into())]);
    assert!(matches!(node.token_decimals(token).await.unwrap_err().trouble, Trouble::Reported(_)));
    answers.lock().unwrap().insert(CALL, reply(200, r#"{"result":{"result":true},"constant_result":[]}"#));
    assert!(matches!(node.token_decimals(token).await.unwrap_err().trouble, Trouble::Shape(_)));
    let six = format!(r#"{{"result":{{"result":true}},"constant_result":["{:0>64}"],"transaction":{{"ret":[{{}}]}}}}"#, "6");
    answers.lock().unwrap().insert(CALL, reply(200, &six));
    assert_eq!(node.token_decimals(token).await.unwrap().to_i64(), Some(6));
    let text = format!("{:0>64}{:0>64}{:0<64}", "20", "4", "55534454");
    answers.lock().unwrap().insert(CALL, reply(200, &format!(r#"{{"result":{{"result":true}},"constant_result":["{text}"]}}"#)));
    assert_eq!(node.token_symbol(token).await.unwrap(), "USDT");
}

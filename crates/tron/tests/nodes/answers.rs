//! One provider's answers, true and otherwise.

use serde_json::{Value, json};
use tron::hex::encode;
use tron::node::{BlockTransaction, Outcome, TransportFailure, Trouble};

use crate::support::{BLOCK, INFOS, TIP, block, block_id, header, info, infos, node, reply, txid};

/// How to spoil an info, and the reason that is then given.
type Spoilt = (fn(&mut Value), &'static str);

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

/// Block 0 as networks in use have it: no number, owners and a witness that are text, and nothing below it.
fn beginning() -> Value {
    let mut block = header(0, 1);
    let raw = json!({ "parentHash": "e5".repeat(32), "witness_address": "41206e6577", "timestamp": 0 });
    block["block_header"]["raw_data"] = raw;
    let value =
        json!({ "amount": 99_000, "owner_address": encode(b"0x000000000000000000000"), "to_address": format!("41{}", "ab".repeat(20)) });
    let contract = json!([{ "type": "TransferContract", "parameter": { "value": value, "type_url": "type.googleapis.com/protocol.TransferContract" } }]);
    block["transactions"] = json!([{ "txID": txid(1).to_string(), "raw_data": { "contract": contract }, "raw_data_hex": "5a65" }]);
    block
}

#[tokio::test]
async fn block_0_is_known_by_its_head() {
    let (node, answers) = node("one", &[(BLOCK, beginning().to_string()), (TIP, beginning().to_string())]);
    let head = node.solid_header(0).await.unwrap();
    assert_eq!((head.id, head.number(), head.timestamp_ms), (block_id(0, 1), 0, 0));
    assert_eq!(node.solid_tip().await.unwrap(), head);
    // Of a head that is asked for alone nothing else is looked at.
    let mut odd = header(9, 1);
    odd["transactions"] = json!("whatever");
    answers.lock().unwrap().insert(BLOCK, reply(200, &odd.to_string()));
    assert_eq!(node.solid_header(9).await.unwrap().id, block_id(9, 1));
}

#[tokio::test]
async fn an_owner_that_is_no_address_is_nobody() {
    for owner in [json!(encode(b"0x000000000000000000000")), json!(""), json!("0xabab"), Value::Null] {
        let mut odd: Value = serde_json::from_str(&block(5, &[1])).unwrap();
        odd["transactions"][0]["raw_data"]["contract"][0]["parameter"]["value"]["owner_address"] = owner.clone();
        let (node, _) = node("one", &[(BLOCK, odd.to_string()), (INFOS, infos(&[info(5, 1)]))]);
        let block = node.solid_block(5).await.unwrap();
        assert_eq!((block.transactions[0].owner, block.transactions[0].transfers().count()), (None, 1), "{owner}");
    }
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

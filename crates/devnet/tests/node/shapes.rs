//! The JSON itself, where clients stumble: what is absent, what is hex, what is an error.

use serde_json::{Value, json};

use crate::support::{ask, devnet, fund, key, node, payment};

#[tokio::test]
async fn unknown_things_are_empty_and_not_errors() {
    let devnet = devnet();
    devnet.mine(3).unwrap();
    let cases = [
        ("/wallet/getblockbynum", json!({ "num": 99 }), json!({})),
        ("/walletsolidity/getblockbynum", json!({ "num": 3 }), json!({})),
        ("/wallet/gettransactioninfobyblocknum", json!({ "num": 99 }), json!([])),
        ("/wallet/gettransactioninfobyblocknum", json!({ "num": 0 }), json!({})),
        ("/wallet/gettransactioninfobyid", json!({ "value": "00" }), json!({})),
        ("/wallet/gettransactionbyid", json!({ "value": "00" }), json!({})),
        ("/wallet/getaccount", json!({ "address": key(9).address().to_hex() }), json!({})),
        ("/wallet/getcontract", json!({ "value": key(9).address().to_hex() }), json!({})),
    ];
    for (path, asked, expected) in cases {
        assert_eq!(ask(&devnet, path, &asked), expected, "{path}");
    }
    assert_eq!(devnet.request(0, "/wallet/nothing", b"").status, 404);
    assert_eq!(devnet.request(0, "/walletsolidity/broadcasthex", b"{}").status, 404);
}

#[tokio::test]
async fn mistakes_of_the_caller_are_errors_with_status_200() {
    let devnet = devnet();
    let cases = [
        ("/wallet/getaccount", json!({ "address": "nonsense" })),
        ("/wallet/getaccount", json!({ "address": key(1).address().to_string() })),
        ("/wallet/broadcasthex", json!({ "transaction": "00" })),
        ("/wallet/broadcasttransaction", json!({ "raw_data": {} })),
        ("/wallet/gettransactioninfobyid", json!({})),
    ];
    for (path, asked) in cases {
        let answer = ask(&devnet, path, &asked);
        assert!(answer["Error"].as_str().is_some_and(|text| text.starts_with("class ")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn defaults_are_left_out() {
    let devnet = devnet();
    let genesis = ask(&devnet, "/wallet/getblockbynum", &json!({ "num": 0 }));
    assert!(genesis["block_header"]["raw_data"].get("number").is_none() && genesis.get("transactions").is_none());
    assert_eq!(node(&devnet, 0).solid_block(0).await.unwrap().header.id.to_string(), devnet.genesis_id());
    fund(&devnet, &key(1));
    let infos = ask(&devnet, "/wallet/gettransactioninfobyblocknum", &json!({ "num": 1 }));
    let [trx, token] = infos.as_array().unwrap().as_slice() else { panic!("{infos}") };
    for absent in ["result", "log", "contract_address"] {
        assert!(trx.get(absent).is_none(), "{trx}");
    }
    assert!(trx["receipt"].get("result").is_none() && token.get("result").is_none());
    assert_eq!(token["receipt"]["result"], "SUCCESS");
    assert_eq!(token["contractResult"], json!(["0".repeat(64)]), "transfer answers false and has succeeded");
    assert_eq!(token["log"][0]["address"].as_str().unwrap().len(), 40);
    let block = ask(&devnet, "/wallet/getblockbynum", &json!({ "num": 1 }));
    assert_eq!(block["transactions"][0]["ret"], json!([{ "contractRet": "SUCCESS" }]));
}

#[tokio::test]
async fn visible_turns_addresses_into_base58_and_remarks_into_text() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let infos = ask(&devnet, "/wallet/gettransactioninfobyblocknum", &json!({ "num": 1, "visible": true }));
    assert_eq!(infos[1]["log"][0]["address"], devnet.usdt_contract());
    let account = ask(&devnet, "/wallet/getaccount", &json!({ "address": key(1).address().to_string(), "visible": true }));
    assert_eq!((&account["address"], &account["balance"]), (&json!(key(1).address().to_string()), &json!(1_000_000_000)));

    let unsigned = |visible: bool| {
        let show = |address: tron::Address| if visible { address.to_string() } else { address.to_hex() };
        let contract: tron::Address = devnet.usdt_contract().parse().unwrap();
        let call = json!({
            "owner_address": show(key(1).address()), "contract_address": show(contract), "fee_limit": 1_000_000, "visible": visible,
            "function_selector": "transfer(address,uint256)",
            "parameter": tron::abi::transfer_parameter(key(2).address(), 5).unwrap(),
        });
        ask(&devnet, "/wallet/triggersmartcontract", &call)["transaction"].clone()
    };
    let reply = ask(&devnet, "/wallet/broadcasttransaction", &unsigned(false));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(text(&reply["message"]), tron::hex::encode(b"Validate signature error: miss sig or contract"));
    let reply = ask(&devnet, "/wallet/broadcasttransaction", &unsigned(true));
    assert_eq!(text(&reply["message"]), "Validate signature error: miss sig or contract");
    assert_eq!((text(&reply["code"]), reply.get("result")), ("SIGERROR".into(), None));
}

#[tokio::test]
async fn exact_bytes_are_answered_with_code_and_message_always() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let signed = payment(&devnet, &key(1), key(2).address(), 1).await;
    let reply = ask(&devnet, "/wallet/broadcasthex", &json!({ "transaction": signed.to_hex() }));
    assert_eq!((&reply["result"], &reply["code"], &reply["message"]), (&json!(true), &json!("SUCCESS"), &json!("")));
    assert_eq!(reply["txid"], signed.txid().to_string());
    let reply = ask(&devnet, "/wallet/broadcasthex", &json!({ "transaction": signed.to_hex() }));
    assert_eq!((&reply["code"], &reply["message"]), (&json!("DUP_TRANSACTION_ERROR"), &json!("Dup transaction.")));
}

#[tokio::test]
async fn a_query_asks_the_same_as_a_body() {
    let devnet = devnet();
    devnet.mine(2).unwrap();
    let by_query = devnet.request(0, "/wallet/getblockbynum?num=1", b"");
    let by_body = devnet.request(0, "/wallet/getblockbynum", br#"{"num":1}"#);
    assert_eq!(by_query, by_body);
    let head = ask(&devnet, "/wallet/getblock", &json!({ "detail": false }));
    assert_eq!(head["block_header"]["raw_data"]["number"], 2);
    let info = ask(&devnet, "/wallet/getnodeinfo", &json!({}));
    assert!(info["solidityBlock"].as_str().unwrap().starts_with("Num:0,ID:0000000000000000"), "{info}");
}

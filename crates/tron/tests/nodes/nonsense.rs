//! Numbers that no node can mean are no answers: the next one is asked.

use serde_json::{Value, json};
use tron::Address;
use tron::node::{Estimate, Node, Pool, PoolError, Trouble};

use crate::support::node;

const ACCOUNT: &str = "walletsolidity/getaccount";
const RESOURCES: &str = "wallet/getaccountresource";
const PARAMETERS: &str = "wallet/getchainparameters";
const CALL: &str = "wallet/triggerconstantcontract";

fn called(energy: &Value) -> Value {
    json!({ "result": { "result": true }, "energy_used": energy, "constant_result": ["00"], "transaction": { "ret": [{}] } })
}

fn parameters(energy: &Value, bandwidth: &Value, fee_limit: &Value) -> Value {
    let of = |key: &str, value: &Value| {
        if value.is_null() { json!({ "key": key }) } else { json!({ "key": key, "value": value }) }
    };
    json!({ "chainParameter": [of("getEnergyFee", energy), of("getTransactionFee", bandwidth), of("getMaxFeeLimit", fee_limit)] })
}

/// What is wrong with this answer to the question at `path`.
async fn trouble_at(path: &'static str, answer: &Value) -> Option<Trouble> {
    let (node, _) = node("one", &[(path, answer.to_string())]);
    let zero = Address::ZERO;
    let error = match path {
        ACCOUNT => node.account(zero).await.err(),
        PARAMETERS => node.chain_parameters().await.err(),
        CALL => node.estimate_transfer(zero, zero, zero, 1).await.err(),
        _ => panic!("nobody asks {path}"),
    };
    error.map(|error| error.trouble)
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    let wrong = [
        (ACCOUNT, json!({ "address": "41", "balance": -1 })),
        (PARAMETERS, parameters(&json!(0), &json!(1_000), &json!(15_000))),
        (PARAMETERS, parameters(&json!(-100), &json!(1_000), &json!(15_000))),
        (PARAMETERS, parameters(&Value::Null, &json!(1_000), &json!(15_000))),
        (PARAMETERS, parameters(&json!(100), &json!(-1), &json!(15_000))),
        (PARAMETERS, parameters(&json!(100), &json!(1_000), &json!(0))),
        (CALL, called(&json!(0))),
        (CALL, called(&json!(-64_285))),
        (CALL, json!({ "result": { "result": true }, "constant_result": ["00"] })),
    ];
    for (path, answer) in wrong {
        let trouble = trouble_at(path, &answer).await;
        assert!(matches!(trouble, Some(Trouble::Shape(_))), "{path} {answer}: {trouble:?}");
    }
    let right = [
        (ACCOUNT, json!({ "address": "41" })),
        (ACCOUNT, json!({})),
        (PARAMETERS, parameters(&json!(1), &Value::Null, &json!(1))),
        (CALL, called(&json!(1))),
        (CALL, json!({ "result": { "result": true, "message": "5245564552542" }, "transaction": { "ret": [{ "ret": "FAILED" }] } })),
    ];
    for (path, answer) in right {
        assert_eq!(trouble_at(path, &answer).await, None, "{path} {answer}");
    }
}

#[tokio::test]
async fn the_next_one_is_asked_instead() {
    let of = |name: &str, energy: i64| -> Node { node(name, &[(CALL, called(&json!(energy)).to_string())]).0 };
    let ask = async |nodes| Pool::new(nodes, 1).estimate_transfer(Address::ZERO, Address::ZERO, Address::ZERO, 1).await;
    assert_eq!(ask(vec![of("a", 0), of("b", 64_285)]).await.unwrap(), Estimate::Energy(64_285));
    assert!(matches!(ask(vec![of("a", 0), of("b", -1)]).await, Err(PoolError::NoAnswer(errors)) if errors.len() == 2));
}

#[tokio::test]
async fn nobody_has_more_left_than_there_is() {
    for (limit, used, left) in [(10, 4, 6), (10, 20, 0), (10, -1_000_000, 10), (-10, 0, 0), (-10, i64::MIN, 0)] {
        let resources = json!({ "EnergyLimit": limit, "EnergyUsed": used, "NetLimit": limit, "NetUsed": used });
        let (node, _) = node("one", &[(RESOURCES, resources.to_string())]);
        let found = node.resources(Address::ZERO).await.unwrap();
        assert_eq!((found.energy, found.bandwidth_free, found.bandwidth_staked), (left, 0, left), "{limit} - {used}");
    }
}

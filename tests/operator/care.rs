//! What was missed is found again, and books that are not right stop payouts.

use roborent::gateway::sandbox_keys;
use roborent::testing::TestApp;
use serde_json::{Value, json};
use store::EngineSettings;
use tron::{Address, BlockId, Contract, RefBlock, Transaction};

const FAR_AWAY: &str = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH";

/// Changes the database behind the back of the application.
async fn tamper(app: &TestApp, sql: &str) {
    match &app.engine {
        EngineSettings::Sqlite { path, .. } => rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap(),
        EngineSettings::Postgres { url, .. } => {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
        }
    }
}

async fn reasons(app: &TestApp, admin: &str) -> Vec<(String, String)> {
    let state = app.get("/api/v1/admin/gateway").bearer(admin).send().await.expect(200).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    state["freezes"].as_array().unwrap().iter().map(|freeze| (text(&freeze["reason"]), text(&freeze["detail"]))).collect()
}

/// What another copy of this installation pays; answers its txid.
fn pay_behind_the_back(app: &TestApp, to: &str, units: i64) -> String {
    let ask = |path: &str, body: Value| -> Value {
        serde_json::from_slice(app.devnet().request(0, path, body.to_string().as_bytes()).body.as_bytes()).unwrap()
    };
    let head = ask("/wallet/getnowblock", json!({}));
    let at = head["block_header"]["raw_data"]["timestamp"].as_i64().unwrap();
    let id = tron::hex::decode_array(head["blockID"].as_str().unwrap()).unwrap();
    let hot = sandbox_keys::hot();
    let address = |text: &str| Address::parse_base58(text).unwrap();
    let transaction = Transaction {
        reference: RefBlock::of(&BlockId::from_bytes(id)),
        expiration_ms: at + 60_000,
        timestamp_ms: at,
        fee_limit_sun: 100_000_000,
        contract: Contract::TokenTransfer { owner: hot.address(), token: address(&app.devnet().usdt_contract()), to: address(to), units },
    };
    let signed = transaction.sign(&hot).unwrap();
    let reply = ask("/wallet/broadcasthex", json!({ "transaction": tron::hex::encode(signed.bytes()) }));
    assert_eq!(reply["result"], json!(true), "{reply}");
    signed.txid().to_string()
}

roborent::on_both_engines! {
    async fn a_deposit_that_was_missed_is_credited_once_by_a_rescan(app) {
        let (first, second) = (app.bot().await, app.bot().await);
        let address = |bot| async move {
            app.get("/api/v1/finance/deposit/address").key(bot).send().await.expect(200).json()["address"].as_str().unwrap().to_owned()
        };
        address(&first).await;
        let next = sandbox_keys::deposits().unwrap().public().address(1).unwrap().to_string();
        // It arrives while the address is nobody's.
        drop(app.post("/sandbox/faucet").json(&json!({ "address": next, "usdt": 5 })).send().await.expect(200));
        assert_eq!(address(&second).await, next);
        let balance = || async { app.get("/api/v1/finance/balance").key(&second).send().await.expect(200).json()["available_balance"].clone() };
        let on_chain = || async {
            let state = app.get("/api/v1/transparency").send().await.expect(200).json();
            assert_eq!(state["difference"], json!(0.0), "{state}");
            (state["block"].clone(), state["on_chain"].clone())
        };
        let (block, before) = on_chain().await;
        assert_eq!(balance().await, json!(0.0));
        assert_eq!(app.gateway().rescan(1, None).await.unwrap().deposits, 1);
        assert_eq!(balance().await, json!(5.0));
        assert_eq!(before, json!(100_000.0));
        let after = json!(100_005.0);
        assert_eq!(on_chain().await, (block.clone(), after.clone()), "the cursor stays");
        assert_eq!(app.gateway().rescan(1, None).await.unwrap().deposits, 0);
        assert_eq!((balance().await, on_chain().await), (json!(5.0), (block, after)));
    }

    async fn books_that_are_not_right_stop_payouts(app) {
        let admin = app.admin("boss@example.com").await;
        app.rich_bot(100).await;
        app.run_jobs().await;
        app.gateway().audit().await.unwrap();
        assert_eq!(reasons(app, &admin).await, []);
        tamper(app, "update accounts set balance = balance + 1 where kind = 'user_available'").await;
        app.gateway().audit().await.unwrap();
        let found = reasons(app, &admin).await;
        assert_eq!(found.len(), 1);
        assert!(found[0].0 == "audit" && found[0].1.contains("M3 ("), "{found:?}");

        // It stays until an admin lifts it, also when the books are right again.
        tamper(app, "update accounts set balance = balance - 1 where kind = 'user_available'").await;
        app.gateway().audit().await.unwrap();
        assert_eq!(reasons(app, &admin).await, found);
        let lift = json!({ "freeze": "audit", "reason": "Looked at it." });
        drop(app.post("/api/v1/admin/gateway/unfreeze").bearer(&admin).json(&lift).send().await.expect(200));
        app.gateway().audit().await.unwrap();
        assert_eq!(reasons(app, &admin).await, []);
    }

    async fn what_an_older_copy_does_not_know_to_be_paid_is_confirmed_and_not_paid_again(app) {
        let (admin, bot) = (app.admin("boss@example.com").await, app.rich_bot(100).await);
        let wanted = json!({ "amount": 25, "address": FAR_AWAY, "currency": "USDT" });
        let sent = app.post("/api/v1/finance/withdraw").key(&bot).header("idempotency-key", "once").json(&wanted).send().await.expect(201);
        let id = sent.json()["withdrawal_id"].as_str().unwrap().to_owned();
        app.run_jobs().await;
        let because = json!({ "reason": "The user is known." });
        drop(app.post(&format!("/api/v1/admin/withdrawals/{id}/approve")).bearer(&admin).json(&because).send().await.expect(200));
        let txid = pay_behind_the_back(app, FAR_AWAY, 23_500_000);
        app.devnet().mine(3).unwrap();
        app.gateway().round().await;
        let frozen = reasons(app, &admin).await;
        assert!(frozen.iter().any(|(reason, detail)| reason == "unknown_payment" && detail.contains(&txid)), "{frozen:?}");

        let orders = app.get("/api/v1/admin/orders?state=approved").bearer(&admin).send().await.expect(200).json();
        assert_eq!(orders["items"][0]["order_id"], json!(id), "it waits: {orders}");
        let confirm = |txid: String| {
            let body = json!({ "txid": txid, "reason": "Paid before the backup was restored." });
            app.post(&format!("/api/v1/admin/orders/{id}/confirm")).bearer(&admin).json(&body).send()
        };
        assert_eq!(confirm("0".repeat(64)).await.code(), "transaction_not_seen");
        assert_eq!(confirm(txid.clone()).await.expect(200).json()["state"], json!("confirmed"));
        assert_eq!(confirm(txid).await.code(), "needs_no_operator");
        let withdrawal = app.get(&format!("/api/v1/finance/withdrawals/{id}")).key(&bot).send().await.expect(200).json();
        assert_eq!(withdrawal["status"], json!("completed"), "{withdrawal}");

        for (reason, _) in frozen {
            let lift = json!({ "freeze": reason, "reason": "Every payment is accounted for." });
            drop(app.post("/api/v1/admin/gateway/unfreeze").bearer(&admin).json(&lift).send().await.expect(200));
        }
        app.gateway().hurry().await.unwrap();
        let state = app.get("/api/v1/admin/gateway").bearer(&admin).send().await.expect(200).json();
        assert_eq!((&state["difference"], &state["freezes"], &state["orders"]), (&json!(0.0), &json!([]), &json!([])), "{state}");
    }
}

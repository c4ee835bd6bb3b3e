//! What was missed is found again, and books that are not right stop payouts.

use roborent::gateway::sandbox_keys;
use roborent::testing::TestApp;
use serde_json::{Value, json};
use store::EngineSettings;

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
}

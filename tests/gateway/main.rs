//! Real money: deposits that are never missed, payouts that never go twice, on a chain that lies and forgets.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod deposits;
mod fees;
mod payouts;
mod reviews;
mod rivals;
mod scripts;
mod standstill;
mod sweeps;
mod waiting;
mod watching;

use roborent::testing::{Answered, Bot, TestApp};
use serde_json::{Value, json};

/// Somebody's wallet that is not ours.
pub(crate) const OUTSIDE: &str = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH";

/// An admin with a key that outlives the clock of a test.
pub(crate) async fn admin_of(app: &TestApp, email: &str) -> Bot {
    let token = app.admin(email).await;
    let made = app.post("/api/v1/agent/keys").bearer(&token).json(&json!({ "name": "test" })).send().await.expect(201).json();
    let me = app.get("/api/v1/agent/profile").bearer(&token).send().await.expect(200).json();
    Bot { user_id: serde_json::from_value(me["user_id"].clone()).unwrap(), key: made["api_key"].as_str().unwrap().to_owned() }
}

/// An order to the chain.
pub(crate) fn chain(app: &TestApp, order: &str, body: &Value) -> Value {
    let answer = app.devnet().request(0, &format!("/devnet/{order}"), body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{order} {body}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Lets what is under way become final.
pub(crate) async fn settle(app: &TestApp) {
    app.gateway().hurry().await.unwrap();
}

pub(crate) async fn get(app: &TestApp, bot: &Bot, path: &str) -> Value {
    app.get(path).key(bot).send().await.expect(200).json()
}

pub(crate) async fn address_of(app: &TestApp, bot: &Bot) -> String {
    get(app, bot, "/api/v1/finance/deposit/address").await["address"].as_str().unwrap().to_owned()
}

pub(crate) async fn available(app: &TestApp, bot: &Bot) -> Value {
    get(app, bot, "/api/v1/finance/balance").await["available_balance"].clone()
}

pub(crate) async fn withdraw(app: &TestApp, bot: &Bot, key: &str, amount: &str, address: &str) -> Answered {
    let body = json!({ "amount": amount, "address": address, "currency": "USDT" });
    app.post("/api/v1/finance/withdraw").key(bot).header("idempotency-key", key).json(&body).send().await
}

/// A withdrawal that an admin let out, if one had to look at it.
pub(crate) async fn let_out(app: &TestApp, bot: &Bot, admin: &Bot, key: &str, amount: &str, address: &str) -> String {
    let id = withdraw(app, bot, key, amount, address).await.expect(201).json()["withdrawal_id"].as_str().unwrap().to_owned();
    app.run_jobs().await;
    if status(app, bot, &id).await == "in_review" {
        let path = format!("/api/v1/admin/withdrawals/{id}/approve");
        drop(app.post(&path).key(admin).json(&json!({ "reason": "known" })).send().await.expect(200));
    }
    id
}

pub(crate) async fn status(app: &TestApp, bot: &Bot, id: &str) -> String {
    get(app, bot, &format!("/api/v1/finance/withdrawals/{id}")).await["status"].as_str().unwrap().to_owned()
}

/// The order behind a withdrawal as admins see it, in this state.
pub(crate) async fn order(app: &TestApp, admin: &Bot, state: &str, id: &str) -> Option<Value> {
    let list = app.get(&format!("/api/v1/admin/orders?state={state}&limit=50")).key(admin).send().await.expect(200).json();
    list["items"].as_array().unwrap().iter().find(|order| order["order_id"] == id).cloned()
}

pub(crate) async fn gateway(app: &TestApp, admin: &Bot) -> Value {
    app.get("/api/v1/admin/gateway").key(admin).send().await.expect(200).json()
}

pub(crate) fn frozen(gateway: &Value) -> Vec<&str> {
    gateway["freezes"].as_array().unwrap().iter().map(|freeze| freeze["reason"].as_str().unwrap()).collect()
}

/// How much a wallet holds on the chain, in units, after every block.
pub(crate) fn on_chain(app: &TestApp, address: &str) -> i64 {
    let truth = app.devnet().request(0, "/devnet/truth", b"");
    let truth: Value = serde_json::from_str(&truth.body).unwrap();
    let text = truth["usdt"][address].as_str().unwrap_or("0");
    roborent::base::Usdt::parse(text).unwrap().micro()
}

//! Is everything there that was acknowledged, once, and nothing else?

use std::collections::HashMap;
use std::net::SocketAddr;

use roborent::base::Usdt;
use serde_json::Value;

use crate::client::{Connection, Request};
use crate::journal::{Account, Act, Entry};
use crate::place::Place;

/// Looks at everything. Every entry has to be acknowledged by now.
pub fn check(place: &Place, address: SocketAddr, users: &[Account], entries: &[Entry]) {
    let mut connection = Connection::open(address).unwrap();
    // What was ordered before the last end becomes final now.
    for _ in 0..2 {
        drop(connection.send(&Request::post("/sandbox/clock", r#"{"advance_seconds":0}"#)).unwrap().expect(200));
    }
    repeated_calls_get_the_first_answer(&mut connection, entries);
    keys_are_as_acknowledged(&mut connection, entries);
    for user in users {
        money_is_as_acknowledged(&mut connection, user, entries);
    }
    rows_are_as_many_as_intents(place, users, entries);
    place.audit("at the end");
    place.log_is_clean();
}

fn repeated_calls_get_the_first_answer(connection: &mut Connection, entries: &[Entry]) {
    for entry in entries.iter().filter(|entry| entry.is_pour()) {
        let ack = entry.ack.as_ref().unwrap();
        let again = connection.send(&entry.request).unwrap();
        assert!(again.is_replay(), "{} {}", again.status, again.text());
        assert_eq!((again.status, again.text()), (ack.status, ack.text()));
        assert_eq!(again.body, ack.body);
    }
}

fn keys_are_as_acknowledged(connection: &mut Connection, entries: &[Entry]) {
    let mut works: HashMap<String, bool> = HashMap::new();
    for entry in entries {
        let ack = entry.ack.as_ref().unwrap();
        match &entry.act {
            Act::Register | Act::CreateKey => drop(works.entry(ack.json()["api_key"].as_str().unwrap().to_owned()).or_insert(true)),
            Act::RevokeKey { key } => drop(works.insert(key.clone(), false)),
            Act::Pour { .. } => {}
        }
    }
    for (key, works) in works {
        drop(connection.send(&Request::get("/api/v1/finance/balance", &key)).unwrap().expect(if works { 200 } else { 401 }));
    }
}

fn money_is_as_acknowledged(connection: &mut Connection, user: &Account, entries: &[Entry]) {
    let mut lines = history(connection, user);
    let mut sum = Usdt::ZERO;
    for entry in entries {
        let Act::Pour { user_id, usdt } = &entry.act else { continue };
        if *user_id != user.user_id {
            continue;
        }
        let told = entry.ack.as_ref().unwrap().json();
        assert_eq!((told["user_id"].as_str().unwrap(), amount(&told["usdt"])), (user_id.as_str(), *usdt));
        let found = lines.iter().find(|(_, line)| line["kind"] == "deposit" && amount(&line["amount"]) == *usdt);
        let reference = found.map_or_else(|| panic!("lost: {told}"), |(reference, _)| reference.clone());
        lines.remove(&reference);
        sum = sum.checked_add(*usdt).unwrap();
    }
    assert!(lines.is_empty(), "nobody was told of {lines:?}");
    let balance = connection.send(&Request::get("/api/v1/finance/balance", &user.key)).unwrap().expect(200).json();
    assert_eq!((amount(&balance["available_balance"]), amount(&balance["total_balance"])), (sum, sum));
}

/// Every line of a user's history, by what it refers to.
fn history(connection: &mut Connection, user: &Account) -> HashMap<String, Value> {
    let mut lines = HashMap::new();
    let mut path = "/api/v1/finance/transactions?limit=200".to_owned();
    loop {
        let page = connection.send(&Request::get(&path, &user.key)).unwrap().expect(200).json();
        for line in page["items"].as_array().unwrap() {
            let twice = lines.insert(line["reference"].as_str().unwrap().to_owned(), line.clone());
            assert!(twice.is_none(), "twice: {line}");
        }
        let Some(cursor) = page["next_cursor"].as_str() else { return lines };
        path = format!("/api/v1/finance/transactions?limit=200&cursor={cursor}");
    }
}

fn amount(value: &Value) -> Usdt {
    serde_json::from_value(value.clone()).unwrap()
}

fn rows_are_as_many_as_intents(place: &Place, users: &[Account], entries: &[Entry]) {
    let count = |wanted: &dyn Fn(&Entry) -> bool| i64::try_from(entries.iter().filter(|entry| wanted(entry)).count()).unwrap();
    let pours = count(&|entry| entry.is_pour());
    // The hot wallet of the sandbox was filled, too.
    assert_eq!((place.count("idempotency"), place.count("transactions")), (pours, pours + 1));
    // A registration has no key: one that was not acknowledged may have been done before it was repeated. One user is the admin.
    let registered = 1 + i64::try_from(users.len()).unwrap() + count(&|entry| matches!(entry.act, Act::Register));
    let most = registered + count(&|entry| matches!(entry.act, Act::Register) && entry.unsure);
    let found = place.count("users");
    assert!((registered..=most).contains(&found), "{found} users instead of {registered} to {most}");
}

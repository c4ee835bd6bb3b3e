//! Eight clients that keep a server busy and remember every call.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use roborent::base::Usdt;
use roborent::base::random::{Entropy, Rng};
use serde_json::json;

use crate::chance::below;
use crate::client::{Connection, Reply, Request};
use crate::journal::{Account, Act, Entry, is_polite};

const CLIENTS: usize = 8;
const KEYS_MAX: usize = 4;

/// What the clients do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Mostly money; users and keys come and go.
    Everything,
    /// Money, and a 503 that says when to come again is taken.
    OnlyMoney,
}

/// What the clients know of the server's fate.
#[derive(Default)]
pub struct Fate {
    /// The server is about to end: connections may break from here on.
    pub ending: AtomicBool,
    enough: AtomicBool,
}

/// Keeps `address` busy while `disturb` runs, and until the server is gone or `disturb` has returned.
pub fn under_load(address: SocketAddr, users: &[Account], mix: Mix, entropy: &Entropy, disturb: impl FnOnce(&Fate)) -> Vec<Entry> {
    let fate = Fate::default();
    thread::scope(|scope| {
        let client = |_| {
            let mut client = Client { users, mix, rng: entropy.fork(), fate: &fate, own: None, keys: Vec::new(), entries: Vec::new() };
            scope.spawn(move || {
                client.run(address);
                client.entries
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        {
            let _enough = Enough(&fate.enough);
            disturb(&fate);
        }
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// Lets the clients end, also when the test fails.
struct Enough<'t>(&'t AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Client<'t> {
    users: &'t [Account],
    mix: Mix,
    rng: Rng,
    fate: &'t Fate,
    own: Option<Account>,
    keys: Vec<(String, String)>,
    entries: Vec<Entry>,
}

impl Client<'_> {
    fn run(&mut self, address: SocketAddr) {
        let Ok(mut connection) = Connection::open(address) else { return self.broken() };
        // Whoever waits for the end of the server sends until the connection breaks, so that calls are in flight then.
        while self.fate.ending.load(Ordering::SeqCst) || !self.fate.enough.load(Ordering::SeqCst) {
            let intent = self.next();
            let request = intent.request.clone();
            self.entries.push(intent);
            match connection.send(&request) {
                Ok(reply) => self.answered(reply),
                Err(_) => return self.broken(),
            }
        }
    }

    fn broken(&self) {
        assert!(self.fate.ending.load(Ordering::SeqCst), "the connection broke while the server was alive");
    }

    fn answered(&mut self, reply: Reply) {
        let entry = self.entries.last_mut().unwrap();
        if self.mix == Mix::OnlyMoney && is_polite(&reply) {
            return;
        }
        assert!(reply.is_success(), "{:?}: {} {}", entry.act, reply.status, reply.text());
        match &entry.act {
            Act::Register => {
                self.own = Some(Account::of(&reply));
                self.keys.clear();
            }
            Act::CreateKey => {
                let answer = reply.json();
                self.keys.push((answer["key_id"].as_str().unwrap().to_owned(), answer["api_key"].as_str().unwrap().to_owned()));
            }
            Act::Pour { .. } | Act::RevokeKey { .. } => {}
        }
        entry.acknowledge(reply);
    }

    fn next(&mut self) -> Entry {
        let chance = if self.mix == Mix::OnlyMoney { 0 } else { below(&mut self.rng, 100) };
        match (&self.own, chance) {
            (_, ..70) => self.pour(),
            (Some(own), 70..85) if self.keys.len() < KEYS_MAX => {
                Entry::intent(Act::CreateKey, Request::post("/api/v1/agent/keys", "{}").by(&own.key))
            }
            (Some(own), 70..95) if !self.keys.is_empty() => {
                let (key_id, key) = self.keys.swap_remove(0);
                let path = format!("/api/v1/agent/keys/{key_id}");
                Entry::intent(Act::RevokeKey { key }, Request { method: "DELETE", ..Request::post(&path, "").by(&own.key) })
            }
            _ => Entry::intent(
                Act::Register,
                Request::post("/api/v1/agent/register", &json!({ "agent_name": self.rng.base62(8) }).to_string()),
            ),
        }
    }

    fn pour(&mut self) -> Entry {
        let user = &self.users[below(&mut self.rng, u32::try_from(self.users.len()).unwrap()) as usize];
        let usdt = Usdt::from_micro(i64::from(1 + below(&mut self.rng, 5_000_000)));
        pour(user, usdt, self.rng.hex(24))
    }
}

/// Gives money with a key.
pub fn pour(user: &Account, usdt: Usdt, key: String) -> Entry {
    let body = json!({ "user_id": user.user_id, "usdt": usdt }).to_string();
    Entry::intent(Act::Pour { user_id: user.user_id.clone(), usdt }, Request::post("/sandbox/faucet", &body).keyed(key))
}

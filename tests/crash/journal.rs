//! What the clients wanted and what they were told: written down before a request goes out and after its answer came.

use std::net::SocketAddr;
use std::time::Duration;

use roborent::base::Usdt;

use crate::client::{Connection, Reply, Request};
use crate::machine_time::within;

/// A registered bot.
#[derive(Clone, Debug)]
pub struct Account {
    pub user_id: String,
    pub key: String,
}

impl Account {
    /// Registers one.
    pub fn register(connection: &mut Connection) -> Self {
        Self::of(&connection.send(&Request::post("/api/v1/agent/register", "{}")).unwrap().expect(201))
    }

    /// The bot that an answer tells of.
    pub fn of(registered: &Reply) -> Self {
        let answer = registered.json();
        Self { user_id: answer["user_id"].as_str().unwrap().to_owned(), key: answer["api_key"].as_str().unwrap().to_owned() }
    }
}

/// What a call means to do.
#[derive(Clone, Debug)]
pub enum Act {
    /// Gives money to a user.
    Pour { user_id: String, usdt: Usdt },
    /// Makes a user.
    Register,
    /// Makes a key.
    CreateKey,
    /// Ends a key.
    RevokeKey { key: String },
}

/// An intent, and its acknowledgement when there was one.
#[derive(Clone, Debug)]
pub struct Entry {
    pub act: Act,
    pub request: Request,
    pub ack: Option<Reply>,
    /// Whether the first try was not acknowledged.
    pub unsure: bool,
}

impl Entry {
    /// Not sent yet.
    pub fn intent(act: Act, request: Request) -> Self {
        Self { act, request, ack: None, unsure: true }
    }

    /// The answer came.
    pub fn acknowledge(&mut self, reply: Reply) {
        self.ack = Some(reply);
        self.unsure = false;
    }

    /// Whether it gives money.
    pub fn is_pour(&self) -> bool {
        matches!(self.act, Act::Pour { .. })
    }
}

/// How many calls were repeated, and how many of these turned out to be done already.
#[derive(Debug, Default)]
pub struct Repeated {
    pub calls: usize,
    pub were_done: usize,
}

impl Repeated {
    /// Repeats every call that was not acknowledged until it is.
    pub fn all(&mut self, address: SocketAddr, entries: &mut [Entry]) {
        let mut connection = Connection::open(address).unwrap();
        for entry in entries.iter_mut().filter(|entry| entry.ack.is_none()) {
            let reply = within(Duration::from_secs(10), "the answer to a repeated call", || {
                let reply = connection.send(&entry.request).unwrap();
                assert!(reply.is_success() || is_polite(&reply), "{:?}: {} {}", entry.act, reply.status, reply.text());
                reply.is_success().then_some(reply)
            });
            self.calls += 1;
            self.were_done += usize::from(reply.is_replay());
            entry.ack = Some(reply);
        }
    }
}

/// 503 that says when to come again.
pub fn is_polite(reply: &Reply) -> bool {
    reply.status == 503 && reply.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok())
}

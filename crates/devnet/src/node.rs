//! The node: one chain behind a lock, seen through one or more providers.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use k256::ecdsa::SigningKey;

use crate::api::params::{Mistake, Params};
use crate::api::{self, View};
use crate::block::Block;
use crate::chain::{Chain, Rules};
use crate::clock::Clock;
use crate::control;
use crate::faults::{self, Kind, Rule};
use crate::journal::{Journal, JournalError};
use crate::text::{address_of, hex, sha256};

/// How a chain is to be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is kept; in memory alone when absent.
    pub folder: Option<PathBuf>,
    /// Its time.
    pub clock: Clock,
    /// A block that often, in milliseconds; only on request when absent.
    pub block_every_ms: Option<u64>,
    /// How many blocks the solid one is behind the head: 19 on mainnet.
    pub solid_lag: u64,
    /// The time to the next block that a transaction has to live when it is sent, in milliseconds: 3,000 on mainnet.
    pub slot_ms: i64,
    /// How long a transaction waits in the pool, in milliseconds: 60,000 in java-tron.
    pub pool_keeps_ms: i64,
    /// Sun for a unit of energy: 100 on mainnet.
    pub energy_price_sun: i64,
    /// Makes the genesis block, and with it every id, differ from that of another chain. Of a new chain only.
    pub salt: u64,
    /// Lets other machines in. Everybody who gets in can do everything.
    pub open_to_others: bool,
}

impl Settings {
    /// In memory, blocks on request, everything else as on mainnet.
    pub fn new(clock: Clock) -> Self {
        Self {
            folder: None,
            clock,
            block_every_ms: None,
            solid_lag: 19,
            slot_ms: 3_000,
            pool_keeps_ms: 60_000,
            energy_price_sun: 100,
            salt: 0,
            open_to_others: false,
        }
    }
}

/// An answer and how it is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON, unless a fault made something else of it.
    pub body: String,
    /// How it is delivered.
    pub manner: Manner,
}

/// How an answer is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// At once and whole.
    Whole,
    /// Late by so many milliseconds.
    Slow(u64),
    /// The connection breaks after half of it.
    HangUp,
    /// Not at all.
    Never,
}

/// The node. Cheap to clone; all clones are the same node.
#[derive(Clone)]
pub struct Devnet {
    inner: Arc<Mutex<Inner>>,
    pub(crate) settings: Arc<Settings>,
}

/// A node that may be gone.
#[derive(Clone)]
pub(crate) struct WeakDevnet {
    inner: Weak<Mutex<Inner>>,
    settings: Arc<Settings>,
}

impl WeakDevnet {
    pub(crate) fn upgrade(&self) -> Option<Devnet> {
        Some(Devnet { inner: self.inner.upgrade()?, settings: self.settings.clone() })
    }
}

pub(crate) struct Inner {
    pub(crate) chain: Chain,
    pub(crate) rules: Vec<Rule>,
    pub(crate) key: SigningKey,
}

impl Devnet {
    /// A new chain, or the one in the folder. Listens nowhere yet.
    pub fn open(settings: Settings) -> Result<Self, JournalError> {
        let key = SigningKey::from_slice(&sha256(b"devnet faucet: this key is public")).expect("a hash below the order of the group");
        let journal = settings.folder.as_deref().map(Journal::open).transpose()?;
        let rules = Rules { solid_lag: settings.solid_lag, slot_ms: settings.slot_ms, pool_keeps_ms: settings.pool_keeps_ms };
        let born = Block::genesis(settings.clock.now_ms(), settings.salt, settings.energy_price_sun.max(1));
        let chain = Chain::open(rules, settings.clock.clone(), address_of(&key), born, journal)?;
        let inner = Inner { chain, rules: Vec::new(), key };
        Ok(Self { inner: Arc::new(Mutex::new(inner)), settings: Arc::new(settings) })
    }

    /// Answers a request without a socket. `path` may have a query; an empty body asks what a GET asks.
    pub fn request(&self, provider: usize, path: &str, body: &[u8]) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut inner = self.lock();
        if let Some(order) = path.strip_prefix("/devnet") {
            let (status, answer) = match control::obey(&mut inner, order.trim_start_matches('/'), query, body) {
                Ok(answer) => (200, answer),
                Err(error) => (error.status, serde_json::json!({ "error": error.message })),
            };
            return Answer { status, body: answer.to_string(), manner: Manner::Whole };
        }
        inner.answer(provider, path, query, body)
    }

    /// Makes blocks now and answers the numbers of head and solid block.
    pub fn mine(&self, blocks: u64) -> Result<(u64, u64), JournalError> {
        let mut inner = self.lock();
        inner.chain.mine(blocks)?;
        Ok((inner.chain.head().number, inner.chain.solid()))
    }

    /// A block, unless the chain was told to stand still.
    pub(crate) fn tick(&self) -> Result<(), JournalError> {
        let mut inner = self.lock();
        if inner.chain.halted { Ok(()) } else { inner.chain.mine(1) }
    }

    /// Sends coins out of nothing, as transactions that wait for the next block; answers their ids. Amounts are decimals
    /// with up to six places.
    pub fn faucet(&self, address: &str, usdt: Option<&str>, trx: Option<&str>) -> Result<Vec<String>, ControlError> {
        control::coins::faucet(&mut self.lock(), address, usdt, trx)
    }

    /// Replaces the faults.
    pub fn set_faults(&self, rules: Vec<Rule>) {
        self.lock().rules = rules;
    }

    /// The address of the USDT contract, in base58.
    pub fn usdt_contract(&self) -> String {
        crate::text::base58(&crate::contracts::usdt())
    }

    /// The id of block 0: tells this chain from every other.
    pub fn genesis_id(&self) -> String {
        hex(&self.lock().chain.blocks()[0].id)
    }

    pub(crate) fn downgrade(&self) -> WeakDevnet {
        WeakDevnet { inner: Arc::downgrade(&self.inner), settings: self.settings.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Devnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Devnet(head {})", self.lock().chain.head().number)
    }
}

/// An order that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ControlError {
    /// HTTP status: 400, 404, 409 or 500.
    pub status: u16,
    /// What is wrong.
    pub message: String,
}

impl Inner {
    fn answer(&mut self, provider: usize, path: &str, query: &str, body: &[u8]) -> Answer {
        let whole = |status, body: String| Answer { status, body, manner: Manner::Whole };
        let endpoint = path.rsplit('/').next().unwrap_or_default();
        let kinds = faults::strike(&mut self.rules, provider, endpoint);
        if let Some((status, body)) = kinds.iter().find_map(faults::instead) {
            return whole(status, body.to_owned());
        }
        if kinds.contains(&Kind::Deaf) {
            return Answer { manner: Manner::Never, ..whole(200, String::new()) };
        }
        let behind: u64 = kinds.iter().map(|kind| if let Kind::Stale { blocks } = kind { *blocks } else { 0 }).sum();
        let solid = self.chain.solid().saturating_sub(behind);
        let is_solid = path.starts_with("/walletsolidity/");
        let newest = if is_solid { solid } else { self.chain.head().number.saturating_sub(behind) };
        let body = if kinds.contains(&Kind::InfosOfAnotherBlock) { of_the_block_before(body) } else { body.to_vec() };
        let found = match Params::read(query, &body) {
            Ok(params) => api::answer(&mut self.chain, View { newest, solid, is_solid }, path, &params, &faults::bent(&kinds)),
            Err(mistake) => Some(Err(mistake)),
        };
        let mut value = match found {
            None => return whole(404, "<html><body><h2>HTTP ERROR 404 Not Found</h2></body></html>".into()),
            Some(Err(Mistake(why))) => return whole(200, serde_json::json!({ "Error": why }).to_string()),
            Some(Ok(value)) => value,
        };
        for kind in &kinds {
            faults::spoil(kind, &mut value);
        }
        let mut answer = whole(200, value.to_string());
        for kind in &kinds {
            match kind {
                Kind::Truncated => answer.body.truncate(answer.body.floor_char_boundary(answer.body.len() / 2)),
                Kind::Slow { ms } => answer.manner = Manner::Slow(*ms),
                Kind::HangUp => answer.manner = Manner::HangUp,
                Kind::AcceptThenTimeout => answer.manner = Manner::Never,
                _ => {}
            }
        }
        answer
    }
}

/// The same question about the block one below.
fn of_the_block_before(body: &[u8]) -> Vec<u8> {
    let mut asked: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let number = asked["num"].as_u64().unwrap_or_default().saturating_sub(1);
    asked["num"] = number.into();
    asked.to_string().into_bytes()
}

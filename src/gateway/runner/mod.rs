//! The part of the gateway that talks to nodes. It goes round: read new blocks, order payouts, sign, send, bury what is
//! dead, bring deposits in, compare. No transaction is open while a node is asked, and no reply of a node decides about
//! money.

mod ahead;
mod auditing;
mod check;
mod keys;
mod purse;
mod remember;
mod rescan;
mod send;
mod side_by_side;
mod sign;
mod sweep;
mod watch;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tron::node::{ApiKey, Limits, Node, Pool, Provider, Transport};
use uuid::Uuid;

use crate::base::call::Dispatcher;
use crate::base::config::Chain;
use crate::base::error::{Result, internal};
use crate::base::{Ts, Usdt};
use crate::gateway::lease::{self, Token};
use crate::gateway::order::OrderId;
use crate::gateway::sieve::Sieve;
use crate::wallet::custody::Custody;

pub use auditing::Books;
pub use check::NotReady;
pub use keys::Keys;
pub use rescan::Rescanned;

/// How often deposits are brought in and the chain is compared with the books.
const SELDOM: Duration = Duration::from_secs(30);
/// How often, and in which steps, somebody who waits tries to get the lease; longer than it lasts.
const LEASE_TRIES: usize = 70;
const LEASE_TRIED_EVERY: Duration = Duration::from_millis(500);
/// How long a start that did not work out is waited for.
const AGAIN: Duration = Duration::from_secs(5);

/// The gateway of this process.
pub struct Gateway {
    dispatcher: Arc<Dispatcher>,
    pool: Pool,
    keys: Keys,
    custody: Custody,
    books: Books,
    holder: Uuid,
    /// When this gateway was made: nodes may have ended with the process that sent something before.
    since: Ts,
    /// No other process works on the database.
    alone: bool,
    /// The orders of the devnet, in the sandbox.
    devnet: Option<Devnet>,
    turn: tokio::sync::Mutex<Turn>,
    /// Completed calls of `hurry`.
    hurried: AtomicU64,
    wake: Notify,
    /// What the hot wallet held and what its log said, when they differed the last time they were compared.
    doubt: Mutex<Option<(Usdt, i64)>>,
    tip: Mutex<Tip>,
    sieve: tokio::sync::Mutex<Sieve>,
    memory: Mutex<remember::Memory>,
}

/// How the devnet is told to make blocks.
#[derive(Clone)]
pub struct Devnet {
    /// The way there.
    pub transport: Transport,
    /// `http://host:port`.
    pub url: String,
    /// How many blocks make the newest one solid.
    pub lag: u64,
}

/// Held by whoever goes round.
struct Turn {
    seldom: Option<Instant>,
    /// Orders up to this one had their turn to be signed.
    signed_to: OrderId,
}

/// How far the chain is.
struct Tip {
    /// The newest solid block that nodes told of when they were asked last.
    told: Option<u64>,
    /// Whether this process has read every block that nodes told of at some time: before that nobody knows what left in the
    /// meantime.
    caught_up: bool,
    /// The newest that was recorded, and since when.
    read: u64,
    since: Option<Instant>,
    /// What was written down of it, and under which lease: another holder may have written something else.
    is_stale: Option<(Token, bool)>,
}

/// The providers in the settings; where there are none, the devnet.
///
/// # Errors
/// A sentence.
pub fn pool(chain: &Chain, devnet: Option<&Devnet>) -> Result<Pool, String> {
    if let Some(Devnet { transport, url, .. }) = devnet {
        let provider = Provider { name: "devnet".into(), full_url: url.clone(), solid_url: url.clone(), api_key: None };
        return Ok(Pool::new(vec![Node::new(provider, transport.clone())], 1));
    }
    let keys = match chain.api_keys_file.as_str() {
        "" => String::new(),
        path => std::fs::read_to_string(path).map_err(|error| format!("chain.api_keys_file: {path}: {error}"))?,
    };
    let mut keys = keys.lines().map(str::trim);
    let mut nodes = Vec::new();
    for (at, urls) in chain.provider_urls()?.into_iter().enumerate() {
        let provider = Provider {
            name: urls.host,
            full_url: urls.full,
            solid_url: urls.solid,
            api_key: keys.next().filter(|key| !key.is_empty()).map(|key| ApiKey::new(key.to_owned())),
        };
        let per_second = chain.provider_rps.get(at).copied().unwrap_or(0);
        nodes.push(Node::new(provider, tron::node::paced(over_network()?, per_second)));
    }
    Ok(Pool::new(nodes, chain.quorum))
}

/// HTTP, with roots of trust of the operating system.
///
/// # Errors
/// When there are none.
pub fn over_network() -> Result<Transport, String> {
    // Another part of this process may have been first; both want the same.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    Ok(tron::node::over_http(client.map_err(|error| error.to_string())?, Limits::default()))
}

impl Gateway {
    /// Over providers, with the keys of this process. Asks nothing yet.
    ///
    /// # Errors
    /// When the addresses in the settings cannot be read.
    pub fn new(
        dispatcher: Arc<Dispatcher>,
        pool: Pool,
        keys: Keys,
        books: Books,
        devnet: Option<Devnet>,
        alone: bool,
    ) -> Result<Self, String> {
        let custody = Custody::of(&dispatcher.config.chain)?;
        let holder = uuid::Builder::from_random_bytes(dispatcher.entropy().fork().bytes()).into_uuid();
        let since = dispatcher.clock.now();
        Ok(Self {
            dispatcher,
            pool,
            keys,
            custody,
            books,
            holder,
            since,
            alone,
            devnet,
            turn: tokio::sync::Mutex::new(Turn { seldom: None, signed_to: sign::FIRST }),
            hurried: AtomicU64::new(0),
            wake: Notify::new(),
            doubt: Mutex::default(),
            tip: Mutex::new(Tip { told: None, caught_up: false, read: 0, since: None, is_stale: None }),
            sieve: tokio::sync::Mutex::default(),
            memory: Mutex::default(),
        })
    }

    /// Where the devnet answers, in the sandbox.
    pub fn devnet_url(&self) -> Option<&str> {
        self.devnet.as_ref().map(|devnet| devnet.url.as_str())
    }

    /// Goes round until `stop`.
    ///
    /// # Errors
    /// What makes this installation unusable on this chain, as a sentence.
    #[expect(clippy::disallowed_methods, reason = "nodes are asked in machine time; what is due is decided by cx.now and chain time")]
    pub async fn run(&self, stop: &CancellationToken) -> Result<(), String> {
        loop {
            match self.prepare().await {
                Ok(()) => break,
                Err(NotReady::Never(why)) => return Err(why),
                Err(NotReady::Yet(why)) => tracing::warn!(why, "the gateway cannot begin yet"),
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.go_round_for_ever() => {}
            () = self.audit_for_ever() => {}
        }
        let holder = self.holder;
        if let Err(error) = self.dispatcher.system(move |cx| lease::give_back(cx, holder)).await {
            tracing::debug!(%error, "the lease of the gateway was not given back");
        }
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "nodes are asked in machine time; what is due is decided by cx.now and chain time")]
    async fn go_round_for_ever(&self) {
        let period = Duration::from_millis(self.dispatcher.config.chain.poll_ms);
        loop {
            tokio::select! {
                () = tokio::time::sleep(period) => {}
                () = self.wake.notified() => {}
            }
            self.round().await;
        }
    }

    /// Goes round once. What fails is left for the next time and does not keep the rest.
    pub async fn round(&self) {
        let mut turn = self.turn.lock().await;
        self.go_round(&mut turn).await;
    }

    /// In the sandbox: makes what was ordered final, now. Callers at the same time share a round that began after all of
    /// them had called.
    pub async fn hurry(&self) -> Result<()> {
        let wanted = self.hurried.load(Ordering::SeqCst) + 2;
        let mut turn = self.turn.lock().await;
        // One may have been under way when this was called; the one after it has seen everything.
        if self.hurried.load(Ordering::SeqCst) < wanted {
            self.go_round_when_possible(&mut turn).await?;
            self.make_blocks().await?;
            self.go_round(&mut turn).await;
            self.hurried.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    /// After another gateway ended without a word its lease has to run out first.
    #[expect(clippy::disallowed_methods, reason = "somebody waits for an answer in machine time")]
    async fn go_round_when_possible(&self, turn: &mut Turn) -> Result<()> {
        for _ in 0..LEASE_TRIES {
            if self.go_round(turn).await {
                return Ok(());
            }
            tokio::time::sleep(LEASE_TRIED_EVERY).await;
        }
        Err(crate::gateway::GatewayRefusal::LeaseLost.into())
    }

    /// Something may be waiting: do not wait for the period.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Answers whether this gateway is the one at work.
    async fn go_round(&self, turn: &mut Turn) -> bool {
        let token = match self.lease().await {
            Ok(Some(token)) => token,
            Ok(None) => return false,
            Err(error) => {
                tracing::warn!(%error, "the lease of the gateway cannot be had");
                return false;
            }
        };
        Self::report(&[
            ("reading blocks", self.watch(token).await),
            ("ordering payouts", self.plan(token).await),
            ("signing", self.sign(token, &mut turn.signed_to).await),
        ]);
        match self.remember().await {
            Ok(()) => Self::report(&[("sending", self.send(token).await)]),
            error => Self::report(&[("remembering what is sent", error)]),
        }
        Self::report(&[("burying", self.bury(token).await)]);
        if turn.seldom.is_none_or(|at| at.elapsed() >= SELDOM) {
            turn.seldom = Some(Instant::now());
            Self::report(&[("sweeping", self.sweep(token).await), ("comparing", self.compare(token).await)]);
        }
        true
    }

    fn report(steps: &[(&str, Result<()>)]) {
        for (step, done) in steps {
            if let Err(error) = done {
                tracing::warn!(step, %error, "the gateway could not do it; it tries again");
                metrics::counter!("roborent_gateway_failures_total", "step" => (*step).to_owned()).increment(1);
            }
        }
    }

    async fn lease(&self) -> Result<Option<Token>> {
        let holder = self.holder;
        self.dispatcher.system(move |cx| lease::take(cx, holder, false)).await
    }

    async fn plan(&self, token: Token) -> Result<()> {
        while self.dispatcher.system(move |cx| crate::gateway::plan::plan_payouts(cx, token)).await? {}
        Ok(())
    }

    /// Tells the devnet to make as many blocks as make the newest transaction final.
    async fn make_blocks(&self) -> Result<()> {
        let Some(Devnet { transport, url, lag }) = &self.devnet else { return Ok(()) };
        let request = tron::node::Request {
            url: format!("{url}/devnet/mine"),
            api_key: None,
            body: serde_json::json!({ "blocks": lag + 1 }).to_string(),
        };
        let reply = transport(request).await.map_err(|failure| internal(format!("the devnet: {failure:?}")))?;
        if reply.status == 200 { Ok(()) } else { Err(internal(format!("the devnet answers {}", reply.status))) }
    }
}

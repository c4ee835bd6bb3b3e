//! Sends one request to a stranger. The whole attempt has a deadline; no redirect is followed, no proxy is used, nothing is
//! decompressed, and of the answer no more is read than is kept.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::base::error::{Result as BaseResult, internal};
use crate::base::strangers::{Rule, Target, is_public};

/// What is read of an answer.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// What is kept of it, for the log.
const HEAD_BYTES_MAX: usize = 1_024;
/// The status decides; for the body nobody waits long.
const BODY_WITHIN: Duration = Duration::from_secs(1);
const IDLE_CONNECTION_KEPT: Duration = Duration::from_secs(20);
/// A name server may not answer for long, and each question holds a thread.
const LOOKUPS_AT_ONCE: usize = 32;
const LOOKUP_WITHIN: Duration = Duration::from_secs(5);

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Finds the addresses of a name.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Asks the system, a few names at once.
pub fn system_lookup() -> Lookup {
    static TURNS: Semaphore = Semaphore::const_new(LOOKUPS_AT_ONCE);
    Arc::new(move |name| {
        Box::pin(async move {
            let turn = TURNS.acquire().await.map_err(io::Error::other)?;
            // The question goes on in its thread when nobody waits any more; its turn ends with it.
            let asked = tokio::spawn(async move {
                let found = tokio::net::lookup_host((name.as_str(), 0)).await;
                drop(turn);
                found.map(|addresses| addresses.map(|address| address.ip()).collect())
            });
            let no_answer = |_| io::Error::new(io::ErrorKind::TimedOut, "the name servers do not answer");
            timeout(LOOKUP_WITHIN, asked).await.map_err(no_answer)?.map_err(io::Error::other)?
        })
    })
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The header Retry-After, when it is a number of seconds.
    pub retry_after_seconds: Option<u64>,
    /// How the body begins.
    pub head: String,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The address may not be reached.
    Forbidden(String),
    /// The time was up.
    Timeout,
    /// No connection, or it broke.
    Broken(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Forbidden(why) | Self::Broken(why) => f.write_str(why),
            Self::Timeout => f.write_str("no answer in time"),
        }
    }
}

/// Looks where the name in a URL leads now. One that leads nowhere yet is looked at when something is sent.
///
/// # Errors
/// Why it may not be used, for the person who gave it.
pub async fn check(lookup: &Lookup, target: &Target) -> Result<(), String> {
    let Some(name) = target.name() else { return Ok(()) };
    let Ok(addresses) = lookup(name.to_owned()).await else { return Ok(()) };
    if addresses.into_iter().all(|address| target.may_reach(address)) { Ok(()) } else { Err(Rejected(name.to_owned()).to_string()) }
}

/// Sends requests to strangers.
#[derive(Clone)]
pub struct Strangers {
    client: reqwest::Client,
    rule: Rule,
    deadline: Duration,
}

impl Strangers {
    /// With a deadline for each attempt.
    pub fn new(rule: Rule, deadline: Duration, lookup: Lookup) -> BaseResult<Self> {
        // Another part of this process may have been first, with the same provider.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .dns_resolver(Arc::new(Guard { lookup, rule }))
            .pool_idle_timeout(IDLE_CONNECTION_KEPT)
            .pool_max_idle_per_host(16)
            .tcp_nodelay(true)
            .user_agent(concat!("roborent/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(internal)?;
        Ok(Self { client, rule, deadline })
    }

    /// Posts JSON to `url`, which is checked once more.
    pub async fn post(&self, url: &str, headers: &[(&'static str, String)], body: Vec<u8>) -> Result<Reply, Failure> {
        let target = Target::parse(url, self.rule).map_err(|why| Failure::Forbidden(format!("the URL is not used: {why}")))?;
        let mut request = self.client.post(target.url().clone()).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut response = timeout(self.deadline, request.body(body).send()).await.map_err(|_| Failure::Timeout)?.map_err(failure)?;
        let retry_after_seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let mut head = Vec::new();
        // However it ends: the status has said what matters.
        drop(timeout(BODY_WITHIN.min(self.deadline), read(&mut response, &mut head)).await);
        head.truncate(HEAD_BYTES_MAX);
        let head = String::from_utf8_lossy(&head).replace('\0', "\u{fffd}");
        Ok(Reply { status: response.status().as_u16(), retry_after_seconds, head })
    }
}

/// To its end, so that the connection can be used again, or as far as is allowed, and then it is closed.
async fn read(response: &mut reqwest::Response, head: &mut Vec<u8>) {
    let mut taken = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        taken += chunk.len();
        head.extend_from_slice(&chunk[..chunk.len().min(HEAD_BYTES_MAX.saturating_sub(head.len()))]);
        if taken > BODY_BYTES_MAX {
            return;
        }
    }
}

/// Resolves names for connections: what it answers is where the connection goes. An address in a URL never comes here.
struct Guard {
    lookup: Lookup,
    rule: Rule,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (name, rule) = (name.as_str().to_owned(), self.rule);
        let found = (self.lookup)(name.clone());
        Box::pin(async move {
            let addresses = found.await?;
            let local = rule.loopback && name == "localhost";
            let allowed = |address: &IpAddr| if local { address.to_canonical().is_loopback() } else { is_public(*address) };
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            if !addresses.iter().all(allowed) {
                return Err(Box::<dyn std::error::Error + Send + Sync>::from(Rejected(name)));
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// A name that leads inside.
#[derive(Debug)]
struct Rejected(String);

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} leads to a private or reserved address", self.0)
    }
}

impl std::error::Error for Rejected {}

/// Without the URL, which may hold a secret of its owner.
fn failure(error: reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::Timeout;
    }
    let error = error.without_url();
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(&error);
    while let Some(cause) = next {
        if let Some(rejected) = cause.downcast_ref::<Rejected>() {
            return Failure::Forbidden(rejected.to_string());
        }
        text = cause.to_string();
        next = cause.source();
    }
    Failure::Broken(text)
}

//! A client for java-tron's HTTP API: one [`Node`] per provider, and a [`Pool`] of them that believes nobody blindly.
//!
//! Hosted nodes answer with HTML, half a list, yesterday's head or a polite `{}`. Each of these is an error with a name
//! here, never "nothing happened". All requests are POSTs with `visible: false`: addresses are hex on the wire.

mod account;
mod block;
mod broadcast;
mod error;
mod pace;
mod pool;
mod transport;
mod votes;
mod wire;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use account::{Account, ChainParameters, Estimate, Resources};
pub use block::{Block, BlockTransaction, Header, Outcome};
pub use broadcast::{BroadcastReply, Verdict};
pub use error::{NodeError, PoolError, Trouble};
pub use pace::paced;
pub use pool::{Lookup, Pool};
pub use transport::{ApiKey, BoxFuture, Limits, Reply, Request, Transport, TransportFailure, over_http};

use crate::ids::Txid;

const EXCERPT_CHARACTERS: usize = 120;

/// Where a node is. A node of one's own answers `/wallet/` on port 8090 and `/walletsolidity/` on 8091 (java-tron,
/// `config.conf`); hosted ones answer both under one host.
#[derive(Clone, Debug)]
pub struct Provider {
    /// For logs and errors; no secrets.
    pub name: String,
    /// Without a slash at its end. Answers `/wallet/…`.
    pub full_url: String,
    /// Without a slash at its end. Answers `/walletsolidity/…`.
    pub solid_url: String,
    /// Sent with every request.
    pub api_key: Option<ApiKey>,
}

/// One provider and the way there. Cheap to clone.
#[derive(Clone)]
pub struct Node {
    name: Arc<str>,
    provider: Arc<Provider>,
    transport: Transport,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({})", self.name)
    }
}

impl Node {
    /// Asks nothing yet.
    pub fn new(provider: Provider, transport: Transport) -> Self {
        Self { name: provider.name.as_str().into(), provider: Arc::new(provider), transport }
    }

    /// The provider's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The newest solid block it knows: what is in it and below cannot be undone (java-tron, `DposService`: 19 of 27
    /// witnesses have built on it, about 57 s behind the head).
    pub async fn solid_tip(&self) -> Result<Header, NodeError> {
        let block = self.solid::<wire::Head>("/walletsolidity/getnowblock", &json!({})).await?;
        block::header(&block, None).map_err(|trouble| self.error(trouble))
    }

    /// The newest block it knows. May still be replaced.
    pub async fn head(&self) -> Result<Header, NodeError> {
        let block = self.full::<wire::Head>("/wallet/getnowblock", &json!({})).await?;
        block::header(&block, None).map_err(|trouble| self.error(trouble))
    }

    /// The head of a solid block: for comparing providers, and for telling networks apart by an old block.
    pub async fn solid_header(&self, number: u64) -> Result<Header, NodeError> {
        let block = self.solid::<wire::Head>("/walletsolidity/getblockbynum", &json!({ "num": number })).await?;
        block::header(&block, Some(number)).map_err(|trouble| self.error(trouble))
    }

    /// A solid block with what its transactions did. Either complete or an error.
    pub async fn solid_block(&self, number: u64) -> Result<Block, NodeError> {
        let asked = json!({ "num": number });
        let block = self.solid::<wire::Block>("/walletsolidity/getblockbynum", &asked).await?;
        let infos = self.send(format!("{}/walletsolidity/gettransactioninfobyblocknum", self.provider.solid_url), &asked).await?;
        // The genesis block has `{}` instead of a list (`GetTransactionInfoByBlockNumServlet`).
        let infos = if infos.body.trim_ascii() == b"{}" { Ok(Vec::new()) } else { read::<Vec<wire::Info>>(&infos) };
        let infos = infos.map_err(|trouble| self.error(trouble))?;
        block::complete(number, block, infos).map_err(|trouble| self.error(trouble))
    }

    /// What became of a transaction on the solid chain; `None` where it is not in any solid block.
    pub async fn solid_transaction(&self, txid: Txid) -> Result<Option<(u64, BlockTransaction)>, NodeError> {
        let asked = json!({ "value": txid.to_string() });
        let info = self.solid::<wire::Info>("/walletsolidity/gettransactioninfobyid", &asked).await?;
        match info.id {
            None => Ok(None),
            Some(id) if id == txid => {
                let (number, calls_a_contract) = (info.block_number, info.contract_address.is_some());
                let read = block::read(info, txid, None, calls_a_contract).map_err(|trouble| self.error(trouble))?;
                Ok(Some((number, read)))
            }
            Some(id) => Err(self.error(Trouble::Shape(format!("asked for transaction {txid}, got {id}")))),
        }
    }

    async fn full<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, NodeError> {
        self.post(format!("{}{path}", self.provider.full_url), body).await
    }

    async fn solid<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, NodeError> {
        self.post(format!("{}{path}", self.provider.solid_url), body).await
    }

    async fn post<T: DeserializeOwned>(&self, url: String, body: &Value) -> Result<T, NodeError> {
        let reply = self.send(url, body).await?;
        read(&reply).map_err(|trouble| self.error(trouble))
    }

    async fn send(&self, url: String, body: &Value) -> Result<Reply, NodeError> {
        let request = Request { url, api_key: self.provider.api_key.clone(), body: body.to_string() };
        (self.transport)(request).await.map_err(|failure| self.error(failure.into()))
    }

    fn error(&self, trouble: Trouble) -> NodeError {
        NodeError { provider: self.name.clone(), trouble }
    }
}

fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, Trouble> {
    match reply.status {
        200 => {}
        429 => return Err(Trouble::RateLimited { retry_after_seconds: reply.retry_after_seconds }),
        other => return Err(Trouble::Status(other)),
    }
    let error = match serde_json::from_slice(&reply.body) {
        Ok(answer) if !reports_an_error(&reply.body) => return Ok(answer),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    if excerpt(&reply.body, 500).contains("lite fullnode") {
        return Err(Trouble::LiteNode);
    }
    let Ok(value) = serde_json::from_slice::<Value>(&reply.body) else {
        return Err(Trouble::NotJson(excerpt(&reply.body, EXCERPT_CHARACTERS)));
    };
    let reported = ["Error", "error"].into_iter().find_map(|name| value.get(name));
    Err(match (reported, error) {
        (Some(Value::String(text)), _) => Trouble::Reported(text.clone()),
        (Some(other), _) => Trouble::Reported(other.to_string()),
        (None, error) => Trouble::Shape(error.map_or_else(String::new, |error| error.to_string())),
    })
}

/// `{"Error": …}` would pass for any of the shapes here, because all their fields may be absent.
fn reports_an_error(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    start.starts_with(b"{") && {
        let name = start[1..].trim_ascii_start();
        name.starts_with(b"\"Error\"") || name.starts_with(b"\"error\"")
    }
}

fn excerpt(body: &[u8], characters: usize) -> String {
    String::from_utf8_lossy(&body[..body.len().min(4 * characters)]).trim().chars().take(characters).collect()
}

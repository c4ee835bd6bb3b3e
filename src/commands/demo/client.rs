//! A small HTTP client for the server of the demo, over a real connection.

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::start::StartError;

/// What the one who calls shows.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    Nothing,
    Key(String),
    Token(String),
}

pub(super) struct Client {
    address: SocketAddr,
}

impl Client {
    pub(super) const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    pub(super) async fn get(&self, who: &Credential, path: &str) -> Result<Value, StartError> {
        self.call("GET", who, path, None).await
    }

    pub(super) async fn post(&self, who: &Credential, path: &str, body: Value) -> Result<Value, StartError> {
        self.call("POST", who, path, Some(body)).await
    }

    pub(super) async fn patch(&self, who: &Credential, path: &str, body: Value) -> Result<Value, StartError> {
        self.call("PATCH", who, path, Some(body)).await
    }

    /// A POST that is done once, however often it is sent.
    pub(super) async fn post_once(&self, who: &Credential, path: &str, key: &str, body: Value) -> Result<Value, StartError> {
        self.send("POST", who, path, Some(key), Some(body)).await
    }

    /// A GET to a node of the chain, at `http://host:port`.
    pub(super) async fn ask_node(&self, node: &str, path: &str) -> Result<Value, StartError> {
        let address = node.trim_start_matches("http://").parse().map_err(|e| StartError(format!("{node}: {e}")))?;
        Self { address }.get(&Credential::Nothing, path).await
    }

    async fn call(&self, method: &str, who: &Credential, path: &str, body: Option<Value>) -> Result<Value, StartError> {
        self.send(method, who, path, None, body).await
    }

    async fn send(&self, method: &str, who: &Credential, path: &str, key: Option<&str>, body: Option<Value>) -> Result<Value, StartError> {
        let failed = |what: &dyn std::fmt::Display| StartError(format!("{method} {path}: {what}"));
        let mut request = Request::builder().method(method).uri(path).header("host", self.address.to_string());
        match who {
            Credential::Nothing => {}
            Credential::Key(key) => request = request.header("x-api-key", key),
            Credential::Token(token) => request = request.header("authorization", format!("Bearer {token}")),
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.body(body).map_err(|e| failed(&e))?;

        let socket = TcpStream::connect(self.address).await.map_err(|e| failed(&e))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(|e| failed(&e))?;
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(|e| failed(&e))?;
        let status = answer.status();
        let bytes = to_bytes(Body::new(answer.into_body()), usize::MAX).await.map_err(|e| failed(&e))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|e| failed(&e))?;
        if status.is_success() { Ok(value) } else { Err(failed(&format!("{status} {value}"))) }
    }
}

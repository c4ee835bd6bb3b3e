//! How requests reach a node: a function that the caller brings. Tests bring one without a socket.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

/// A future on the heap that any thread may finish.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Sends one request and waits for the whole answer.
pub type Transport = Arc<dyn Fn(Request) -> BoxFuture<Result<Reply, TransportFailure>> + Send + Sync>;

/// What a provider wants to see in each request. Overwritten when dropped, never shown.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// As the provider gave it.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
    /// For the header `TRON-PRO-API-KEY`.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// A POST with a JSON body; java-tron takes nothing else for what we ask.
#[derive(Clone, Debug)]
pub struct Request {
    /// Scheme, host and path.
    pub url: String,
    /// Goes into the header `TRON-PRO-API-KEY`.
    pub api_key: Option<ApiKey>,
    /// JSON.
    pub body: String,
}

/// The whole answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The header `Retry-After`, if it is a number of seconds.
    pub retry_after_seconds: Option<u64>,
    /// The body. Its content type is not looked at: java-tron's says little.
    pub body: Vec<u8>,
}

/// Why there is no whole answer. The request may have been carried out all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportFailure {
    /// The time was up.
    Timeout,
    /// The body grew beyond the limit.
    TooLarge,
    /// No connection, or it broke.
    Broken(String),
}

/// Blocks are smaller, all but the largest.
const BODY_EXPECTED_MAX: usize = 4 * 1024 * 1024;

/// What one request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte sent to the last byte read.
    pub timeout: Duration,
    /// A block of a busy network with all its logs has a few MiB.
    pub body_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), body_bytes_max: 32 * 1024 * 1024 }
    }
}

/// Over HTTP with a client that the caller has set up: TLS provider installed, proxies and redirects as wanted. One client
/// serves all providers; it keeps their connections open.
pub fn over_http(client: reqwest::Client, limits: Limits) -> Transport {
    Arc::new(move |request| Box::pin(send(client.clone(), limits, request)))
}

async fn send(client: reqwest::Client, limits: Limits, request: Request) -> Result<Reply, TransportFailure> {
    let mut builder =
        client.post(&request.url).timeout(limits.timeout).header("content-type", "application/json").header("accept", "application/json");
    if let Some(key) = &request.api_key {
        let mut value = reqwest::header::HeaderValue::from_str(key.expose())
            .map_err(|_| TransportFailure::Broken("the API key holds characters that no header may have".into()))?;
        value.set_sensitive(true);
        builder = builder.header("TRON-PRO-API-KEY", value);
    }
    let mut response = builder.body(request.body).send().await.map_err(failure)?;
    let status = response.status().as_u16();
    let retry_after_seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    // What it says of its length is a hint: memory comes with the bytes, beyond the first few MiB.
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    let mut body = Vec::with_capacity(expected.min(BODY_EXPECTED_MAX).min(limits.body_bytes_max));
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > limits.body_bytes_max {
            return Err(TransportFailure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, retry_after_seconds, body })
}

/// Without the URL: some providers have the key in it.
fn failure(error: reqwest::Error) -> TransportFailure {
    if error.is_timeout() {
        return TransportFailure::Timeout;
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    TransportFailure::Broken(text)
}

//! A receiver of webhooks, as Ada would run it: checks the signature of each message and keeps what arrived.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::start::StartError;

const ARRIVES_WITHIN: Duration = Duration::from_secs(20);

/// A message that arrived.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: Value,
    /// What it was answered with.
    pub(super) status: u16,
    pub(super) signature_is_good: bool,
}

pub(super) struct Receiver {
    address: SocketAddr,
    kept: Arc<Kept>,
    serving: JoinHandle<()>,
    read: usize,
}

#[derive(Default)]
struct Kept {
    secret: Mutex<String>,
    fails: Mutex<Option<&'static str>>,
    messages: Mutex<Vec<Message>>,
    news: Notify,
}

impl Receiver {
    pub(super) async fn start() -> Result<Self, StartError> {
        let failed = |error: std::io::Error| StartError(format!("the receiver of webhooks: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let (address, kept) = (listener.local_addr().map_err(failed)?, Arc::<Kept>::default());
        let router = Router::new().fallback(receive).with_state(Arc::clone(&kept));
        let serving = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { address, kept, serving, read: 0 })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Its owner has told it the secret.
    pub(super) fn learn(&self, secret: &str) {
        secret.clone_into(&mut lock(&self.kept.secret));
    }

    /// Answers the next message about `event` with 500.
    pub(super) fn fail_once(&self, event: &'static str) {
        *lock(&self.kept.fails) = Some(event);
    }

    /// The next message about `event`; others are passed over.
    pub(super) async fn next(&mut self, event: &str) -> Result<Message, StartError> {
        let waiting = async {
            loop {
                let news = self.kept.news.notified();
                let found = lock(&self.kept.messages).get(self.read).cloned();
                match found {
                    None => news.await,
                    Some(message) => {
                        self.read += 1;
                        if message.body["event"] == event {
                            return message;
                        }
                    }
                }
            }
        };
        let never = |_| StartError(format!("the webhook {event} did not arrive"));
        tokio::time::timeout(ARRIVES_WITHIN, waiting).await.map_err(never)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(State(kept): State<Arc<Kept>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let signed = [text("webhook-id").as_bytes(), b".", text("webhook-timestamp").as_bytes(), b".", &body].concat();
    let signature_is_good = text("webhook-signature").split(' ').any(|signature| is_good(&lock(&kept.secret), &signed, signature));
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let fails = lock(&kept.fails).take_if(|event| body["event"] == *event).is_some();
    let status = if fails { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    lock(&kept.messages).push(Message { id: text("webhook-id"), body, status: status.as_u16(), signature_is_good });
    kept.news.notify_one();
    status
}

/// As the Standard Webhooks say: HMAC-SHA256 over id, time and body, in base64.
fn is_good(secret: &str, signed: &[u8], signature: &str) -> bool {
    let key = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    let tag = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
    let both = key.zip(tag);
    both.is_some_and(|(key, tag)| hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed, &tag).is_ok())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A receiver on this machine: keeps what it gets and answers as it is told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roborent::testing::{Bot, TestApp};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct Message {
    pub headers: HeaderMap,
    pub text: String,
}

impl Message {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    /// The signatures that were made with this secret.
    pub fn signed_with(&self, secret: &str) -> usize {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.text);
        let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key), signed.as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(tag));
        self.header("webhook-signature").split(' ').filter(|signature| *signature == expected).count()
    }
}

/// The receiver.
pub struct Receiver {
    pub address: SocketAddr,
    state: Arc<Kept>,
    serving: JoinHandle<()>,
}

struct Kept {
    status: AtomicU16,
    /// Answers so many with 500 first.
    failures: AtomicUsize,
    messages: Mutex<Vec<Message>>,
}

async fn receive(State(state): State<Arc<Kept>>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    state.messages.lock().unwrap().push(Message { headers, text: String::from_utf8(body.to_vec()).unwrap() });
    if state.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
        return (StatusCode::INTERNAL_SERVER_ERROR, "not yet");
    }
    (StatusCode::from_u16(state.status.load(Ordering::SeqCst)).unwrap(), "thanks")
}

impl Receiver {
    pub async fn start() -> Self {
        Self::on(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    pub async fn on(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Kept { status: AtomicU16::new(200), failures: AtomicUsize::new(0), messages: Mutex::default() });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, state, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn answers(&self, status: u16) {
        self.state.status.store(status, Ordering::SeqCst);
    }

    pub fn fails_first(&self, count: usize) {
        self.state.failures.store(count, Ordering::SeqCst);
    }

    pub fn messages(&self) -> Vec<Message> {
        self.state.messages.lock().unwrap().clone()
    }

    /// What arrived since the last time.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.state.messages.lock().unwrap())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Sets the URL; answers the secret.
pub async fn hook(app: &TestApp, bot: &Bot, url: &str) -> String {
    let profile = patch(app, bot, &json!({ "webhook_url": url })).await;
    profile["webhook_secret"].as_str().unwrap_or_default().to_owned()
}

pub async fn patch(app: &TestApp, bot: &Bot, change: &Value) -> Value {
    app.ask("PATCH", "/api/v1/agent/profile").key(bot).json(change).send().await.expect(200).json()
}

/// Numbers what happened, delivers what is due, and waits for that.
pub async fn deliver(app: &TestApp) {
    app.run_jobs().await;
    tokio::time::timeout(Duration::from_mins(1), app.app.deliverer.rest()).await.expect("deliveries end");
}

/// So many test events.
pub async fn tell(app: &TestApp, bot: &Bot, count: usize) {
    use roborent::events::{Event, EventKind, emit};
    let user = bot.user_id;
    let events = move |cx: &mut roborent::base::Context<'_, '_>| {
        let events: Vec<Event> = (0..count).map(|n| Event::new(user, EventKind::WebhookTest, json!({ "n": n }))).collect();
        emit(cx, &events)
    };
    app.app.dispatcher.system(events).await.unwrap();
}

/// The delivery log of a bot, newest first.
pub async fn log(app: &TestApp, bot: &Bot) -> Vec<Value> {
    let page = app.get("/api/v1/agent/webhook/deliveries?limit=200").key(bot).send().await.expect(200).json();
    page["items"].as_array().unwrap().clone()
}

//! The node on sockets: one listener for each provider, and a block every so often.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use hyper::body::Frame;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::journal::JournalError;
use crate::node::{Answer, Devnet, Manner, Settings, WeakDevnet};

/// How long a request waits that gets no answer.
const NEVER: Duration = Duration::from_mins(1);
/// How long the end waits for answers under way.
const GRACE: Duration = Duration::from_millis(300);

/// Why the node does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stored chain cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The address is taken, or not this machine's.
    #[error("the devnet cannot listen on {address}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// Other machines could reach it, and nobody said that they may.
    #[error("{0} can be reached from other machines, and whoever reaches a devnet commands it: listen on 127.0.0.1")]
    Open(SocketAddr),
}

/// A running node. Dropping it stops it; [`Running::shutdown`] also waits for that.
#[derive(Debug)]
pub struct Running {
    devnet: Devnet,
    addresses: Vec<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
    /// Dropped to say that it is over.
    open: Option<watch::Sender<()>>,
}

impl Running {
    /// The node, for orders without a socket.
    pub const fn devnet(&self) -> &Devnet {
        &self.devnet
    }

    /// Where provider 0 listens.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Where all providers listen.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// `http://host:port` of a provider.
    pub fn url(&self, provider: usize) -> String {
        format!("http://{}", self.addresses[provider])
    }

    /// Stops listening and making blocks, and lets go of the folder. Answers under way get a moment. Every block that was
    /// answered is on the disk already.
    pub async fn shutdown(mut self) {
        drop(self.open.take());
        for mut task in std::mem::take(&mut self.tasks) {
            if tokio::time::timeout(GRACE, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Devnet {
    /// Opens the chain and listens: the first address is provider 0, further ones are more providers over the same chain.
    /// Port 0 takes a free one.
    pub async fn start(settings: Settings, listen: SocketAddr, further: &[SocketAddr]) -> Result<Running, StartError> {
        let mut listeners = Vec::new();
        for address in std::iter::once(&listen).chain(further) {
            if !address.ip().is_loopback() && !settings.open_to_others {
                return Err(StartError::Open(*address));
            }
            let listener = TcpListener::bind(address).await.map_err(|error| StartError::Listen { address: *address, error })?;
            listeners.push(listener);
        }
        let devnet = Self::open(settings)?;
        let (open, closing) = watch::channel(());
        let mut running = Running { devnet: devnet.clone(), addresses: Vec::new(), tasks: Vec::new(), open: Some(open) };
        for (provider, listener) in listeners.into_iter().enumerate() {
            let address = listener.local_addr().map_err(|error| StartError::Listen { address: listen, error })?;
            running.addresses.push(address);
            let app = Router::new().fallback(serve).with_state((devnet.downgrade(), provider));
            let mut closing = closing.clone();
            let closed = async move { drop(closing.changed().await) };
            running.tasks.push(tokio::spawn(async move {
                if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(closed).await {
                    tracing::error!(%error, "the devnet stopped listening");
                }
            }));
        }
        if let Some(every_ms) = devnet.settings.block_every_ms {
            running.tasks.push(tokio::spawn(make_blocks(devnet.downgrade(), Duration::from_millis(every_ms.max(1)), closing)));
        }
        Ok(running)
    }
}

async fn make_blocks(devnet: WeakDevnet, every: Duration, mut closing: watch::Receiver<()>) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = closing.changed() => return,
            _ = ticks.tick() => {}
        }
        let Some(node) = devnet.upgrade() else { return };
        match tokio::task::spawn_blocking(move || node.tick()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the devnet makes no more blocks");
                return;
            }
            Err(error) => {
                tracing::error!(%error, "making a block failed");
                return;
            }
        }
    }
}

async fn serve(
    State((devnet, provider)): State<(WeakDevnet, usize)>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    // A connection that outlives the node keeps nothing of it.
    let Some(devnet) = devnet.upgrade() else {
        return respond(StatusCode::SERVICE_UNAVAILABLE, Body::from(r#"{"error":"the devnet has stopped"}"#));
    };
    if let Some(order) = uri.path().strip_prefix("/devnet") {
        if !devnet.settings.open_to_others && !from_here(&headers) {
            return respond(StatusCode::FORBIDDEN, Body::from(r#"{"error":"orders are taken from programs and pages of this machine"}"#));
        }
        // A picture on a web page is a GET without an origin.
        if method != Method::POST && !["", "truth", "faults"].contains(&order.trim_matches('/')) {
            return respond(StatusCode::METHOD_NOT_ALLOWED, Body::from(r#"{"error":"orders are POSTs"}"#));
        }
    }
    let path = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    // Answering may wait for the disk.
    let answered = tokio::task::spawn_blocking(move || devnet.request(provider, &path, &body)).await;
    let Ok(Answer { status, body, manner }) = answered else {
        return respond(StatusCode::INTERNAL_SERVER_ERROR, Body::from("the devnet failed"));
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match manner {
        Manner::Whole => respond(status, Body::from(body)),
        Manner::Slow(ms) => {
            pause(Duration::from_millis(ms)).await;
            respond(status, Body::from(body))
        }
        Manner::Never => {
            pause(NEVER).await;
            respond(status, Body::new(Breaking(None)))
        }
        Manner::HangUp => {
            respond(status, Body::new(Breaking(Some(Bytes::from(body[..body.floor_char_boundary(body.len() / 2)].to_owned())))))
        }
    }
}

/// A web page of somebody else, open in a browser on this machine, names its origin, or a host that is not this machine.
fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let here = |host: &str| {
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|name| host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
    };
    text("host").is_none_or(here) && text("origin").is_none_or(|origin| origin.strip_prefix("http://").is_some_and(here))
}

fn respond(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", axum::http::HeaderValue::from_static("application/json"));
    headers.insert("access-control-allow-origin", axum::http::HeaderValue::from_static("*"));
    headers.insert("access-control-allow-headers", axum::http::HeaderValue::from_static("*"));
    response
}

#[expect(clippy::disallowed_methods, reason = "a slow answer takes real time: the client's timeout is what is tested")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// A body that breaks off.
struct Breaking(Option<Bytes>);

impl hyper::body::Body for Breaking {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(self.0.take().map_or_else(|| Err(io::Error::other("told to hang up")), |half| Ok(Frame::data(half)))))
    }
}

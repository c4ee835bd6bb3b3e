//! Accepts connections and lets them end: what is in flight at the end gets a moment, streams end at once.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use crate::base::config;
use crate::base::error::{Error, Refusal};
use crate::doors::client::Peer;
use crate::doors::connection::{AnswerBody, Notes, Patience, Socket};
use crate::doors::message;

/// How many connections, and how long each may take.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    at_most: usize,
    patience: Patience,
    /// What calls in flight get when the server stops.
    grace: Duration,
}

impl Connections {
    /// As the settings say, and not more than there are file descriptors for.
    pub fn of(server: &config::Server) -> Self {
        let patience = Patience {
            headers: Duration::from_secs(server.header_timeout_seconds),
            idle: Duration::from_secs(server.idle_timeout_seconds),
        };
        // The database and the log need some, too.
        let at_most = files_max().map_or(server.connections_max, |files| server.connections_max.min(files - files / 5));
        Self { at_most, patience, grace: Duration::from_millis(server.shutdown_grace_ms) }
    }

    /// Fewer, for a listener that is not for the public.
    #[must_use]
    pub fn at_most(self, connections: usize) -> Self {
        Self { at_most: self.at_most.min(connections), ..self }
    }
}

/// Out of file descriptors, most likely: some connections have to end first.
const AFTER_A_FAILURE: Duration = Duration::from_millis(50);
const BUFFER_BYTES: usize = 8 * 1024;
const HTTP2_PING_EVERY: Duration = Duration::from_secs(15);
/// For the end of a connection: what is on its way may arrive.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Refused connections that are told so at once; the others are just closed.
const REFUSALS_AT_ONCE: usize = 64;
/// Serves `router` until `stop` is cancelled, then waits for calls in flight.
#[expect(clippy::disallowed_methods, reason = "waits for file descriptors, in machine time")]
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, connections: Connections) {
    let protocol = Arc::new(protocol());
    let places = Arc::new(Semaphore::new(connections.at_most));
    let refusals = Arc::new(Semaphore::new(REFUSALS_AT_ONCE));
    let open = TaskTracker::new();
    loop {
        let (tcp, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(AFTER_A_FAILURE).await;
                    continue;
                }
            },
        };
        drop(tcp.set_nodelay(true));
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let (protocol, router, stop) = (Arc::clone(&protocol), router.clone(), stop.clone());
            open.spawn(async move {
                let socket = Socket { tcp, notes: Notes::new(connections.patience) };
                converse(&protocol, socket, peer, router, stop).await;
                drop(place);
            });
        } else {
            metrics::counter!("roborent_connections_refused_total").increment(1);
            if let Ok(turn) = Arc::clone(&refusals).try_acquire_owned() {
                tokio::spawn(async move {
                    drop(tokio::time::timeout(LAST_WORDS, refuse(tcp)).await);
                    drop(turn);
                });
            }
        }
    }
    drop(listener);
    open.close();
    if tokio::time::timeout(connections.grace, open.wait()).await.is_err() {
        tracing::warn!("some calls were still in flight when the server stopped");
    }
}

fn protocol() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // The deadlines of a connection are its notes.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .keep_alive_interval(HTTP2_PING_EVERY)
        .keep_alive_timeout(HTTP2_PING_EVERY);
    builder
}

/// One connection to its end.
async fn converse(protocol: &Builder<TokioExecutor>, socket: Socket, peer: SocketAddr, router: Router, stop: CancellationToken) {
    let notes = socket.notes.clone();
    let calls = notes.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let guard = calls.call(request.version() == Version::HTTP_2);
        request.extensions_mut().insert(Peer(peer));
        let refused = message::refusal(&request);
        let mut router = router.clone();
        async move {
            let answer = match refused {
                Some(refused) => refused,
                None => router.call(request).await?,
            };
            Ok::<_, Infallible>(answer.map(|body| AnswerBody { body, _call: guard }))
        }
    });
    let mut connection = pin!(protocol.serve_connection_with_upgrades(TokioIo::new(socket), service));
    let mut ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = notes.overdue() => None,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => Some(ended),
                () = notes.overdue() => None,
            }
        }
    };
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        ended = tokio::time::timeout(LAST_WORDS, connection.as_mut()).await.ok();
    }
    if let Some(Err(error)) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}

/// Says that there is no place; reads what is on its way, so that the answer is not lost with it.
async fn refuse(mut tcp: TcpStream) -> std::io::Result<()> {
    let error = Error::from(Refusal::Busy).retry_after(5);
    let body = error.to_problem("none").to_string();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nretry-after: 5\r\nconnection: close\r\n\r\n",
        body.len()
    );
    tcp.write_all((head + &body).as_bytes()).await?;
    tcp.shutdown().await?;
    let mut rest = [0; 1_024];
    while tcp.read(&mut rest).await? > 0 {}
    Ok(())
}

/// The most files that this process may have open, where the system tells.
fn files_max() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok())
}

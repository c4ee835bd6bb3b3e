//! Accepts connections and lets them end: what is in flight at the end gets a moment, streams end at once.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::{Method, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
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
use crate::doors::connection::{Notes, Patience, Socket};
use crate::doors::message;
use crate::doors::staying::{self, Outgoing, Staying};

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
    let protocols = Arc::new(protocols());
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
            let (protocols, router, stop) = (Arc::clone(&protocols), router.clone(), stop.clone());
            open.spawn(async move {
                let socket = Socket::new(tcp, connections.patience);
                converse(&protocols, socket, peer, router, stop).await;
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

/// The two versions of HTTP, as they are spoken here.
struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

fn protocols() -> Protocols {
    let (mut http1, mut http2) = (http1::Builder::new(), http2::Builder::new(TokioExecutor::new()));
    // The deadlines of a connection are its notes.
    http1.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(BUFFER_BYTES);
    http2.timer(TokioTimer::new()).max_concurrent_streams(100).keep_alive_interval(HTTP2_PING_EVERY).keep_alive_timeout(HTTP2_PING_EVERY);
    Protocols { http1, http2 }
}

/// One connection to its end.
async fn converse(protocols: &Protocols, mut socket: Socket, peer: SocketAddr, router: Router, stop: CancellationToken) {
    let (notes, staying) = (socket.notes.clone(), Staying::default());
    let is_http2 = tokio::select! {
        begun = socket.speaks_http2() => begun,
        () = notes.overdue() => return,
        () = stop.cancelled() => return,
    };
    let (calls, stays) = (notes.clone(), staying.clone());
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let (guard, stays) = (calls.call(request.version() == Version::HTTP_2), stays.clone());
        let may_stay = request.version() == Version::HTTP_11 && request.method() == Method::GET;
        request.extensions_mut().insert(Peer(peer));
        let refused = message::refusal(&request);
        let mut router = router.clone();
        async move {
            let answer = match refused {
                Some(refused) => refused,
                None => router.call(request).await?,
            };
            Ok::<_, Infallible>(Outgoing::of(may_stay, answer, guard, &stays))
        }
    });
    let ended = match is_http2 {
        Err(error) => Err(error.to_string()),
        Ok(true) => {
            let connection = pin!(protocols.http2.serve_connection(TokioIo::new(socket), service));
            drive(connection, &notes, &stop, || None::<Infallible>).await.map(drop)
        }
        Ok(false) => {
            let mut connection = protocols.http1.serve_connection(TokioIo::new(socket), service);
            match drive(Pin::new(&mut connection), &notes, &stop, || staying.take()).await {
                Ok(Some(body)) => {
                    let mut socket = connection.into_parts().io.into_inner();
                    tokio::select! {
                        ended = staying::go_on(&mut socket, body) => ended.map_err(|error| error.to_string()),
                        () = notes.overdue() => Ok(()),
                    }
                }
                ended => ended.map(drop),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}

/// Until it ends, until it has used up somebody's patience, or until it `leaves` for something else.
async fn drive<C: GracefulConnection<Error = hyper::Error>, L>(
    mut connection: Pin<&mut C>,
    notes: &Notes,
    stop: &CancellationToken,
    leaves: impl Fn() -> Option<L>,
) -> Result<Option<L>, String> {
    let serve = |connection: &mut Pin<&mut C>, cx: &mut Context<'_>| match connection.as_mut().poll(cx) {
        Poll::Ready(ended) => Poll::Ready(ended.map(|()| None).map_err(|error| error.to_string())),
        Poll::Pending => leaves().map_or(Poll::Pending, |left| Poll::Ready(Ok(Some(left)))),
    };
    tokio::select! {
        ended = poll_fn(|cx| serve(&mut connection, cx)) => return ended,
        () = notes.overdue() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = poll_fn(|cx| serve(&mut connection, cx)) => return ended,
                () = notes.overdue() => {}
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    tokio::time::timeout(LAST_WORDS, poll_fn(|cx| serve(&mut connection, cx))).await.unwrap_or(Ok(None))
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

//! What one connection is doing, and when it has done nothing for too long.
//!
//! hyper has a deadline for the headers of HTTP/1.1 only, and it is the same for a connection that waits between two
//! calls. Here the socket and the calls note what happens, and a timer looks at the notes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// How long a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the first byte of a request to the end of its headers; a new connection has as long for the first byte, too.
    pub(super) headers: Duration,
    /// Between two requests, and to take bytes of an answer.
    pub(super) idle: Duration,
}

/// The notes about one connection.
#[derive(Clone)]
pub(super) struct Notes {
    patience: Patience,
    noted: Arc<Mutex<Noted>>,
}

struct Noted {
    /// Calls whose answers are not made to their end.
    calls: usize,
    /// HTTP/2 also sends bytes that belong to no request.
    is_http2: bool,
    /// Whether it had a call.
    has_called: bool,
    /// Since when it waits for the first or the next request.
    waits_since: Instant,
    /// Since when a request is arriving.
    arrives_since: Option<Instant>,
    /// Since when the client takes nothing of an answer.
    stuck_since: Option<Instant>,
    /// How often all that was written was handed on.
    flushes: u64,
}

impl Notes {
    pub(super) fn new(patience: Patience) -> Self {
        let noted = Noted {
            calls: 0,
            is_http2: false,
            has_called: false,
            waits_since: Instant::now(),
            arrives_since: None,
            stuck_since: None,
            flushes: 0,
        };
        Self { patience, noted: Arc::new(Mutex::new(noted)) }
    }

    /// A call begins; it ends when what is answered here is dropped.
    pub(super) fn call(&self, is_http2: bool) -> CallGuard {
        let mut noted = self.lock();
        noted.calls += 1;
        noted.has_called = true;
        noted.is_http2 = is_http2;
        noted.arrives_since = None;
        CallGuard(self.clone())
    }

    /// Waits until the connection has used up somebody's patience.
    pub(super) async fn overdue(&self) {
        loop {
            let now = Instant::now();
            let deadline = self.deadline();
            if deadline.is_some_and(|at| at <= now) {
                return;
            }
            // Whatever begins meanwhile has at least this long.
            let look_again = now + self.patience.headers.min(self.patience.idle);
            sleep_until(deadline.map_or(look_again, |at| at.min(look_again))).await;
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let noted = self.lock();
        let stuck = noted.stuck_since.map(|since| since + self.patience.idle);
        let quiet = match noted.arrives_since {
            _ if noted.calls > 0 => None,
            Some(since) => Some(since + self.patience.headers),
            None if noted.has_called => Some(noted.waits_since + self.patience.idle),
            None => Some(noted.waits_since + self.patience.headers),
        };
        stuck.into_iter().chain(quiet).min()
    }

    fn read(&self) {
        let mut noted = self.lock();
        // A connection that never had a call has its deadline from the start.
        if noted.calls == 0 && noted.has_called && !noted.is_http2 {
            noted.arrives_since.get_or_insert_with(Instant::now);
        }
    }

    fn wrote(&self, taken: bool) {
        let mut noted = self.lock();
        if taken {
            noted.stuck_since = None;
        } else {
            noted.stuck_since.get_or_insert_with(Instant::now);
        }
    }

    pub(super) fn flushed(&self) {
        self.lock().flushes += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lives as long as a call.
pub(super) struct CallGuard(Notes);

impl Drop for CallGuard {
    fn drop(&mut self) {
        let mut noted = self.0.lock();
        noted.calls -= 1;
        noted.waits_since = Instant::now();
    }
}

/// How every client of HTTP/2 begins that does not ask first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A socket that notes what it reads and writes.
pub(super) struct Socket {
    tcp: TcpStream,
    pub(super) notes: Notes,
    /// What was read to learn the version of the protocol, and how much of it was taken since.
    begun: ([u8; PREFACE.len()], usize, usize),
}

impl Socket {
    pub(super) fn new(tcp: TcpStream, patience: Patience) -> Self {
        Self { tcp, notes: Notes::new(patience), begun: ([0; PREFACE.len()], 0, 0) }
    }

    /// Whether the client begins with HTTP/2. What is read to learn it is read again by whoever comes next.
    pub(super) async fn speaks_http2(&mut self) -> io::Result<bool> {
        let (bytes, length, _) = &mut self.begun;
        while *length < PREFACE.len() && PREFACE.starts_with(&bytes[..*length]) {
            match self.tcp.read(&mut bytes[*length..]).await? {
                0 => break,
                read => *length += read,
            }
        }
        Ok(bytes == PREFACE)
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (bytes, length, taken) = &mut self.begun;
        if taken < length {
            let piece = buffer.remaining().min(*length - *taken);
            buffer.put_slice(&bytes[*taken..*taken + piece]);
            *taken += piece;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.tcp).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.notes.read();
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.notes.wrote(written.is_ready());
        written
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, bytes);
        self.notes.wrote(written.is_ready());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes what it writes to when it has nothing left to write.
        self.notes.flushed();
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// The body of an answer; its end is the end of the call.
pub(super) struct AnswerBody {
    body: Body,
    call: CallGuard,
}

impl AnswerBody {
    pub(super) const fn new(body: Body, call: CallGuard) -> Self {
        Self { body, call }
    }

    /// How often its connection has handed on all that was written. What was said before the last time is with the socket.
    pub(super) fn flushes(&self) -> u64 {
        self.call.0.lock().flushes
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! A stream of events leaves hyper when it has begun. hyper keeps two buffers of 8 KiB and the headers of a request for
//! each connection, three times what an idle reader needs otherwise; what is left to do is to write chunks.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::doors::connection::{AnswerBody, CallGuard, Socket};

/// The body of an answer that stays, between hyper, which sends how it begins, and the connection, which goes on with it.
#[derive(Clone, Default)]
pub(super) struct Staying(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    body: Option<AnswerBody>,
    /// After how many flushes of the connection it had no more to say; nothing while it speaks.
    quiet_after: Option<u64>,
}

impl Staying {
    /// The body, once its beginning was sent: when the connection was flushed since it fell quiet.
    pub(super) fn take(&self) -> Option<AnswerBody> {
        let State { body, quiet_after } = &mut *self.lock();
        body.take_if(|body| quiet_after.is_some_and(|flushes| body.flushes() > flushes))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What hyper sends.
pub(super) enum Outgoing {
    /// The whole of an answer.
    Whole(AnswerBody),
    /// The beginning of one that stays.
    Beginning(Staying),
}

impl Outgoing {
    /// An answer as it goes out. One of events that was asked for over HTTP/1.1 with GET stays: it is left in `staying`, and
    /// the connection is its own to the end.
    pub(super) fn of(may_stay: bool, answer: Response<Body>, call: CallGuard, staying: &Staying) -> Response<Self> {
        let (mut parts, body) = answer.into_parts();
        let body = AnswerBody::new(body, call);
        let is_stream = parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if !may_stay || !is_stream || body.is_end_stream() {
            return Response::from_parts(parts, Self::Whole(body));
        }
        parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        *staying.lock() = State { body: Some(body), ..State::default() };
        Response::from_parts(parts, Self::Beginning(staying.clone()))
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx),
            Self::Beginning(staying) => {
                let State { body: kept, quiet_after } = &mut *staying.lock();
                let Some(body) = kept else { return Poll::Ready(None) };
                let said = Pin::new(&mut *body).poll_frame(cx);
                // hyper may ask once more after it has sent everything: it is as quiet as before.
                *quiet_after = said.is_pending().then(|| quiet_after.unwrap_or_else(|| body.flushes()));
                // The end of the body is the end of the call.
                if matches!(said, Poll::Ready(None | Some(Err(_)))) {
                    *kept = None;
                }
                said
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Beginning(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Beginning(_) => SizeHint::default(),
        }
    }
}

/// Sends what `body` says from here on, in chunks, until one of both sides ends it.
pub(super) async fn go_on(socket: &mut Socket, mut body: AnswerBody) -> io::Result<()> {
    // The client has nothing to say any more; that it is gone shows here.
    let mut unasked = [0; 64];
    loop {
        tokio::select! {
            said = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)) => match said.and_then(Result::ok) {
                Some(frame) => match frame.into_data() {
                    Ok(piece) if !piece.is_empty() => socket.write_all(&chunk(&piece)).await?,
                    _ => {}
                },
                None => break,
            },
            read = socket.read(&mut unasked) => if read? == 0 {
                return Ok(());
            },
        }
    }
    socket.write_all(b"0\r\n\r\n").await?;
    socket.shutdown().await
}

/// A piece as HTTP/1.1 sends it in an answer whose end is not known.
fn chunk(piece: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doors::connection::{Notes, Patience};
    use crate::doors::text_stream::{self, Says};

    struct Never;

    impl Says for Never {
        async fn next(self) -> Option<(Bytes, Self)> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn it_leaves_when_what_it_said_is_sent() {
        let notes = Notes::new(Patience { headers: Duration::from_secs(1), idle: Duration::from_secs(1) });
        let mut answer = Response::new(text_stream::body(Some(Bytes::from_static(b"begun")), Never));
        text_stream::mark(answer.headers_mut());
        let staying = Staying::default();
        let mut outgoing = Outgoing::of(true, answer, notes.call(false), &staying).into_body();
        let mut ask = async || std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut outgoing).poll_frame(cx).is_ready())).await;
        assert!(ask().await && staying.take().is_none(), "it may have more to say");
        assert!(!ask().await && staying.take().is_none(), "hyper has not sent it");
        notes.flushed();
        assert!(!ask().await, "hyper asks once more");
        assert!(staying.take().is_some());
    }
}

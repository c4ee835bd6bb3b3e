//! A body that says something again and again, each piece when it is there: one future for each reader and no task.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::{Body as HttpBody, Bytes, Frame};

/// Who has something to say.
pub(super) trait Says: Sized + Send + 'static {
    /// What comes next, and who goes on after it; nothing at the end.
    fn next(self) -> impl Future<Output = Option<(Bytes, Self)>> + Send;
}

/// The body of an answer: what is said at once, if anything, and then what comes.
pub(super) fn body(begun: Option<Bytes>, says: impl Says) -> Body {
    Body::new(Pieces { begun, next: Some(Box::pin(says.next())) })
}

/// What an answer of server-sent events says of itself; no proxy keeps it back.
pub(super) fn mark(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
}

type Next<S> = Pin<Box<dyn Future<Output = Option<(Bytes, S)>> + Send>>;

struct Pieces<S> {
    begun: Option<Bytes>,
    /// Nothing after the end.
    next: Option<Next<S>>,
}

impl<S: Says> HttpBody for Pieces<S> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(begun) = self.begun.take() {
            return Poll::Ready(Some(Ok(Frame::data(begun))));
        }
        let Some(next) = self.next.as_mut() else { return Poll::Ready(None) };
        let said = ready!(next.as_mut().poll(cx));
        let (piece, next) = said.map(|(bytes, says)| (Frame::data(bytes), Box::pin(says.next()) as Next<S>)).unzip();
        self.next = next;
        Poll::Ready(piece.map(Ok))
    }
}

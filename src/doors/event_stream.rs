//! Server-sent events: what a stream of the events' room says, as the body of an answer. One future for each reader and no
//! task; a reader who takes nothing holds one batch.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame};

use crate::base::call::Credentials;
use crate::base::error::{Result, internal};
use crate::doors::App;
use crate::events::{EventView, Next, Stream, stream};

/// Which event the client had last, when it says so.
pub(super) const LAST_EVENT_ID: &str = "last-event-id";

/// A stream in the making: who reads, and from where.
pub(super) struct Reader {
    credentials: Credentials,
    /// A token ends earlier than its session.
    token: Option<Box<str>>,
    after: i64,
}

impl Reader {
    pub(super) fn new(credentials: &Credentials, headers: &HeaderMap, after: Option<i64>) -> Self {
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' ')).map(|(_, token)| token.trim().into());
        let token = token.filter(|_| credentials.token.is_some());
        Self { credentials: credentials.clone(), token, after: after.unwrap_or(0) }
    }

    /// Opens the stream.
    pub(super) async fn open(self, app: &Arc<App>) -> Result<Live> {
        let stream = stream(&app.dispatcher, self.credentials, self.after).await?;
        Ok(Live { app: Arc::clone(app), stream, token: self.token })
    }
}

/// An open stream.
pub(super) struct Live {
    app: Arc<App>,
    stream: Stream,
    token: Option<Box<str>>,
}

impl Live {
    /// Adds what happens from now on to an answer.
    pub(super) fn go_on(self, answer: &mut Response<Body>, begun: Vec<u8>) {
        *answer.body_mut() = Body::new(Lines { begun: Some(begun.into()), next: Box::pin(self.next()) });
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        answer.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    }

    async fn next(mut self) -> Said {
        let next = self.stream.next().await;
        let good = self.token.as_ref().is_none_or(|token| self.app.tokens.verify(token, self.app.dispatcher.clock.now()).is_ok());
        let text = match next {
            Next::Events(events) if good => events.iter().map(lines).collect::<Result<String>>().map(|text| Some(text.into())),
            Next::Quiet if good => Ok(Some(Bytes::from_static(b": still here\n\n"))),
            Next::Events(_) | Next::Quiet | Next::End => Ok(None),
        };
        (self, text)
    }
}

/// One event in the form of the HTML standard.
fn lines(event: &EventView) -> Result<String> {
    let data = serde_json::to_string(event).map_err(internal)?;
    Ok(format!("id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.event))
}

/// The stream, and the text that comes next; none at the end.
type Said = (Live, Result<Option<Bytes>>);

struct Lines {
    begun: Option<Bytes>,
    next: Pin<Box<dyn Future<Output = Said> + Send>>,
}

impl HttpBody for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(begun) = self.begun.take() {
            return Poll::Ready(Some(Ok(Frame::data(begun))));
        }
        let (live, text) = ready!(self.next.as_mut().poll(cx));
        self.next = Box::pin(live.next());
        Poll::Ready(text.unwrap_or(None).map(|text| Ok(Frame::data(text))))
    }
}

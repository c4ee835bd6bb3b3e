//! Server-sent events: what a stream of the events' room says, as the body of an answer. A reader who takes nothing holds
//! one batch.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Response};

use crate::base::call::Credentials;
use crate::base::error::{Result, internal};
use crate::doors::App;
use crate::doors::text_stream::{self, Says};
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
        *answer.body_mut() = text_stream::body(Some(begun.into()), self);
        text_stream::mark(answer.headers_mut());
    }
}

impl Says for Live {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let next = self.stream.next().await;
        let good = self.token.as_ref().is_none_or(|token| self.app.tokens.verify(token, self.app.dispatcher.clock.now()).is_ok());
        let text = match next {
            Next::Events(events) if good => events.iter().map(lines).collect::<Result<String>>().ok()?.into(),
            Next::Quiet if good => Bytes::from_static(b": still here\n\n"),
            Next::Events(_) | Next::Quiet | Next::End => return None,
        };
        Some((text, self))
    }
}

/// One event in the form of the HTML standard.
fn lines(event: &EventView) -> Result<String> {
    let data = serde_json::to_string(event).map_err(internal)?;
    Ok(format!("id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.event))
}

//! A reader who stays: gets each event of a user as it comes, for as long as his credential is good. Knows no HTTP; a door
//! writes down what it answers in the form of that door.

use std::sync::Arc;
use std::time::Duration;

use garde::Validate;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use crate::base::call::{Credentials, Dispatcher};
use crate::base::context::Scope;
use crate::base::news::{Listener, Topic};
use crate::base::operation::{Access, EventStream};
use crate::base::{Context, Result};
use crate::events::EventRefusal;
use crate::events::list_events::{EventView, read};

/// Who may read events, once or for long.
pub(super) const ACCESS: Access = Access::User(Scope::Read);
/// A line that says nothing for so long is given a sign of life.
const QUIET: Duration = Duration::from_secs(15);
/// A credential is looked at with each event, and at least this often.
const CHECKED_EVERY: Duration = Duration::from_mins(1);
/// When the database does not answer.
const PAUSE: Duration = Duration::from_secs(1);
const TOGETHER: u32 = 20;

/// From where on.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamEvents {
    /// The `seq` of the last event that you know, unless the header Last-Event-ID says it; 0 or left out = from the beginning.
    #[garde(inner(range(min = 0)))]
    #[schemars(range(min = 0))]
    after: Option<i64>,
}

/// The operation itself checks who calls, and tells a client when to come back if the line breaks.
#[expect(clippy::unnecessary_wraps, reason = "operations may fail")]
pub(super) fn stream_events(_: &mut Context<'_, '_>, _: &StreamEvents) -> Result<EventStream> {
    Ok(EventStream("retry: 2000\n\n".to_owned()))
}

/// What a stream has to say next.
#[derive(Debug)]
pub enum Next {
    /// Something happened.
    Events(Vec<EventView>),
    /// Nothing happened for a while.
    Quiet,
    /// The credential is not good any more, or the server stops.
    End,
}

/// A reader who stays.
pub struct Stream {
    dispatcher: Arc<Dispatcher>,
    credentials: Credentials,
    listener: Listener,
    after: i64,
    /// Whether there may be something that was not read.
    unread: bool,
    checked: Instant,
}

/// Begins to tell the owner of `credentials` what happens to him after the event with the number `after`.
///
/// # Errors
/// As a call of `list_events` with these credentials; `too_many_streams`.
pub async fn stream(dispatcher: &Arc<Dispatcher>, credentials: Credentials, after: i64) -> Result<Stream> {
    let user = dispatcher.look_as(credentials.clone(), ACCESS, |cx| cx.user_id()).await?;
    let most = dispatcher.config.events.streams_per_user_max;
    let topic = Topic::Events(user);
    if dispatcher.news.listeners(topic) >= most {
        return Err(crate::base::Error::from(EventRefusal::TooManyStreams { most }).retry_after(5));
    }
    let listener = dispatcher.news.listen(topic);
    let dispatcher = Arc::clone(dispatcher);
    Ok(Stream { dispatcher, credentials, listener, after, unread: true, checked: Instant::now() })
}

impl Stream {
    /// Waits for what comes next; at most a quarter of a minute.
    pub async fn next(&mut self) -> Next {
        loop {
            if self.dispatcher.news.is_closed() {
                return Next::End;
            }
            if self.unread {
                match self.read().await {
                    Ok(events) if events.is_empty() => {}
                    Ok(events) => return Next::Events(events),
                    Err(error) if error.status() < 500 => return Next::End,
                    Err(error) => {
                        tracing::debug!(%error, "a stream waits for the database");
                        drop(timeout(PAUSE, self.listener.wait()).await);
                        return Next::Quiet;
                    }
                }
            }
            if timeout(QUIET, self.listener.wait()).await.is_ok() {
                self.unread = true;
            } else {
                self.unread = self.checked.elapsed() >= CHECKED_EVERY;
                return Next::Quiet;
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<EventView>> {
        let after = self.after;
        let look = move |cx: &mut Context<'_, '_>| {
            let user = cx.user_id()?;
            read(cx, user, after, TOGETHER)
        };
        let events = self.dispatcher.look_as(self.credentials.clone(), ACCESS, look).await?;
        self.checked = Instant::now();
        self.unread = events.len() == TOGETHER as usize;
        self.after = events.last().map_or(after, |event| event.seq);
        Ok(events)
    }
}

//! Tells an open page that something changed for its reader; the page then asks for itself again and shows what is new.
//! It waits for the bells that streams of events wait for, and looks only when one rings. Without it pages are as fresh as
//! their last opening.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, request};
use axum::response::Response;
use axum::routing::get;
use tokio::time::Instant;

use crate::base::ids::SessionId;
use crate::base::news::{Listener, Topic};
use crate::base::{Context as Call, Result, UserId};
use crate::doors::App;
use crate::doors::event_stream::LAST_EVENT_ID;
use crate::doors::text_stream::{self, Says};
use crate::doors::web::Shown;
use crate::doors::web::visitor::Member;
use crate::events;
use crate::ledger::{self, Balance};
use crate::tasks;
use crate::users::session;

/// A sign of life after so long without news.
const QUIET: Duration = Duration::from_secs(15);
/// A session is looked at when something happens, and at least this often.
const CHECKED_EVERY: Duration = Duration::from_mins(1);
/// However much happens, a page is drawn again at most this often.
const DRAWN_EVERY: Duration = Duration::from_secs(1);
/// The list of open tasks, which concerns everybody, at most this often.
const MARKET_EVERY: Duration = Duration::from_secs(5);
/// One stream. The browser comes back by itself.
const LASTS: Duration = Duration::from_hours(1);
/// Open pages of one user that are told.
const STREAMS_MAX: usize = 5;

const CHANGE: &str = "event: change\ndata:\n\n";
const END: &str = "event: end\ndata:\n\n";

/// The address of the stream.
const PATH: &str = "/live";
/// A page that asks for itself says so.
const REDRAW: &str = "x-live";

/// Whether a page asks by itself and not its reader, who may have left long ago.
pub(super) fn asks_by_itself(parts: &request::Parts) -> bool {
    parts.uri.path() == PATH || parts.headers.contains_key(REDRAW)
}

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route(PATH, get(live))
}

/// What is compared: money, what waits for a verdict, and the newest event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    balance: Balance,
    waiting: usize,
    event: i64,
}

/// An open stream.
struct Live {
    app: Arc<App>,
    session: SessionId,
    user: UserId,
    bell: Listener,
    /// For pages that list open tasks.
    market: Option<Listener>,
    /// The newest event that the page showed when it was drawn.
    drawn_with: Option<i64>,
    seen: Option<Seen>,
    /// Something rang: when to look.
    due: Option<Instant>,
    /// The list of open tasks is not what it was.
    listed_anew: bool,
    looked: Instant,
    listed: Instant,
    ends: Instant,
}

async fn live(member: Member) -> Shown {
    let user = member.me.user.id;
    let news = &member.app.dispatcher.news;
    if news.listeners(Topic::Pages(user)) >= STREAMS_MAX {
        // No error in the console of the sixth page: it hears the end at once.
        return Ok(answer(Body::from(END)));
    }
    let come_back = member.headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()?.parse().ok());
    let now = Instant::now();
    let stream = Live {
        app: Arc::clone(&member.app),
        session: member.me.session_id,
        user,
        bell: news.listen(Topic::Pages(user)),
        market: (member.query("market") == "yes").then(|| news.listen(Topic::Market)),
        drawn_with: come_back.or_else(|| member.query("after").parse().ok()),
        seen: None,
        due: Some(now),
        listed_anew: false,
        looked: now,
        listed: now,
        ends: now + LASTS,
    };
    Ok(answer(text_stream::body(Some(Bytes::from_static(b"retry: 5000\n\n")), stream)))
}

fn answer(body: Body) -> Response {
    let mut response = Response::new(body);
    text_stream::mark(response.headers_mut());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Says for Live {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            if self.app.dispatcher.news.is_closed() || Instant::now() >= self.ends {
                return None;
            }
            let quiet = Instant::now() + QUIET;
            let until = self.due.unwrap_or(quiet);
            let market = async {
                match &mut self.market {
                    Some(market) => market.wait().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.app.stopping.cancelled() => return None,
                () = self.bell.wait() => self.is_due(self.looked + DRAWN_EVERY),
                () = market => {
                    self.listed_anew = true;
                    self.is_due(self.listed + MARKET_EVERY);
                }
                () = tokio::time::sleep_until(until) => {
                    if self.due.is_none() && self.looked.elapsed() < CHECKED_EVERY {
                        return Some((Bytes::from_static(b": still here\n\n"), self));
                    }
                    match self.look().await {
                        Ok(Some(words)) => return Some((words.into(), self)),
                        Ok(None) => {}
                        Err(error) => {
                            tracing::debug!(%error, "an open page waits for the database");
                            self.due = Some(Instant::now() + DRAWN_EVERY);
                        }
                    }
                }
            }
        }
    }
}

impl Live {
    fn is_due(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |before| before.min(at)));
    }

    /// As it stands now, and what is to be said about it, if anything.
    async fn look(&mut self) -> Result<Option<String>> {
        let (session, user) = (self.session, self.user);
        let now = self.app.dispatcher.look(move |cx| look(cx, session, user)).await?;
        (self.due, self.looked) = (None, Instant::now());
        let Some(now) = now else {
            // The session has ended; the page is told not to come back.
            self.ends = self.looked;
            return Ok(Some(END.to_owned()));
        };
        let listed_anew = std::mem::take(&mut self.listed_anew);
        if listed_anew {
            self.listed = self.looked;
        }
        let said = match self.seen.replace(now) {
            Some(before) => (before != now || listed_anew).then_some(CHANGE),
            // Between the drawing of the page and the beginning of the stream something may have happened.
            None => Some(if self.drawn_with.is_some_and(|event| event < now.event) { CHANGE } else { "\n" }),
        };
        Ok(said.map(|said| format!("id: {}\n{said}", now.event)))
    }
}

/// As it stands for the reader; nothing when his session is over. It may go on under another cookie: a code that was shown
/// on another page gives one.
fn look(cx: &mut Call<'_, '_>, session: SessionId, user: UserId) -> Result<Option<Seen>> {
    if session::account(cx, session)?.is_none_or(|signed_in| signed_in.user.id != user) {
        return Ok(None);
    }
    let balance = ledger::balance_of(cx, user)?;
    Ok(Some(Seen { balance, waiting: tasks::waiting_for(cx, user)?, event: events::last_seq(cx, user)? }))
}

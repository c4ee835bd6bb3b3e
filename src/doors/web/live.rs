//! Tells an open page that something changed for its reader; the page then asks for itself again and shows what is new.
//! Without it pages are as fresh as their last opening.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;
use axum::routing::get;

use crate::base::{Context as Call, Result, UserId};
use crate::doors::App;
use crate::doors::text_stream::{self, Says};
use crate::doors::web::Shown;
use crate::doors::web::cookies;
use crate::doors::web::refused::Refused;
use crate::doors::web::visitor::Member;
use crate::ledger::{self, Balance};
use crate::tasks;
use crate::users::session;

/// How often it is looked whether something changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A sign of life after so many looks without news.
const QUIET_LOOKS: u32 = 7;
/// Looks of one stream: about an hour. The browser comes back by itself.
const LOOKS_MAX: u32 = 1_800;
/// Open pages of one user that are told.
const STREAMS_MAX: usize = 5;

static OPEN: LazyLock<Mutex<HashMap<UserId, usize>>> = LazyLock::new(Mutex::default);

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/live", get(live))
}

/// What is compared: money, and what waits for a verdict.
type Seen = (Balance, usize);

/// An open stream.
struct Live {
    app: Arc<App>,
    cookie: [u8; 32],
    user: UserId,
    seen: Option<Seen>,
    looks: u32,
    quiet: u32,
}

impl Drop for Live {
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.user) {
            Some(streams) if *streams > 1 => *streams -= 1,
            _ => drop(open.remove(&self.user)),
        }
    }
}

async fn live(member: Member) -> Shown {
    let user = member.me.user.id;
    let cookie = cookies::read(&member.headers, cookies::session_name(&member.app)).map(cookies::hash_of).ok_or(Refused::NotFound)?;
    {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let streams = open.entry(user).or_default();
        if *streams >= STREAMS_MAX {
            // No error in the console of the sixth page: it hears the end at once.
            return Ok(answer(Body::from("event: end\ndata:\n\n")));
        }
        *streams += 1;
    }
    let stream = Live { app: Arc::clone(&member.app), cookie, user, seen: None, looks: 0, quiet: 0 };
    Ok(answer(text_stream::body(Some(Bytes::from_static(b"retry: 5000\n\n")), stream)))
}

fn answer(body: Body) -> Response {
    let mut response = Response::new(body);
    text_stream::mark(response.headers_mut());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Says for Live {
    #[expect(clippy::disallowed_methods, reason = "people wait in machine time")]
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            self.looks += 1;
            if self.looks > LOOKS_MAX {
                return None;
            }
            let (cookie, user) = (self.cookie, self.user);
            let now = tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                now = self.app.dispatcher.look(move |cx| look(cx, cookie, user)) => now,
            };
            match now {
                // The session has ended; the page is told not to come back.
                Ok(None) => {
                    self.looks = LOOKS_MAX;
                    return Some((Bytes::from_static(b"event: end\ndata:\n\n"), self));
                }
                Ok(now) => {
                    let is_news = self.seen.is_some() && self.seen != now;
                    self.seen = now;
                    self.quiet += 1;
                    if is_news || self.quiet > QUIET_LOOKS {
                        self.quiet = 0;
                        let said: &[u8] = if is_news { b"event: change\ndata:\n\n" } else { b": still here\n\n" };
                        return Some((Bytes::from_static(said), self));
                    }
                }
                Err(error) => tracing::debug!(%error, "an open page waits for the database"),
            }
            tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

/// As it stands for the reader; nothing when his session is over.
fn look(cx: &mut Call<'_, '_>, cookie: [u8; 32], user: UserId) -> Result<Option<Seen>> {
    if session::by_cookie(cx, cookie)?.is_none_or(|(signed_in, _)| signed_in.user.id != user) {
        return Ok(None);
    }
    Ok(Some((ledger::balance_of(cx, user)?, tasks::waiting_for(cx, user)?)))
}

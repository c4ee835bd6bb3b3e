//! Several nodes over one database: each hears at once what another one has numbered, and looks whether it has heard
//! everything. Hearing may fail, looking is the truth.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ::store::EngineSettings;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::base::call::Dispatcher;
use crate::base::news::{News, Topic};
use crate::base::{Context, Result, UserId};
use crate::events::store;

const CHANNEL: &str = "roborent_events";
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// PostgreSQL carries less than 8,000 bytes.
const NAMED_MAX: usize = 200;
const EVERYBODY: &str = "*";
const MOVED: &str = "moved";
const PUBLISHED: &str = "published";

/// What a node says to the others.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It has numbered events.
    Numbered {
        /// Its turn.
        turn: i64,
        /// To whom something happened; nobody means that it may be anybody.
        users: Vec<UserId>,
    },
    /// Money has moved. What is lost of this is seen when pages look for themselves.
    Moved(Moved),
}

/// Money that has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whose, among others (ids of tasks mean nobody); nobody means that it may be anybody's.
    pub users: Vec<UserId>,
    /// Whether some of it for a new task.
    pub published: bool,
}

impl Moved {
    /// Rings for the pages of those whom it concerns.
    pub fn ring(&self, news: &News) {
        if self.users.is_empty() {
            return news.ring_pages();
        }
        let market = self.published.then_some(Topic::Market);
        let topics: Vec<Topic> = self.users.iter().map(|user| Topic::Pages(*user)).chain(market).collect();
        news.ring_for(&topics);
    }

    /// Tells the other nodes when this commits.
    pub fn announce(&self, cx: &mut Context<'_, '_>) -> Result<()> {
        store::say(cx, &Said::Moved(self.clone()).to_words())
    }
}

impl Said {
    pub(super) fn to_words(&self) -> String {
        let (first, users) = match self {
            Self::Numbered { turn, users } => (turn.to_string(), users),
            Self::Moved(Moved { users, published }) => ((if *published { PUBLISHED } else { MOVED }).to_owned(), users),
        };
        if users.len() > NAMED_MAX {
            return format!("{first} {EVERYBODY}");
        }
        users.iter().fold(first, |words, user| format!("{words} {}", user.0.simple()))
    }

    fn from_words(words: &str) -> Option<Self> {
        let mut words = words.split(' ');
        let first = words.next()?;
        let users: Option<Vec<UserId>> = words.map(|word| Uuid::parse_str(word).ok().map(UserId)).collect();
        let users = users.unwrap_or_default();
        match first {
            MOVED | PUBLISHED => Some(Self::Moved(Moved { users, published: first == PUBLISHED })),
            turn => Some(Self::Numbered { turn: turn.parse().ok()?, users }),
        }
    }
}

/// Rings for what other nodes have numbered, until `stop`. On SQLite there are no other nodes.
pub async fn follow(dispatcher: Arc<Dispatcher>, engine: EngineSettings, stop: CancellationToken) {
    if matches!(engine, EngineSettings::Sqlite { .. }) {
        return;
    }
    let heard = Arc::new(AtomicI64::new(0));
    let hear = {
        let (news, heard) = (Arc::clone(&dispatcher.news), Arc::clone(&heard));
        move |words: &str| hear(&news, &heard, words)
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = ::store::listen(&engine, CHANNEL, hear) => {}
        () = look(&dispatcher, &heard) => {}
    }
}

fn hear(news: &News, heard: &AtomicI64, words: &str) {
    match Said::from_words(words) {
        Some(Said::Numbered { turn, users }) if !users.is_empty() => {
            // Turns are heard in order; between two of them nothing is missing.
            if heard.swap(turn, Ordering::AcqRel) + 1 == turn {
                for user in users {
                    news.ring(user);
                }
            } else {
                news.ring_all();
            }
        }
        Some(Said::Numbered { turn, .. }) => {
            heard.store(turn, Ordering::Release);
            news.ring_all();
        }
        Some(Said::Moved(moved)) => moved.ring(news),
        None => news.ring_all(),
    }
}

/// Compares with what was heard half a second later: a word that is still on its way is not missing.
#[expect(clippy::disallowed_methods, reason = "looks in machine time")]
async fn look(dispatcher: &Arc<Dispatcher>, heard: &AtomicI64) {
    let mut seen = 0;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if seen > heard.load(Ordering::Acquire) {
            heard.fetch_max(seen, Ordering::AcqRel);
            dispatcher.news.ring_all();
        }
        match dispatcher.look(store::turn).await {
            Ok(turn) => seen = turn,
            Err(error) => tracing::debug!(%error, "did not look for events of other nodes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood_and_fits() {
        let users = |count: u128| (1..=count).map(|n| UserId(Uuid::from_u128(n))).collect::<Vec<_>>();
        let numbered = |count| Said::Numbered { turn: 7, users: users(count) };
        let moved = |count, published| Said::Moved(Moved { users: users(count), published });
        for count in [1, 2, 200] {
            for said in [numbered(count), moved(count, false), moved(count, true)] {
                assert!(said.to_words().len() < 7_900);
                assert_eq!(Said::from_words(&said.to_words()), Some(said));
            }
        }
        assert_eq!(Said::from_words(&numbered(201).to_words()), Some(numbered(0)));
        assert_eq!(Said::from_words(&moved(201, true).to_words()), Some(moved(0, true)));
        assert_eq!(Said::from_words(""), None);
    }
}

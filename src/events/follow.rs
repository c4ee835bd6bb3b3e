//! Several nodes over one database: each hears at once what another one has numbered, and looks whether it has heard
//! everything. Hearing may fail, looking is the truth.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ::store::EngineSettings;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::base::UserId;
use crate::base::call::Dispatcher;
use crate::base::news::News;
use crate::events::store;

const CHANNEL: &str = "roborent_events";
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// PostgreSQL carries less than 8,000 bytes.
const NAMED_MAX: usize = 200;
const EVERYBODY: &str = "*";

/// What a node says when it has numbered events.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) turn: i64,
    /// To whom something happened; nobody means that it may be anybody.
    pub(super) users: Vec<UserId>,
}

impl Said {
    pub(super) fn to_words(&self) -> String {
        let Self { turn, users } = self;
        if users.len() > NAMED_MAX {
            return format!("{turn} {EVERYBODY}");
        }
        users.iter().fold(turn.to_string(), |words, user| format!("{words} {}", user.0.simple()))
    }

    fn from_words(words: &str) -> Option<Self> {
        let mut words = words.split(' ');
        let turn = words.next()?.parse().ok()?;
        let users: Option<Vec<UserId>> = words.map(|word| Uuid::parse_str(word).ok().map(UserId)).collect();
        Some(Self { turn, users: users.unwrap_or_default() })
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
        Some(Said { turn, users }) if !users.is_empty() => {
            // Turns are heard in order; between two of them nothing is missing.
            if heard.swap(turn, Ordering::AcqRel) + 1 == turn {
                for user in users {
                    news.ring(user);
                }
            } else {
                news.ring_all();
            }
        }
        Some(Said { turn, .. }) => {
            heard.store(turn, Ordering::Release);
            news.ring_all();
        }
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
        let of = |count: u128| Said { turn: 7, users: (1..=count).map(|n| UserId(Uuid::from_u128(n))).collect() };
        for count in [1, 2, 200] {
            assert!(of(count).to_words().len() < 7_900);
            assert_eq!(Said::from_words(&of(count).to_words()), Some(of(count)));
        }
        assert_eq!(Said::from_words(&of(201).to_words()), Some(Said { turn: 7, users: Vec::new() }));
        assert_eq!(Said::from_words(""), None);
    }
}

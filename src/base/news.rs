//! Wakes those who wait for something to happen to a user. It lives in memory, on each node, and carries nothing: what
//! happened is read from the database, so a ring too many costs a look, and a lost one is made good by the next look.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::base::ids::UserId;

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// New events of a user.
    Events(UserId),
    /// Whatever changes what the pages of a user show: his events, his money.
    Pages(UserId),
    /// New tasks, whoever published them.
    Market,
}

/// The bells that somebody on this node waits for.
#[derive(Debug, Default)]
pub struct News {
    bells: Mutex<HashMap<Topic, Arc<Bell>>>,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Bell {
    rung: AtomicU64,
    sleepers: Notify,
}

impl Bell {
    fn ring(&self) {
        self.rung.fetch_add(1, Ordering::AcqRel);
        self.sleepers.notify_waiters();
    }
}

impl News {
    /// Something happened to `user`.
    pub fn ring(&self, user: UserId) {
        self.ring_for(&[Topic::Events(user), Topic::Pages(user)]);
    }

    /// Something changed that is not an event.
    pub fn ring_for(&self, topics: &[Topic]) {
        let bells: Vec<Arc<Bell>> = {
            let known = self.lock();
            topics.iter().filter_map(|topic| known.get(topic).cloned()).collect()
        };
        for bell in bells {
            bell.ring();
        }
    }

    /// Something may have happened to anybody.
    pub fn ring_all(&self) {
        self.ring_where(|_| true);
    }

    /// What the pages show may have changed for anybody.
    pub fn ring_pages(&self) {
        self.ring_where(|topic| !matches!(topic, Topic::Events(_)));
    }

    fn ring_where(&self, concerned: impl Fn(&Topic) -> bool) {
        let bells: Vec<Arc<Bell>> = self.lock().iter().filter(|(topic, _)| concerned(topic)).map(|(_, bell)| Arc::clone(bell)).collect();
        for bell in bells {
            bell.ring();
        }
    }

    /// The server stops: nobody waits any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.ring_all();
    }

    /// Whether the server stops.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// How many listen to this on this node.
    pub fn listeners(&self, topic: Topic) -> usize {
        self.lock().get(&topic).map_or(0, |bell| Arc::strong_count(bell) - 1)
    }

    /// Hears what happens from now on.
    pub fn listen(self: &Arc<Self>, topic: Topic) -> Listener {
        let bell = Arc::clone(self.lock().entry(topic).or_default());
        let heard = bell.rung.load(Ordering::Acquire);
        Listener { news: Arc::clone(self), topic, bell, heard }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Arc<Bell>>> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who listens.
#[derive(Debug)]
pub struct Listener {
    news: Arc<News>,
    topic: Topic,
    bell: Arc<Bell>,
    heard: u64,
}

impl Listener {
    /// Waits until there was a ring since he listens, or since the last time this answered; or until the server stops.
    pub async fn wait(&mut self) {
        loop {
            // Made before the look, so that no ring falls between the two.
            let next = self.bell.sleepers.notified();
            let rung = self.bell.rung.load(Ordering::Acquire);
            if rung != self.heard || self.news.is_closed() {
                self.heard = rung;
                return;
            }
            next.await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut bells = self.news.lock();
        // The map's and his own.
        if Arc::strong_count(&self.bell) <= 2 {
            bells.remove(&self.topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn user(n: u128) -> UserId {
        UserId(uuid::Uuid::from_u128(n))
    }

    fn events(n: u128) -> Topic {
        Topic::Events(user(n))
    }

    async fn hears(listener: &mut Listener) -> bool {
        tokio::time::timeout(Duration::from_millis(20), listener.wait()).await.is_ok()
    }

    #[tokio::test]
    async fn a_ring_before_the_wait_is_heard_once_and_only_by_those_it_is_for() {
        let news = Arc::new(News::default());
        let (mut one, mut two) = (news.listen(events(1)), news.listen(events(2)));
        news.ring(user(1));
        news.ring(user(1));
        assert!(hears(&mut one).await && !hears(&mut one).await);
        assert!(!hears(&mut two).await);
        news.ring_all();
        assert!(hears(&mut one).await && hears(&mut two).await);
        news.close();
        assert!(hears(&mut one).await && hears(&mut one).await, "nobody waits when the server stops");
    }

    #[tokio::test]
    async fn pages_hear_of_events_and_of_more() {
        let news = Arc::new(News::default());
        let topics = [Topic::Events(user(1)), Topic::Pages(user(1)), Topic::Market];
        let mut listeners = topics.map(|topic| news.listen(topic));
        let mut heard = async || {
            let mut heard = [false; 3];
            for (heard, listener) in heard.iter_mut().zip(&mut listeners) {
                *heard = hears(listener).await;
            }
            heard
        };
        news.ring(user(1));
        assert_eq!(heard().await, [true, true, false]);
        news.ring_for(&[Topic::Pages(user(1)), Topic::Pages(user(2)), Topic::Market]);
        assert_eq!(heard().await, [false, true, true]);
        news.ring_pages();
        assert_eq!(heard().await, [false, true, true]);
        news.ring_for(&[Topic::Pages(user(2))]);
        assert_eq!(heard().await, [false; 3]);
    }

    #[tokio::test]
    async fn whoever_leaves_leaves_nothing_behind() {
        let news = Arc::new(News::default());
        let listeners: Vec<Listener> = (0..6).map(|n| news.listen(events(n / 3))).collect();
        assert_eq!((news.listeners(events(0)), news.listeners(events(1)), news.listeners(events(2))), (3, 3, 0));
        drop(listeners);
        assert!(news.lock().is_empty());
    }
}

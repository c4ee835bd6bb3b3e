//! Wakes those who wait for something to happen to a user. It lives in memory, on each node, and carries nothing: what
//! happened is read from the database, so a ring too many costs a look, and a lost one is made good by the next look.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::base::ids::UserId;

/// The bells of the users that somebody on this node waits for.
#[derive(Debug, Default)]
pub struct News {
    bells: Mutex<HashMap<UserId, Arc<Bell>>>,
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
        let bell = self.lock().get(&user).cloned();
        if let Some(bell) = bell {
            bell.ring();
        }
    }

    /// Something may have happened to anybody.
    pub fn ring_all(&self) {
        let bells: Vec<Arc<Bell>> = self.lock().values().cloned().collect();
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

    /// How many listen to `user` on this node.
    pub fn listeners(&self, user: UserId) -> usize {
        self.lock().get(&user).map_or(0, |bell| Arc::strong_count(bell) - 1)
    }

    /// Hears what happens to `user` from now on.
    pub fn listen(self: &Arc<Self>, user: UserId) -> Listener {
        let bell = Arc::clone(self.lock().entry(user).or_default());
        let heard = bell.rung.load(Ordering::Acquire);
        Listener { news: Arc::clone(self), user, bell, heard }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Arc<Bell>>> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who listens to a user.
#[derive(Debug)]
pub struct Listener {
    news: Arc<News>,
    user: UserId,
    bell: Arc<Bell>,
    heard: u64,
}

impl Listener {
    /// Whom he listens to.
    pub const fn user(&self) -> UserId {
        self.user
    }

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
            bells.remove(&self.user);
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

    async fn hears(listener: &mut Listener) -> bool {
        tokio::time::timeout(Duration::from_millis(20), listener.wait()).await.is_ok()
    }

    #[tokio::test]
    async fn a_ring_before_the_wait_is_heard_once_and_only_by_those_it_is_for() {
        let news = Arc::new(News::default());
        let (mut one, mut two) = (news.listen(user(1)), news.listen(user(2)));
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
    async fn whoever_leaves_leaves_nothing_behind() {
        let news = Arc::new(News::default());
        let listeners: Vec<Listener> = (0..6).map(|n| news.listen(user(n / 3))).collect();
        assert_eq!((news.listeners(user(0)), news.listeners(user(1)), news.listeners(user(2))), (3, 3, 0));
        drop(listeners);
        assert!(news.lock().is_empty());
    }
}

//! Passwords are hashed outside of transactions, as many at once as there are cores, and a short queue behind them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::base::Result;
use crate::base::error::{Error, Refusal, internal};
use crate::doors::App;
use crate::users::password;

const WAIT: Duration = Duration::from_secs(5);

/// Where passwords are hashed.
#[derive(Debug)]
pub struct Hashing {
    places: Arc<Semaphore>,
    done: AtomicU64,
}

impl Default for Hashing {
    fn default() -> Self {
        let places = std::thread::available_parallelism().map_or(2, usize::from);
        Self { places: Arc::new(Semaphore::new(places)), done: AtomicU64::new(0) }
    }
}

impl Hashing {
    /// How many passwords were hashed or checked, which is what a sign-in costs.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Whether the password is the one that was hashed.
    pub(super) async fn verify(&self, given: String, hash: String) -> Result<bool> {
        self.slowly(move || password::verify(&given, &hash)).await
    }

    /// The hash of a new password.
    pub(super) async fn hash(&self, app: &App, password: String) -> Result<String> {
        let mut rng = app.dispatcher.entropy().fork();
        self.slowly(move || password::hash(&password, &mut rng)).await
    }

    async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let busy = || Error::from(Refusal::Busy).retry_after(5);
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.places).acquire_owned()).await.map_err(|_| busy())?.map_err(internal)?;
        self.done.fetch_add(1, Ordering::Relaxed);
        // The place is kept until the hash is made, also when the caller has hung up by then.
        let work = move || {
            let done = work();
            drop(permit);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(internal)?
    }
}

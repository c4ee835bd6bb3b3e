//! Passwords are hashed outside of transactions, as many at once as there are cores, and a short queue behind them.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::base::Result;
use crate::base::error::{Error, Refusal, internal};
use crate::doors::App;
use crate::users::password;

static HASHING: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from))));
const WAIT: Duration = Duration::from_secs(5);

/// Whether the password is the one that was hashed.
pub(super) async fn verify(given: String, hash: String) -> Result<bool> {
    slowly(move || password::verify(&given, &hash)).await
}

/// The hash of a new password.
pub(super) async fn hash(app: &App, password: String) -> Result<String> {
    let mut rng = app.dispatcher.entropy().fork();
    slowly(move || password::hash(&password, &mut rng)).await
}

async fn slowly<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let busy = || Error::from(Refusal::Busy).retry_after(5);
    let permit = tokio::time::timeout(WAIT, Arc::clone(&HASHING).acquire_owned()).await.map_err(|_| busy())?.map_err(internal)?;
    // The place is kept until the hash is made, also when the caller has hung up by then.
    let work = move || {
        let done = work();
        drop(permit);
        done
    };
    tokio::task::spawn_blocking(work).await.map_err(internal)?
}

//! Calls that wait: a read that found nothing may be run again when there is news, within its caller's patience.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::base::call::{Dispatcher, Failure, Success};
use crate::base::clock::Span;
use crate::base::ids::UserId;
use crate::base::prepared::Prepared;

/// Whose news a caller waits for, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) user: UserId,
    pub(super) span: Span,
}

impl Dispatcher {
    /// Runs a call again when there is news, until it finds something, the time is up, or the server stops. No thread and
    /// no transaction waits meanwhile, and the call is counted once.
    pub(super) async fn await_news(self: &Arc<Self>, prepared: &Arc<Prepared>, found: Success) -> Result<Success, Failure> {
        let Some(Patience { user, span }) = found.patience else { return Ok(found) };
        let deadline = Instant::now() + Duration::from_millis(span.as_milliseconds().unsigned_abs());
        let mut listener = self.news.listen(user);
        loop {
            // The first time for what came before anybody listened.
            let found = self.run(prepared).await?;
            if found.patience.is_none() || timeout_at(deadline, listener.wait()).await.is_err() || self.news.is_closed() {
                return Ok(found);
            }
        }
    }
}

//! Calls that wait: for something outside that has to be known before their transaction, and, when a read found nothing,
//! for news, within the patience of its caller.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::base::call::{Call, Dispatcher, Failure, Success};
use crate::base::clock::Span;
use crate::base::context::Member;
use crate::base::ids::UserId;
use crate::base::news::Topic;
use crate::base::operation::Checking;
use crate::base::prepared::Prepared;

/// Whose news a caller waits for, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) user: UserId,
    pub(super) span: Span,
}

impl Dispatcher {
    /// What has to be asked outside for this call, if anything.
    pub(super) fn outside_of(&self, call: &Call) -> Option<Checking> {
        let (check, input) = (call.operation.outside.as_ref()?, call.input.as_ref().ok()?);
        check(input, &self.config)
    }

    /// Asks what a call needs to know from outside, for callers who may call: others are refused by the call itself.
    pub(super) async fn ask_outside(
        self: &Arc<Self>,
        prepared: &Arc<Prepared>,
        counted: Result<(), Failure>,
        outside: Option<Checking>,
    ) -> Result<(), Failure> {
        let (Ok(()), Some(outside)) = (&counted, outside) else { return counted };
        let who = |cx: &mut crate::base::Context<'_, '_>| cx.member().cloned();
        let Ok(member) = self.look_as(prepared.credentials.clone(), prepared.operation.access, who).await else { return counted };
        self.learn_and_count(prepared, &member)?;
        let limit = prepared.counted.get().copied();
        outside.await.map_err(|error| Failure { error, limit })
    }

    fn learn_and_count(&self, prepared: &Prepared, member: &Member) -> Result<(), Failure> {
        self.known.learn(&prepared.credentials, member, self.clock.now());
        self.count_early(prepared)
    }

    /// Runs a call again when there is news, until it finds something, the time is up, or the server stops. No thread and
    /// no transaction waits meanwhile, and the call is counted once.
    pub(super) async fn await_news(self: &Arc<Self>, prepared: &Arc<Prepared>, found: Success) -> Result<Success, Failure> {
        let Some(Patience { user, span }) = found.patience else { return Ok(found) };
        let deadline = Instant::now() + Duration::from_millis(span.as_milliseconds().unsigned_abs());
        let mut listener = self.news.listen(Topic::Events(user));
        loop {
            // The first time for what came before anybody listened.
            let found = self.run(prepared).await?;
            if found.patience.is_none() || timeout_at(deadline, listener.wait()).await.is_err() || self.news.is_closed() {
                return Ok(found);
            }
        }
    }
}

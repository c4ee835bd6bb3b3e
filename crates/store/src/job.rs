//! A command or query in the queue: a closure that may run more than once, and someone waiting for its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::tx::Tx;

/// How one run of a job ended.
pub(crate) enum Verdict {
    /// Commit what it wrote.
    Commit,
    /// Undo what it wrote and answer its refusal.
    Refuse,
    /// Undo what it wrote; a verb failed or the closure panicked.
    Fail(StoreError),
}

/// A unit of work for a thread of the store.
pub(crate) trait Job: Send {
    /// Runs the closure once.
    fn run(&mut self, tx: &mut Tx<'_>) -> Verdict;
    /// Answers: with the outcome of the last run, or with why it did not come to one.
    fn answer(self: Box<Self>, failure: Option<StoreError>);
}

pub(crate) struct Work<F, T, E> {
    pub(crate) run: F,
    pub(crate) outcome: Option<Result<T, E>>,
    pub(crate) answer: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Verdict {
        tx.reset();
        let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| (self.run)(tx))) else {
            return Verdict::Fail(StoreError::Bug("a command panicked".into()));
        };
        if let Some(failure) = tx.failure() {
            return Verdict::Fail(failure.clone());
        }
        let verdict = if outcome.is_ok() { Verdict::Commit } else { Verdict::Refuse };
        self.outcome = Some(outcome);
        verdict
    }

    fn answer(self: Box<Self>, failure: Option<StoreError>) {
        let outcome = match (failure, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(failure), _) => Err(failure.into()),
            (None, None) => Err(StoreError::Bug("a job was answered before it ran".into()).into()),
        };
        // Nobody waits any more when the caller's deadline has passed; the change stands all the same.
        drop(self.answer.send(outcome));
    }
}

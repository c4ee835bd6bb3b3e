//! A connection to PostgreSQL with the small runtime that drives it. No trip waits for ever: on a line that went silent
//! without breaking, only a deadline of our own finds out.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::error::StoreError;
use crate::{pg_connect, runtime};

/// How long an answer may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// To BEGIN, which waits for nobody: a longer silence is that of the line.
    pub(crate) begin: Duration,
    /// To statements: a little more than the server itself gives each.
    pub(crate) statements: Duration,
    /// To COMMIT, which waits for the disk, perhaps that of another machine.
    pub(crate) commit: Duration,
    /// To ROLLBACK. Hanging up does the same.
    pub(crate) rollback: Duration,
}

impl Patience {
    pub(crate) const USUAL: Self = Self {
        begin: Duration::from_secs(10),
        statements: Duration::from_secs(65),
        commit: Duration::from_secs(15),
        rollback: Duration::from_secs(5),
    };
}

/// A connection that lives on one thread.
pub(crate) struct Line {
    runtime: Runtime,
    client: Client,
    driver: JoinHandle<Result<(), tokio_postgres::Error>>,
    lost: Cell<bool>,
}

impl Line {
    pub(crate) fn connect(url: &str) -> Result<Self, StoreError> {
        let runtime = runtime()?;
        let (client, driver) = runtime.block_on(pg_connect::connect(url))?;
        Ok(Self { runtime, client, driver, lost: Cell::new(false) })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether nothing can be asked any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.get() || self.client.is_closed()
    }

    /// Waits for `trip`. Without an answer in time the line is lost: what was sent may have happened, but no COMMIT has
    /// unless it was one.
    pub(crate) fn wait<T>(&self, limit: Duration, trip: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.runtime.block_on(async {
            match tokio::time::timeout(limit, trip).await {
                Ok(Err(error)) if matches!(error, StoreError::Lost(_)) => {
                    self.lost.set(true);
                    Err(error)
                }
                Ok(answered) => answered,
                Err(_) => {
                    self.lost.set(true);
                    Err(no_answer(limit))
                }
            }
        })
    }

    /// Closes the connection, so that the server undoes what is not committed.
    pub(crate) fn hang_up(&mut self) {
        self.lost.set(true);
        self.driver.abort();
        // Answers that it was aborted, or why it had ended before.
        drop(self.runtime.block_on(&mut self.driver));
    }
}

/// Asks with a deadline of its own inside of a trip.
pub(crate) async fn within<T>(limit: Duration, asked: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, StoreError> {
    tokio::time::timeout(limit, asked).await.map_or_else(|_| Err(no_answer(limit)), |answer| Ok(answer?))
}

fn no_answer(limit: Duration) -> StoreError {
    StoreError::Lost(format!("no answer within {limit:?}"))
}

/// A part of a trip: it is sent when it is first polled.
pub(crate) type Part<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + 'a>>;

/// Sends everything before waiting for anything, and waits for all of it. Answers the first error, which is the one
/// that made the later ones fail. A lost line is not waited for.
pub(crate) async fn in_one_trip(mut parts: Vec<Part<'_>>) -> Result<(), StoreError> {
    let mut results: Vec<Option<Result<(), StoreError>>> = parts.iter().map(|_| None).collect();
    poll_fn(|cx| {
        let mut waits = false;
        for (part, result) in parts.iter_mut().zip(&mut results) {
            if result.is_none() {
                match part.as_mut().poll(cx) {
                    Poll::Ready(Err(error @ StoreError::Lost(_))) => return Poll::Ready(Some(error)),
                    Poll::Ready(answer) => *result = Some(answer),
                    Poll::Pending => waits = true,
                }
            }
        }
        if waits { Poll::Pending } else { Poll::Ready(None) }
    })
    .await
    .map_or(Ok(()), Err)?;
    results.into_iter().flatten().collect()
}

//! The writer thread of SQLite: group commit.
//!
//! The commands that wait while one batch syncs form the next batch: begin, run them all, commit once, and only then
//! answer each. Commands read and check first and write last, so a refusal has normally written nothing and needs no
//! undoing. When one fails after its first write, the whole batch is rolled back and run again with a savepoint around
//! each command; so do the next [`CAREFUL_BATCHES`] batches, so that failing late over and over does not double the
//! work of others.

use std::path::Path;

use crossbeam_channel::Receiver;
use rusqlite::Connection;

use crate::error::StoreError;
use crate::job::{Job, Verdict};
use crate::lite::{self, Lite};
use crate::tx::{Engine, Tx};

const CAREFUL_BATCHES: u32 = 32;

/// Serves the queue until every sender is gone. After an I/O error the connection is given up and opened anew: what a
/// failed sync has left behind is not to be trusted.
pub(crate) fn serve_for_ever(mut connection: Connection, path: &Path, queue: &Receiver<Box<dyn Job>>, batch_max: usize) {
    while let Ended::Broken = serve(&connection, queue, batch_max) {
        drop(connection);
        connection = loop {
            match lite::open_writer(path) {
                Ok(connection) => break connection,
                Err(error) => {
                    tracing::error!(%error, "the database does not open; commands are refused until it does");
                    let Ok(job) = queue.recv() else { return };
                    job.answer(Some(error));
                }
            }
        };
    }
}

enum Ended {
    Closed,
    Broken,
}

/// Serves the queue until every sender is gone, then folds the log into the database file.
fn serve(connection: &Connection, queue: &Receiver<Box<dyn Job>>, batch_max: usize) -> Ended {
    let mut tx = Tx::new(Engine::Lite(Lite::new(connection)));
    let mut careful = 0_u32;
    while let Ok(first) = queue.recv() {
        let mut batch: Vec<Box<dyn Job>> = vec![first];
        batch.extend(queue.try_iter().take(batch_max.saturating_sub(1)));
        match run_batch(&mut tx, batch, careful) {
            Ok(batches) => careful = batches,
            Err(StoreError::Unavailable(_) | StoreError::Ambiguous(_) | StoreError::Corrupt(_)) => return Ended::Broken,
            Err(_) => {}
        }
    }
    if let Err(error) = connection.execute_batch("pragma wal_checkpoint(truncate)") {
        tracing::warn!(%error, "the write-ahead log stays; the next start replays it");
    }
    Ended::Closed
}

/// Runs and answers one batch; returns how many batches from here on need savepoints.
fn run_batch(tx: &mut Tx<'_>, mut batch: Vec<Box<dyn Job>>, careful: u32) -> Result<u32, StoreError> {
    let (result, careful) = match attempt(tx, &mut batch, careful > 0) {
        Ok(Attempt::Committed(failures)) => (Ok(failures), careful.saturating_sub(1)),
        Ok(Attempt::NeedsSavepoints) => (retry(tx, &mut batch), CAREFUL_BATCHES),
        Err(error) => (Err(error), careful),
    };
    match result {
        Ok(failures) => {
            batch.into_iter().zip(failures).for_each(|(job, failure)| job.answer(failure));
            Ok(careful)
        }
        Err(error) => {
            tracing::error!(%error, commands = batch.len(), "a batch was not committed");
            drop(control(tx, "rollback"));
            for job in batch {
                job.answer(Some(error.clone()));
            }
            Err(error)
        }
    }
}

enum Attempt {
    /// For each command: why it failed, or nothing when it committed or was refused.
    Committed(Vec<Option<StoreError>>),
    NeedsSavepoints,
}

fn retry(tx: &mut Tx<'_>, batch: &mut [Box<dyn Job>]) -> Result<Vec<Option<StoreError>>, StoreError> {
    match attempt(tx, batch, true)? {
        Attempt::Committed(failures) => Ok(failures),
        Attempt::NeedsSavepoints => Err(StoreError::Bug("a batch with savepoints asked for savepoints".into())),
    }
}

fn attempt(tx: &mut Tx<'_>, batch: &mut [Box<dyn Job>], savepoints: bool) -> Result<Attempt, StoreError> {
    control(tx, "begin immediate")?;
    let mut failures = Vec::with_capacity(batch.len());
    for job in batch {
        if savepoints {
            control(tx, "savepoint command")?;
        }
        let verdict = job.run(tx);
        let undo = !matches!(verdict, Verdict::Commit) && tx.wrote();
        let failure = if let Verdict::Fail(error) = verdict { Some(error) } else { None };
        if session(tx).transaction_is_gone() {
            return Err(failure.unwrap_or_else(|| StoreError::Unavailable("the transaction was rolled back".into())));
        }
        if undo && !savepoints {
            control(tx, "rollback")?;
            return Ok(Attempt::NeedsSavepoints);
        }
        if undo {
            control(tx, "rollback to command")?;
        }
        if savepoints {
            control(tx, "release command")?;
        }
        failures.push(failure);
    }
    // After a failed sync the log may hold the commit all the same: nobody can say before the next recovery.
    control(tx, "commit").map_err(|error| match error {
        StoreError::Unavailable(text) => StoreError::Ambiguous(text),
        other => other,
    })?;
    Ok(Attempt::Committed(failures))
}

/// Serves queries on a read-only connection, each in a snapshot of its own.
pub(crate) fn serve_queries(connection: &Connection, queue: &Receiver<Box<dyn Job>>) {
    let mut tx = Tx::new(Engine::Lite(Lite::new(connection)));
    while let Ok(mut job) = queue.recv() {
        let failure = match control(&mut tx, "begin") {
            Ok(()) => match job.run(&mut tx) {
                Verdict::Fail(error) => Some(error),
                Verdict::Commit | Verdict::Refuse => None,
            },
            Err(error) => Some(error),
        };
        drop(control(&mut tx, "rollback"));
        job.answer(failure);
    }
}

fn control(tx: &mut Tx<'_>, sql: &str) -> Result<(), StoreError> {
    session(tx).control(sql)
}

fn session<'t, 'c>(tx: &'t mut Tx<'c>) -> &'t mut Lite<'c> {
    match &mut tx.engine {
        Engine::Lite(lite) => lite,
        Engine::Postgres(_) => unreachable!("this thread opened an SQLite connection"),
    }
}

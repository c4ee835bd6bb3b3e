//! The connection threads of PostgreSQL: each runs one command at a time, again when it lost a race.

use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use crate::error::StoreError;
use crate::job::{Job, Verdict};
use crate::postgres::Postgres;
use crate::tx::{Engine, Tx};

/// What a thread's transactions are for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Commands,
    Queries,
}

impl Purpose {
    fn begin(self) -> &'static str {
        match self {
            Self::Commands => "begin",
            Self::Queries => "begin isolation level repeatable read read only",
        }
    }
}

/// Whoever asked has given up by then.
const REPEATED_FOR: Duration = Duration::from_mins(1);

/// Serves the queue until every sender is gone.
#[expect(clippy::disallowed_methods, reason = "how long a command was repeated decides when that ends; no rule depends on it")]
pub(crate) fn serve(connection: Postgres, queue: &Receiver<Box<dyn Job>>, purpose: Purpose) {
    let mut tx = Tx::new(Engine::Postgres(Box::new(connection)));
    let mut jitter = Jitter::new();
    while let Ok(mut job) = queue.recv() {
        let (started, mut attempt) = (Instant::now(), 1);
        let failure = loop {
            let outcome = run(&mut tx, job.as_mut(), purpose);
            // A session that cannot go on is not kept for the next job either.
            if matches!(outcome, Err(StoreError::Lost(_))) {
                postgres(&mut tx).give_up();
            }
            match outcome {
                Err(error) if attempt < error.attempts_max() && started.elapsed() < REPEATED_FOR => {
                    tracing::debug!(%error, attempt, "running a command again");
                    jitter.pause(attempt);
                    attempt += 1;
                }
                outcome => break outcome.err(),
            }
        };
        job.answer(failure);
    }
}

fn run(tx: &mut Tx<'_>, job: &mut dyn Job, purpose: Purpose) -> Result<(), StoreError> {
    postgres(tx).start(purpose.begin())?;
    match job.run(tx) {
        // A query has nothing to commit, and a connection that breaks here has lost nothing.
        Verdict::Commit if matches!(purpose, Purpose::Queries) => {
            postgres(tx).let_go();
            Ok(())
        }
        Verdict::Commit => postgres(tx).commit().inspect_err(|_| postgres(tx).rollback()),
        Verdict::Refuse => {
            postgres(tx).rollback();
            Ok(())
        }
        Verdict::Fail(error) => {
            postgres(tx).rollback();
            Err(error)
        }
    }
}

fn postgres<'t>(tx: &'t mut Tx<'_>) -> &'t mut Postgres {
    match &mut tx.engine {
        Engine::Postgres(postgres) => postgres,
        Engine::Lite(_) => unreachable!("this thread opened a PostgreSQL connection"),
    }
}

/// Spreads those who collided, so that they do not collide again. A small generator is enough: nothing depends on
/// its numbers but how long a thread waits.
struct Jitter(u64);

impl Jitter {
    fn new() -> Self {
        let place = Box::new(0_u8);
        Self(std::ptr::from_ref::<u8>(&place) as u64 | 1)
    }

    #[expect(clippy::disallowed_methods, reason = "a thread of the store waits before it repeats a command; no rule depends on it")]
    fn pause(&mut self, attempt: u32) {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit_us = 1_000_u64 << attempt.min(5);
        std::thread::sleep(Duration::from_micros(self.0 % limit_us));
    }
}

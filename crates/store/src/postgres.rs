//! PostgreSQL: one connection with its prepared statements.
//!
//! BEGIN travels with the first read; the writes of a command travel together, at the latest before COMMIT, and each
//! must have changed exactly the rows it claims.

use tokio_postgres::Statement;
use tokio_postgres::types::{ToSql, Type};

use crate::error::StoreError;
use crate::pg_ahead::Ahead;
use crate::pg_line::{Line, Part, Patience, in_one_trip, within};
use crate::pg_writes::{self, PreparedWrites, Write};
use crate::statement::{Raw, Row, RowOf};
use crate::value::Value;

/// A connection, its open transaction, and the writes that wait to be sent.
pub(crate) struct Postgres {
    url: String,
    patience: Patience,
    line: Line,
    prepared: Vec<Vec<(usize, Statement)>>,
    prepared_writes: PreparedWrites,
    begin: Option<&'static str>,
    in_transaction: bool,
    waiting: Vec<Write>,
    ahead: Ahead,
}

impl Postgres {
    pub(crate) fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_with(url, Patience::USUAL)
    }

    fn connect_with(url: &str, patience: Patience) -> Result<Self, StoreError> {
        Ok(Self {
            url: url.to_owned(),
            patience,
            line: Line::connect(url)?,
            prepared: Vec::new(),
            prepared_writes: PreparedWrites::default(),
            begin: None,
            in_transaction: false,
            waiting: Vec::new(),
            ahead: Ahead::default(),
        })
    }

    /// Makes the next statement open a transaction with `begin`; reconnects first when the connection is lost.
    pub(crate) fn start(&mut self, begin: &'static str) -> Result<(), StoreError> {
        if self.line.is_lost() {
            self.line = Line::connect(&self.url)?;
            self.prepared.clear();
            self.prepared_writes.forget();
        }
        self.waiting.clear();
        self.ahead.clear();
        self.begin = Some(begin);
        self.in_transaction = false;
        Ok(())
    }

    /// Sends what waits, checks it, commits.
    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        if !self.waiting.is_empty() {
            self.flush()?;
        }
        self.begin = None;
        if !std::mem::take(&mut self.in_transaction) {
            return Ok(());
        }
        self.control("commit", self.patience.commit).map_err(|error| match error {
            // Only an answer of the server says that the commit did not happen.
            StoreError::Lost(text) => StoreError::Ambiguous(text),
            refused => refused,
        })
    }

    /// Closes the connection; the next transaction gets a new one.
    pub(crate) fn give_up(&mut self) {
        self.line.hang_up();
    }

    /// Drops what waits and undoes what was sent.
    pub(crate) fn rollback(&mut self) {
        self.waiting.clear();
        self.begin = None;
        let undone = if std::mem::take(&mut self.in_transaction) && !self.line.is_lost() {
            self.control("rollback", self.patience.rollback)
        } else {
            Ok(())
        };
        if undone.is_err() || self.line.is_lost() {
            self.give_up();
        }
    }

    /// Reads, for `groups` groups of values at once if the statement takes them.
    pub(crate) fn query(
        &mut self,
        raw: &Raw,
        values: &[Value<'_>],
        groups: usize,
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let rows = match self.ahead.take(raw, values) {
            Some(rows) => rows,
            None => self.ask(raw, values, groups)?,
        };
        rows.iter().try_for_each(|row| each(&Row(RowOf::Postgres(row), 0)))
    }

    /// Asks, and takes the announced reads along.
    fn ask(&mut self, raw: &Raw, values: &[Value<'_>], groups: usize) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let statement = self.statement(raw, groups)?;
        let mut along = self.ahead.announced();
        let along_statements = along.iter().map(|read| self.statement(read.raw, 1)).collect::<Result<Vec<_>, _>>()?;
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as &(dyn ToSql + Sync)).collect();
        let mut rows = Vec::new();
        self.trip(|client| {
            let mut parts: Vec<Part<'_>> = vec![Box::pin(async {
                rows = client.query(&statement, &params).await?;
                Ok(())
            })];
            parts.extend(
                along.iter_mut().zip(&along_statements).map(|(read, statement)| -> Part<'_> { Box::pin(read.send(client, statement)) }),
            );
            parts
        })?;
        self.ahead.keep(along);
        Ok(rows)
    }

    /// Lets a read travel with the next one that is asked for.
    pub(crate) fn announce(&mut self, raw: &'static Raw, values: Vec<Value<'_>>) {
        self.ahead.announce(raw, values);
    }

    /// A write that is sent at once and answers how many rows it changed.
    pub(crate) fn change(&mut self, raw: &Raw, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.ahead.clear();
        self.flush()?;
        let statement = self.statement(raw, 1)?;
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as &(dyn ToSql + Sync)).collect();
        self.line.wait(self.patience.statements, async { Ok(self.line.client().execute(&statement, &params).await?) })
    }

    /// Keeps a write for the next trip.
    pub(crate) fn defer(&mut self, raw: &'static Raw, values: Vec<Value<'_>>, rows: usize) {
        self.ahead.clear();
        self.waiting.extend(pg_writes::split(raw, values, rows));
    }

    /// The same for a row that may not be there.
    pub(crate) fn defer_if_there(&mut self, raw: &'static Raw, values: Vec<Value<'_>>) {
        self.ahead.clear();
        self.waiting.push(pg_writes::one_if_there(raw, values));
    }

    pub(crate) fn advisory_lock(&mut self, name: i64) -> Result<(), StoreError> {
        self.trip(|client| {
            vec![Box::pin(async move {
                client.query_typed("select pg_advisory_xact_lock($1)", &[(&name, Type::INT8)]).await?;
                Ok(())
            })]
        })
    }

    /// Prepares a statement apart from any transaction; answers the types of parameters and columns as PostgreSQL sees them.
    pub(crate) fn describe(&mut self, raw: &Raw) -> Result<(Vec<Type>, Vec<Type>), StoreError> {
        let statement = self.statement(raw, 1)?;
        Ok((statement.params().to_vec(), statement.columns().iter().map(|c| c.type_().clone()).collect()))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.trip(|_| Vec::new())
    }

    /// BEGIN if it is due, the waiting writes, and then `last`, sent together.
    fn trip<'l>(&'l mut self, last: impl FnOnce(&'l tokio_postgres::Client) -> Vec<Part<'l>>) -> Result<(), StoreError> {
        let writes = std::mem::take(&mut self.waiting);
        if !writes.is_empty()
            && let Some(begin) = self.begin.take()
        {
            // A BEGIN may fail alone. Writes that travelled with it would then each be a transaction of its own.
            self.control(begin, self.patience.begin)?;
            self.in_transaction = true;
        }
        let begin = self.begin.take();
        self.in_transaction |= begin.is_some();
        let Self { line, prepared_writes, patience, .. } = self;
        let client = line.client();
        line.wait(patience.statements, async {
            let ready = prepared_writes.prepare(client, &writes).await?;
            let mut parts: Vec<Part<'_>> = Vec::with_capacity(ready.len() + 2);
            if let Some(begin) = begin {
                parts.push(Box::pin(within(patience.begin, client.batch_execute(begin))));
            }
            parts.extend(ready.iter().map(|ready| -> Part<'_> { Box::pin(ready.send(client)) }));
            parts.extend(last(client));
            in_one_trip(parts).await
        })
    }

    fn control(&self, sql: &'static str, limit: std::time::Duration) -> Result<(), StoreError> {
        self.line.wait(limit, async { Ok(self.line.client().batch_execute(sql).await?) })
    }

    fn statement(&mut self, raw: &Raw, groups: usize) -> Result<Statement, StoreError> {
        let slot = raw.slot();
        if self.prepared.len() <= slot {
            self.prepared.resize_with(slot + 1, Vec::new);
        }
        if let Some((_, statement)) = self.prepared[slot].iter().find(|(n, _)| *n == groups) {
            return Ok(statement.clone());
        }
        let types: Vec<Type> = std::iter::repeat_n(raw.kinds, groups).flatten().map(|kind| kind.postgres()).collect();
        let text = raw.postgres(groups);
        let statement = self.line.wait(self.patience.statements, async { Ok(self.line.client().prepare_typed(&text, &types).await?) })?;
        self.prepared[slot].push((groups, statement.clone()));
        Ok(statement)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;

    crate::statements! {
        ONE: () => (i64,) = "select cast(1 as bigint)";
        SLEEP: () => (i64,) = "select cast(1 as bigint) from pg_sleep(0.1)";
    }

    const SHORT: Duration = Duration::from_millis(400);
    const PATIENCE: Patience = Patience { begin: SHORT, statements: SHORT, commit: SHORT, rollback: SHORT };

    /// A line to the test server that can be told to swallow everything, without breaking.
    struct Line {
        url: String,
        silent: Arc<AtomicBool>,
    }

    impl Line {
        /// Nothing when there is no test server.
        #[expect(clippy::disallowed_methods, reason = "the test script says through the environment where its server is")]
        fn new() -> Option<Self> {
            let Ok(server) = std::env::var("ROBORENT_TEST_POSTGRES_URL") else {
                assert!(std::env::var("ROBORENT_REQUIRE_POSTGRES").is_err(), "ROBORENT_TEST_POSTGRES_URL is not set");
                return None;
            };
            let config: tokio_postgres::Config = server.parse().expect("a URL");
            let address = format!("127.0.0.1:{}", config.get_ports()[0]);
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let url = server.replace(&address, &listener.local_addr().expect("an address").to_string());
            assert_ne!(url, server, "the test server listens on 127.0.0.1");
            let silent = Arc::new(AtomicBool::new(false));
            let state = Arc::clone(&silent);
            std::thread::spawn(move || {
                for caller in listener.incoming().flatten() {
                    let server = TcpStream::connect(&address).expect("the server");
                    let (answers, answered) = (server.try_clone().expect("a socket"), caller.try_clone().expect("a socket"));
                    for (from, to) in [(caller, server), (answers, answered)] {
                        let silent = Arc::clone(&state);
                        std::thread::spawn(move || carry(from, to, &silent));
                    }
                }
            });
            Some(Self { url, silent })
        }

        fn falls_silent(&self, silent: bool) {
            self.silent.store(silent, Ordering::SeqCst);
        }

        fn open(&self) -> Postgres {
            Postgres::connect_with(&self.url, PATIENCE).expect("connects")
        }
    }

    /// Whoever has swallowed something says nothing any more.
    fn carry(mut from: TcpStream, mut to: TcpStream, silent: &AtomicBool) {
        let (mut buffer, mut swallowed) = ([0; 4096], false);
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            swallowed |= silent.load(Ordering::SeqCst);
            if !swallowed && to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Both));
    }

    fn ask(postgres: &mut Postgres, statement: &crate::Stmt<(), (i64,)>) -> Result<(), StoreError> {
        postgres.query(statement.raw(), &[], 1, &mut |_| Ok(()))
    }

    #[test]
    fn a_silent_line_is_lost_and_the_next_transaction_gets_another_one() {
        let Some(line) = Line::new() else { return };
        let mut postgres = line.open();
        for statements_before in 0..2 {
            postgres.start("begin").expect("a line");
            (0..statements_before).for_each(|_| ask(&mut postgres, &ONE).expect("answers"));
            line.falls_silent(true);
            let lost = ask(&mut postgres, &ONE).expect_err("no answer");
            assert!(matches!(&lost, StoreError::Lost(text) if text.contains("no answer within 400ms")), "{lost:?}");
            postgres.rollback();
            assert!(postgres.line.client().is_closed(), "the server is told by hanging up");
            postgres.give_up();
            line.falls_silent(false);
            postgres.start("begin").expect("another line");
            ask(&mut postgres, &ONE).expect("answers");
            postgres.commit().expect("commits");
        }
        assert_eq!(STATEMENTS.len(), 2);
    }

    #[test]
    fn silence_after_commit_is_ambiguous() {
        let Some(line) = Line::new() else { return };
        let mut postgres = line.open();
        postgres.start("begin").expect("a line");
        ask(&mut postgres, &ONE).expect("answers");
        line.falls_silent(true);
        let unknown = postgres.commit().expect_err("no answer");
        assert!(matches!(unknown, StoreError::Ambiguous(_)), "{unknown:?}");
        line.falls_silent(false);
        postgres.rollback();
        postgres.start("begin").expect("another line");
        ask(&mut postgres, &SLEEP).expect("slow is not silent");
    }

    #[test]
    fn silence_after_rollback_costs_the_line_and_nothing_else() {
        let Some(line) = Line::new() else { return };
        let mut postgres = line.open();
        postgres.start("begin").expect("a line");
        ask(&mut postgres, &ONE).expect("answers");
        line.falls_silent(true);
        postgres.rollback();
        assert!(postgres.line.is_lost());
        line.falls_silent(false);
        postgres.start("begin").expect("another line");
        ask(&mut postgres, &ONE).expect("answers");
    }
}

//! PostgreSQL: one connection with its prepared statements, driven by a small runtime of its own thread.
//!
//! BEGIN travels with the first statement; the writes of a command travel together, at the latest before COMMIT, and
//! each must have changed exactly the rows it claims.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use tokio::runtime::Runtime;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Statement};

use crate::error::StoreError;
use crate::pg_connect;
use crate::statement::{Raw, Row, RowOf};
use crate::value::Value;

/// A connection, its open transaction, and the writes that wait to be sent.
pub(crate) struct Postgres {
    runtime: Runtime,
    url: String,
    client: Client,
    prepared: Vec<Vec<(usize, Statement)>>,
    begin: Option<&'static str>,
    in_transaction: bool,
    waiting: Vec<Write>,
    given_up: bool,
}

struct Write {
    statement: Result<Statement, StoreError>,
    values: Vec<Value<'static>>,
    rows: u64,
    sql: &'static str,
}

type Trip<'a, T> = Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + 'a>>;

impl Postgres {
    pub(crate) fn connect(url: &str) -> Result<Self, StoreError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let client = runtime.block_on(pg_connect::connect(url))?;
        Ok(Self {
            runtime,
            url: url.to_owned(),
            client,
            prepared: Vec::new(),
            begin: None,
            in_transaction: false,
            waiting: Vec::new(),
            given_up: false,
        })
    }

    /// Makes the next statement open a transaction with `begin`; reconnects first when the connection is lost.
    pub(crate) fn start(&mut self, begin: &'static str) -> Result<(), StoreError> {
        if self.given_up || self.client.is_closed() {
            self.client = self.runtime.block_on(pg_connect::connect(&self.url))?;
            self.prepared.clear();
            self.given_up = false;
        }
        self.waiting.clear();
        self.begin = Some(begin);
        self.in_transaction = false;
        Ok(())
    }

    /// Sends what waits, checks it, commits.
    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.begin = None;
        if !std::mem::take(&mut self.in_transaction) {
            return Ok(());
        }
        self.runtime.block_on(self.client.batch_execute("commit")).map_err(|error| match StoreError::from(error) {
            // Only an answer of the server says that the commit did not happen.
            StoreError::Lost(text) => StoreError::Ambiguous(text),
            refused => refused,
        })
    }

    /// Opens a new connection before the next transaction.
    pub(crate) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Drops what waits and undoes what was sent.
    pub(crate) fn rollback(&mut self) {
        self.waiting.clear();
        self.begin = None;
        if std::mem::take(&mut self.in_transaction) {
            // A lost connection has rolled back by itself; the next start reconnects.
            drop(self.runtime.block_on(self.client.batch_execute("rollback")));
        }
    }

    pub(crate) fn query(
        &mut self,
        raw: &Raw,
        values: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.statement(raw, 1)?;
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as &(dyn ToSql + Sync)).collect();
        let writes = std::mem::take(&mut self.waiting);
        let begin = self.begin.take();
        self.in_transaction |= begin.is_some();
        let client = &self.client;
        let rows = self.runtime.block_on(async {
            let ahead = send_ahead(client, begin, &writes)?;
            let last: Trip<'_, Sent> = Box::pin(async { client.query(&statement, &params).await.map(Sent::Rows) });
            let mut sent = in_one_trip(ahead.into_iter().chain([last]).collect()).await?;
            let Some(Sent::Rows(rows)) = sent.pop() else { unreachable!("the query was sent last") };
            check_rows(&writes, sent)?;
            Ok::<_, StoreError>(rows)
        })?;
        rows.iter().try_for_each(|row| each(&Row(RowOf::Postgres(row), 0)))
    }

    /// A write that is sent at once and answers how many rows it changed.
    pub(crate) fn change(&mut self, raw: &Raw, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.flush()?;
        let statement = self.statement(raw, 1)?;
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as &(dyn ToSql + Sync)).collect();
        Ok(self.runtime.block_on(self.client.execute(&statement, &params))?)
    }

    /// Keeps a write for the next trip.
    pub(crate) fn defer(&mut self, raw: &Raw, values: &[Value<'_>], rows: usize) {
        let width = values.len() / rows;
        let mut done = 0;
        while done < rows {
            let together = if raw.takes_rows() { group_size(rows - done) } else { 1 };
            let statement = self.statement(raw, together);
            let values = values[done * width..(done + together) * width].iter().cloned().map(Value::into_owned).collect();
            self.waiting.push(Write { statement, values, rows: together as u64, sql: raw.sql });
            done += together;
        }
    }

    pub(crate) fn advisory_lock(&mut self, name: i64) -> Result<(), StoreError> {
        self.flush()?;
        Ok(self.runtime.block_on(self.client.execute_typed("select pg_advisory_xact_lock($1)", &[(&name, Type::INT8)])).map(drop)?)
    }

    /// Prepares a statement apart from any transaction; answers the types of parameters and columns as PostgreSQL sees them.
    pub(crate) fn describe(&mut self, raw: &Raw) -> Result<(Vec<Type>, Vec<Type>), StoreError> {
        let statement = self.statement(raw, 1)?;
        Ok((statement.params().to_vec(), statement.columns().iter().map(|c| c.type_().clone()).collect()))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let writes = std::mem::take(&mut self.waiting);
        let begin = self.begin.take();
        self.in_transaction |= begin.is_some();
        if begin.is_none() && writes.is_empty() {
            return Ok(());
        }
        let client = &self.client;
        self.runtime.block_on(async {
            let sent = in_one_trip(send_ahead(client, begin, &writes)?).await?;
            check_rows(&writes, sent)
        })
    }

    fn statement(&mut self, raw: &Raw, rows: usize) -> Result<Statement, StoreError> {
        let slot = raw.slot();
        if self.prepared.len() <= slot {
            self.prepared.resize_with(slot + 1, Vec::new);
        }
        if let Some((_, statement)) = self.prepared[slot].iter().find(|(n, _)| *n == rows) {
            return Ok(statement.clone());
        }
        let types: Vec<Type> = std::iter::repeat_n(raw.kinds, rows).flatten().map(|kind| kind.postgres()).collect();
        let statement = self.runtime.block_on(self.client.prepare_typed(&raw.postgres(rows), &types))?;
        self.prepared[slot].push((rows, statement.clone()));
        Ok(statement)
    }
}

/// How many of `rows` go into one statement: a few sizes only, because each is prepared and kept by the server.
const fn group_size(rows: usize) -> usize {
    match rows {
        0..=4 => rows,
        5..=15 => 4,
        16..=63 => 16,
        _ => 64,
    }
}

enum Sent {
    Done,
    Changed(u64),
    Rows(Vec<tokio_postgres::Row>),
}

/// BEGIN, if it is due, and the waiting writes, ready to be polled in order.
fn send_ahead<'a>(client: &'a Client, begin: Option<&'static str>, writes: &'a [Write]) -> Result<Vec<Trip<'a, Sent>>, StoreError> {
    let mut trips: Vec<Trip<'a, Sent>> = Vec::with_capacity(writes.len() + 2);
    if let Some(begin) = begin {
        trips.push(Box::pin(async move { client.batch_execute(begin).await.map(|()| Sent::Done) }));
    }
    for write in writes {
        let statement = write.statement.as_ref().map_err(Clone::clone)?;
        let params = write.values.iter().map(|v| v as &(dyn ToSql + Sync));
        trips.push(Box::pin(async move { client.execute_raw(statement, params).await.map(Sent::Changed) }));
    }
    Ok(trips)
}

/// Sends everything before waiting for anything: a request goes out when its future is first polled. Answers the first
/// error, which is the one that made the later ones fail.
async fn in_one_trip(mut trips: Vec<Trip<'_, Sent>>) -> Result<Vec<Sent>, StoreError> {
    let mut results: Vec<Option<Result<Sent, tokio_postgres::Error>>> = trips.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (trip, result) in trips.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(sent) = trip.as_mut().poll(cx)
            {
                *result = Some(sent);
            }
        }
        if results.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().map(|sent| sent.map_err(StoreError::from)).collect()
}

fn check_rows(writes: &[Write], sent: Vec<Sent>) -> Result<(), StoreError> {
    let changed = sent.into_iter().filter_map(|s| if let Sent::Changed(n) = s { Some(n) } else { None });
    for (write, changed) in writes.iter().zip(changed) {
        if changed != write.rows {
            return Err(StoreError::Race(format!("changed {changed} rows instead of {}: {}", write.rows, write.sql)));
        }
    }
    Ok(())
}

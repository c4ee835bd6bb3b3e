//! PostgreSQL: one connection with its prepared statements.
//!
//! BEGIN travels with the first statements, COMMIT with the last ones; the writes of a command travel together, and the
//! server goes on only when each has changed exactly the rows it claims.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::types::Type;

use crate::error::StoreError;
use crate::pg_ahead::Ahead;
use crate::pg_connect;
use crate::pg_wire::{Answer, Prepared, Wire};
use crate::pg_writes::{self, PreparedWrites, Write};
use crate::statement::{Raw, Row};
use crate::value::Value;

const COMMIT: &str = "commit";
const ROLLBACK: &str = "rollback";
const LOCK: &str = "select pg_advisory_xact_lock($1)";

/// After so many transactions all plans are made anew, and again after four times as many: those of the first minutes
/// were made for tables that were nearly empty, where any index is as good as another.
const REPLAN_FIRST: u64 = 64;

/// How long an answer may take, where the kernel does not notice before that nothing arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// To statements: a little more than the server itself gives each.
    pub(crate) statements: Duration,
    /// To a trip with COMMIT: its writes wait for rows as long as the server lets them, and COMMIT for the disk, perhaps that
    /// of another machine.
    pub(crate) commit: Duration,
    /// To ROLLBACK. Hanging up does the same.
    pub(crate) rollback: Duration,
}

impl Patience {
    pub(crate) const USUAL: Self =
        Self { statements: Duration::from_secs(65), commit: Duration::from_secs(25), rollback: Duration::from_secs(5) };
}

/// A connection, its open transaction, and the writes that wait to be sent.
pub(crate) struct Postgres {
    url: String,
    patience: Patience,
    wire: Wire,
    prepared: Vec<Vec<(usize, Arc<Prepared>)>>,
    prepared_writes: PreparedWrites,
    /// What belongs to no statement of the rooms, by its text.
    own: Vec<(&'static str, Arc<Prepared>)>,
    begin: Option<&'static str>,
    waiting: Vec<Write>,
    ahead: Ahead,
    transactions: u64,
    replan_at: u64,
}

/// What travels behind the waiting writes.
enum Last<'l> {
    Asks(Vec<(Arc<Prepared>, &'l [Value<'l>])>),
    Commit,
}

impl Postgres {
    pub(crate) fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_with(url, Patience::USUAL)
    }

    fn connect_with(url: &str, patience: Patience) -> Result<Self, StoreError> {
        let mut wire = pg_connect::open(url)?;
        let mut own = |sql| Ok::<_, StoreError>((sql, wire.prepare(sql, &[], patience.statements)?));
        let own = vec![own(COMMIT)?, own(ROLLBACK)?];
        Ok(Self {
            url: url.to_owned(),
            patience,
            wire,
            prepared: Vec::new(),
            prepared_writes: PreparedWrites::default(),
            own,
            begin: None,
            waiting: Vec::new(),
            ahead: Ahead::default(),
            transactions: 0,
            replan_at: REPLAN_FIRST,
        })
    }

    /// Makes the next statement open a transaction with `begin`; reconnects first when the connection is lost.
    pub(crate) fn start(&mut self, begin: &'static str) -> Result<(), StoreError> {
        if self.wire.is_lost() {
            *self = Self::connect_with(&self.url, self.patience)?;
        }
        self.wire.unsay();
        self.transactions += 1;
        if self.transactions == self.replan_at {
            self.replan_at *= 4;
            self.wire.batch("discard plans", self.patience.statements)?;
        }
        self.waiting.clear();
        self.ahead.clear();
        self.begin = Some(begin);
        Ok(())
    }

    /// Sends what waits, has it checked, commits.
    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        let is_open = self.wire.in_transaction() || !self.waiting.is_empty();
        if is_open {
            self.trip(Last::Commit)?;
        }
        self.begin = None;
        Ok(())
    }

    /// Closes the connection; the next transaction gets a new one.
    pub(crate) fn give_up(&mut self) {
        self.wire.hang_up();
    }

    /// Drops what waits and undoes what was sent.
    pub(crate) fn rollback(&mut self) {
        self.wire.unsay();
        self.waiting.clear();
        self.begin = None;
        self.end(|wire, limit| wire.trip(limit).map(drop));
    }

    /// Ends a transaction that only read, without waiting for the server to say so.
    pub(crate) fn let_go(&mut self) {
        self.begin = None;
        self.end(Wire::send_off);
    }

    /// Says ROLLBACK where it is due; a line that does not take it is given up.
    fn end(&mut self, say: impl FnOnce(&mut Wire, Duration) -> Result<(), StoreError>) {
        let is_due = self.wire.in_transaction() && !self.wire.is_lost();
        let said = if is_due {
            self.own(ROLLBACK, &[]).and_then(|rollback| {
                self.wire.ask(&rollback, [].iter())?;
                say(&mut self.wire, self.patience.rollback)
            })
        } else {
            Ok(())
        };
        if said.is_err() || self.wire.is_lost() {
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
        let answer = match self.ahead.take(raw, values) {
            Some(answer) => answer,
            None => self.ask(raw, values, groups)?,
        };
        answer.each(each)
    }

    /// Asks, and takes the announced reads along.
    fn ask(&mut self, raw: &Raw, values: &[Value<'_>], groups: usize) -> Result<Answer, StoreError> {
        let along = self.ahead.announced();
        let mut asks = vec![(self.statement(raw, groups)?, values)];
        for read in &along {
            asks.push((self.statement(read.raw, 1)?, read.values.as_slice()));
        }
        let mut answers = self.trip(Last::Asks(asks))?.into_iter();
        let answer = answers.next().ok_or_else(unanswered)?;
        self.ahead.keep(along.into_iter().zip(answers));
        Ok(answer)
    }

    /// Lets a read travel with the next one that is asked for.
    pub(crate) fn announce(&mut self, raw: &'static Raw, values: Vec<Value<'_>>) {
        self.ahead.announce(raw, values);
    }

    /// A write that is sent at once and answers how many rows it changed.
    pub(crate) fn change(&mut self, raw: &Raw, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.ahead.clear();
        let statement = self.statement(raw, 1)?;
        Ok(self.trip(Last::Asks(vec![(statement, values)]))?.first().ok_or_else(unanswered)?.changed)
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
        let lock = self.own(LOCK, &[Type::INT8])?;
        self.trip(Last::Asks(vec![(lock, &[Value::Int(name)])])).map(drop)
    }

    /// Prepares a statement apart from any transaction; answers the types of parameters and columns as PostgreSQL sees them.
    /// A write is prepared as commands send it, too.
    pub(crate) fn describe(&mut self, raw: &'static Raw) -> Result<(Vec<Type>, Vec<Type>), StoreError> {
        let statement = self.statement(raw, 1)?;
        if raw.is_write() {
            let values = vec![Value::Null; raw.kinds.len()];
            let writes: Vec<Write> = pg_writes::split(raw, values, 1).collect();
            self.wire.prepare(&pg_writes::text_of(&writes), &statement.params, self.patience.statements)?;
        }
        Ok((statement.params.clone(), statement.columns.clone()))
    }

    /// BEGIN if it is due, the waiting writes, and then `last`, sent together. Answers what `last` asked.
    fn trip(&mut self, last: Last<'_>) -> Result<Vec<Answer>, StoreError> {
        let writes = std::mem::take(&mut self.waiting);
        let begin = self.begin.map(|begin| self.own(begin, &[])).transpose()?;
        let (asks, commit) = match last {
            Last::Asks(asks) => (asks, None),
            Last::Commit => (Vec::new(), Some(self.own(COMMIT, &[])?)),
        };
        let Self { wire, prepared_writes, patience, .. } = self;
        let ready = prepared_writes.prepare(wire, patience.statements, &writes)?;
        let skipped = usize::from(begin.is_some()) + ready.len();
        self.begin = None;
        if let Some(begin) = begin {
            wire.ask(&begin, [].iter())?;
            if commit.is_some() {
                // All of a command in one trip: a connection that died meanwhile would leave its outcome open.
                wire.trip(patience.statements)?;
            }
        }
        ready.iter().try_for_each(|ready| ready.ask(wire))?;
        asks.iter().try_for_each(|(statement, values)| wire.ask(statement, values.iter()))?;
        let Some(commit) = commit else {
            let mut answers = wire.trip(patience.statements).map_err(|error| pg_writes::explain(&writes, error))?;
            return Ok(answers.split_off(skipped));
        };
        wire.ask(&commit, [].iter())?;
        match wire.trip(patience.commit) {
            Ok(answers) if answers.last().is_some_and(|last| last.is_commit) => Ok(Vec::new()),
            Ok(_) => Err(StoreError::Bug("the server did not commit and said no error".into())),
            // Only an answer of the server says that the commit did not happen.
            Err(StoreError::Lost(text)) if wire.is_lost() => Err(StoreError::Ambiguous(text)),
            Err(refused) => Err(pg_writes::explain(&writes, refused)),
        }
    }

    fn own(&mut self, sql: &'static str, types: &[Type]) -> Result<Arc<Prepared>, StoreError> {
        if let Some((_, statement)) = self.own.iter().find(|(text, _)| *text == sql) {
            return Ok(Arc::clone(statement));
        }
        let statement = self.wire.prepare(sql, types, self.patience.statements)?;
        self.own.push((sql, Arc::clone(&statement)));
        Ok(statement)
    }

    fn statement(&mut self, raw: &Raw, groups: usize) -> Result<Arc<Prepared>, StoreError> {
        let slot = raw.slot();
        if self.prepared.len() <= slot {
            self.prepared.resize_with(slot + 1, Vec::new);
        }
        if let Some((_, statement)) = self.prepared[slot].iter().find(|(n, _)| *n == groups) {
            return Ok(Arc::clone(statement));
        }
        let types: Vec<Type> = std::iter::repeat_n(raw.kinds, groups).flatten().map(|kind| kind.postgres()).collect();
        let statement = self.wire.prepare(&raw.postgres(groups), &types, self.patience.statements)?;
        self.prepared[slot].push((groups, Arc::clone(&statement)));
        Ok(statement)
    }
}

fn unanswered() -> StoreError {
    StoreError::Lost("fewer answers than questions".into())
}

#[cfg(test)]
mod tests;

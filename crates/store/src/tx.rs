//! A transaction: one closed type over both engines, synchronous, with a few verbs.
//!
//! Reads and guards come first, writes last: a command that is refused before its first write costs nothing to undo.
//! The first failure of a verb is remembered, so a command cannot swallow it and commit.

use crate::error::StoreError;
use crate::lite::Lite;
use crate::pg_writes::group_size;
use crate::postgres::Postgres;
use crate::statement::{FromRow, Kinds, Params, Raw, Row, Stmt};
use crate::value::Value;

/// The running transaction of a command or a query.
pub struct Tx<'c> {
    pub(crate) engine: Engine<'c>,
    wrote: bool,
    failure: Option<StoreError>,
}

pub(crate) enum Engine<'c> {
    Lite(Lite<'c>),
    Postgres(Box<Postgres>),
}

#[expect(clippy::needless_pass_by_value, reason = "parameters are tuples of references and small values, written where they are used")]
impl<'c> Tx<'c> {
    pub(crate) fn new(engine: Engine<'c>) -> Self {
        Self { engine, wrote: false, failure: None }
    }

    /// Forgets the previous command.
    pub(crate) fn reset(&mut self) {
        self.wrote = false;
        self.failure = None;
    }

    /// Whether this command has written, or is about to.
    pub fn wrote(&self) -> bool {
        self.wrote
    }

    pub(crate) fn failure(&self) -> Option<&StoreError> {
        self.failure.as_ref()
    }

    /// The only row of the result. Fails with [`StoreError::Corrupt`] when there is not exactly one.
    pub fn one<P: Kinds, R: FromRow>(&mut self, statement: &Stmt<P, R>, params: impl Params<P>) -> Result<R, StoreError> {
        let mut rows = self.all(statement, params)?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            _ => self.fail(StoreError::Corrupt(format!("expected one row: {}", statement.raw().sql))),
        }
    }

    /// The first row of the result, if there is one.
    pub fn maybe<P: Kinds, R: FromRow>(&mut self, statement: &Stmt<P, R>, params: impl Params<P>) -> Result<Option<R>, StoreError> {
        Ok(self.all(statement, params)?.into_iter().next())
    }

    /// All rows of the result: give the statement a limit.
    pub fn all<P: Kinds, R: FromRow>(&mut self, statement: &Stmt<P, R>, params: impl Params<P>) -> Result<Vec<R>, StoreError> {
        self.go_on()?;
        let mut values = Vec::with_capacity(P::KINDS.len());
        params.bind(&mut values);
        let mut rows = Vec::new();
        let mut each = |row: &Row<'_>| {
            rows.push(R::from_row(row)?);
            Ok(())
        };
        let result = match &mut self.engine {
            Engine::Lite(lite) => lite.query(statement.raw(), &values, &mut each),
            Engine::Postgres(postgres) => postgres.query(statement.raw(), &values, 1, &mut each),
        };
        self.note(result).map(|()| rows)
    }

    /// The same read for several keys, in few statements where statements are dear. The statement holds `{rows}`, finds
    /// each row by its key and orders its rows as `keys` are ordered.
    pub fn all_of<P: Kinds, R: FromRow, A: Params<P>>(&mut self, statement: &Stmt<P, R>, keys: &[A]) -> Result<Vec<R>, StoreError> {
        self.go_on()?;
        let mut values = Vec::with_capacity(P::KINDS.len() * keys.len());
        for key in keys {
            key.bind(&mut values);
        }
        let mut rows = Vec::with_capacity(keys.len());
        let mut each = |row: &Row<'_>| {
            rows.push(R::from_row(row)?);
            Ok(())
        };
        let width = P::KINDS.len();
        let result = match &mut self.engine {
            Engine::Lite(lite) => values.chunks(width).try_for_each(|key| lite.query(statement.raw(), key, &mut each)),
            Engine::Postgres(postgres) => {
                let mut rest = values.as_slice();
                std::iter::from_fn(|| {
                    let some;
                    (some, rest) = rest.split_at(group_size(rest.len() / width) * width);
                    (!some.is_empty()).then_some(some)
                })
                .try_for_each(|some| postgres.query(statement.raw(), some, some.len() / width, &mut each))
            }
        };
        self.note(result).map(|()| rows)
    }

    /// Announces a read that this command is about to ask for, with the same values and before it writes. Where a read is a
    /// trip to a server, it travels with the next one. What it finds is as of then.
    pub fn announce<P: Kinds, R: FromRow>(&mut self, statement: &'static Stmt<P, R>, params: impl Params<P>) {
        if let Engine::Postgres(postgres) = &mut self.engine {
            let mut values = Vec::with_capacity(P::KINDS.len());
            params.bind(&mut values);
            postgres.announce(statement.raw(), values);
        }
    }

    /// A write that changes exactly one row. In PostgreSQL it may be sent later, with other writes of the command; that
    /// it changed its row is checked before the commit.
    pub fn write<P: Kinds>(&mut self, statement: &'static Stmt<P, ()>, params: impl Params<P>) -> Result<(), StoreError> {
        let mut values = Vec::with_capacity(P::KINDS.len());
        params.bind(&mut values);
        self.execute(statement.raw(), values, 1)
    }

    /// A write that changes one row, or none when it is not there. In PostgreSQL it may be sent later, too.
    pub fn write_if_there<P: Kinds>(&mut self, statement: &'static Stmt<P, ()>, params: impl Params<P>) -> Result<(), StoreError> {
        self.go_on()?;
        self.wrote = true;
        let mut values = Vec::with_capacity(P::KINDS.len());
        params.bind(&mut values);
        let result = match &mut self.engine {
            Engine::Lite(lite) => lite.execute(statement.raw(), &values).map(drop),
            Engine::Postgres(postgres) => {
                postgres.defer_if_there(statement.raw(), values);
                Ok(())
            }
        };
        self.note(result)
    }

    /// The same write for several rows, each changing exactly one, and no two the same. Where the statement holds
    /// `{rows}`, one statement takes several of them.
    pub fn write_rows<P: Kinds, A: Params<P>>(&mut self, statement: &'static Stmt<P, ()>, rows: &[A]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut values = Vec::with_capacity(P::KINDS.len() * rows.len());
        for row in rows {
            row.bind(&mut values);
        }
        self.execute(statement.raw(), values, rows.len())
    }

    /// A write that may change any number of rows; answers how many.
    pub fn change<P: Kinds>(&mut self, statement: &Stmt<P, ()>, params: impl Params<P>) -> Result<u64, StoreError> {
        let mut values = Vec::with_capacity(P::KINDS.len());
        params.bind(&mut values);
        self.go_on()?;
        self.wrote = true;
        let result = match &mut self.engine {
            Engine::Lite(lite) => lite.execute(statement.raw(), &values),
            Engine::Postgres(postgres) => postgres.change(statement.raw(), &values),
        };
        self.note(result)
    }

    /// Whether a read costs microseconds and not a trip to a server.
    pub fn reads_are_cheap(&self) -> bool {
        matches!(self.engine, Engine::Lite(_))
    }

    /// Lets one transaction at a time past this point for each `name`, until it ends. For what has no row to lock yet.
    /// SQLite runs one command at a time anyway.
    pub fn serialize_on(&mut self, name: i64) -> Result<(), StoreError> {
        let result = match &mut self.engine {
            Engine::Lite(_) => Ok(()),
            Engine::Postgres(postgres) => postgres.advisory_lock(name),
        };
        self.note(result)
    }

    fn execute(&mut self, raw: &'static Raw, values: Vec<Value<'_>>, rows: usize) -> Result<(), StoreError> {
        self.go_on()?;
        self.wrote = true;
        let result = match &mut self.engine {
            Engine::Lite(lite) => lite.write(raw, &values, rows),
            Engine::Postgres(postgres) => {
                postgres.defer(raw, values, rows);
                Ok(())
            }
        };
        self.note(result)
    }

    /// After a failure nothing more is done: the transaction may be gone already.
    fn go_on(&self) -> Result<(), StoreError> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn note<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.or_else(|error| self.fail(error))
    }

    fn fail<T>(&mut self, error: StoreError) -> Result<T, StoreError> {
        if self.failure.is_none() {
            self.failure = Some(error.clone());
        }
        Err(error)
    }
}

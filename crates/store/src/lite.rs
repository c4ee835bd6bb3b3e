//! SQLite: one connection with its prepared statements.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Statement};

use crate::error::StoreError;
use crate::statement::{Raw, Row, RowOf};
use crate::value::Value;

/// A connection that lives on one thread, and the statements it has prepared so far, by slot.
pub(crate) struct Lite<'c> {
    connection: &'c Connection,
    prepared: Vec<Option<Statement<'c>>>,
}

impl<'c> Lite<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self { connection, prepared: Vec::new() }
    }

    pub(crate) fn control(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.connection.prepare_cached(sql)?.raw_execute().map(drop)?)
    }

    /// Whether SQLite itself has rolled the transaction back (disk full, I/O error).
    pub(crate) fn transaction_is_gone(&self) -> bool {
        self.connection.is_autocommit()
    }

    pub(crate) fn query(
        &mut self,
        raw: &Raw,
        values: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.statement(raw)?;
        bind(statement, values)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            each(&Row(RowOf::Lite(row), 0))?;
        }
        Ok(())
    }

    pub(crate) fn execute(&mut self, raw: &Raw, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let statement = self.statement(raw)?;
        bind(statement, values)?;
        Ok(statement.raw_execute()? as u64)
    }

    pub(crate) fn write(&mut self, raw: &Raw, values: &[Value<'_>], rows: usize) -> Result<(), StoreError> {
        let width = values.len() / rows;
        for row in 0..rows {
            let changed = self.execute(raw, &values[row * width..(row + 1) * width])?;
            if changed != 1 {
                return Err(StoreError::Bug(format!("changed {changed} rows instead of 1: {}", raw.sql)));
            }
        }
        Ok(())
    }

    fn statement(&mut self, raw: &Raw) -> Result<&mut Statement<'c>, StoreError> {
        let slot = raw.slot();
        if self.prepared.len() <= slot {
            self.prepared.resize_with(slot + 1, || None);
        }
        let place = &mut self.prepared[slot];
        if place.is_none() {
            *place = Some(self.connection.prepare(&raw.lite())?);
        }
        Ok(place.as_mut().expect("prepared on the line above"))
    }
}

fn bind(statement: &mut Statement<'_>, values: &[Value<'_>]) -> Result<(), StoreError> {
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}

/// Opens the connection that writes, or the one that migrates.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    make_private(path)?;
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // The command line tools may write beside a running server; inside it there is one writer.
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", 16_000)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Makes a missing file readable by its owner only; SQLite gives its log the same mode.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::Unavailable(format!("{}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

/// Opens a connection that cannot write.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

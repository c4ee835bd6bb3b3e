//! One read-only snapshot of a database, told row by row. The same SQL text runs on both engines.

mod postgres;
mod sqlite;

use uuid::Uuid;

use crate::Source;
use crate::error::AuditError;

/// An open snapshot.
pub(crate) enum Reader {
    Sqlite(sqlite::Snapshot),
    Postgres(postgres::Snapshot),
}

/// One row of an answer, valid only while it is being told.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// A cell as both engines can hold it. SQLite keeps ids as blobs, so an id there arrives as `Bytes`, and a yes or no as 0
/// or 1, which is what it becomes here for PostgreSQL, too.
enum Cell<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Id(Uuid),
    Other(String),
}

impl Reader {
    /// Opens the database for reading and fixes the snapshot.
    pub(crate) fn open(source: &Source) -> Result<Self, AuditError> {
        match source {
            Source::Sqlite(path) => Ok(Self::Sqlite(sqlite::Snapshot::open(path)?)),
            Source::Postgres(url) => Ok(Self::Postgres(postgres::Snapshot::open(url)?)),
        }
    }

    /// The engine's name in reports.
    pub(crate) fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Calls `each` for every row. Memory stays bounded however long the answer is.
    pub(crate) fn rows(&self, sql: &str, each: impl FnMut(&Row<'_>) -> Result<(), AuditError>) -> Result<(), AuditError> {
        match self {
            Self::Sqlite(snapshot) => snapshot.rows(sql, each),
            Self::Postgres(snapshot) => snapshot.rows(sql, each),
        }
    }

    /// Ends the snapshot; an error if what was read may not have been one.
    pub(crate) fn finish(self) -> Result<(), AuditError> {
        match self {
            Self::Sqlite(snapshot) => snapshot.finish(),
            Self::Postgres(snapshot) => snapshot.finish(),
        }
    }
}

impl Row<'_> {
    /// An integer that must be there.
    pub(crate) fn int(&self, column: usize) -> Result<i64, AuditError> {
        match self.cell(column)? {
            Cell::Int(n) => Ok(n),
            other => Err(self.unexpected(column, "an integer", &other)),
        }
    }

    /// An integer or null.
    pub(crate) fn optional_int(&self, column: usize) -> Result<Option<i64>, AuditError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(n) => Ok(Some(n)),
            other => Err(self.unexpected(column, "an integer", &other)),
        }
    }

    /// A yes or no that must be there.
    pub(crate) fn flag(&self, column: usize) -> Result<bool, AuditError> {
        match self.cell(column)? {
            Cell::Int(0) => Ok(false),
            Cell::Int(1) => Ok(true),
            other => Err(self.unexpected(column, "a yes or no", &other)),
        }
    }

    /// A text that must be there.
    pub(crate) fn text(&self, column: usize) -> Result<&str, AuditError> {
        match self.cell(column)? {
            Cell::Text(text) => Ok(text),
            other => Err(self.unexpected(column, "a text", &other)),
        }
    }

    /// A text or null.
    pub(crate) fn optional_text(&self, column: usize) -> Result<Option<&str>, AuditError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            other => Err(self.unexpected(column, "a text", &other)),
        }
    }

    /// An id that must be there.
    pub(crate) fn id(&self, column: usize) -> Result<Uuid, AuditError> {
        let cell = self.cell(column)?;
        as_id(&cell).ok_or_else(|| self.unexpected(column, "an id of 16 bytes", &cell))
    }

    /// An id or null.
    pub(crate) fn optional_id(&self, column: usize) -> Result<Option<Uuid>, AuditError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            cell => match as_id(&cell) {
                Some(id) => Ok(Some(id)),
                None => Err(self.unexpected(column, "an id of 16 bytes", &cell)),
            },
        }
    }

    /// Bytes that must be there.
    pub(crate) fn bytes(&self, column: usize) -> Result<&[u8], AuditError> {
        match self.cell(column)? {
            Cell::Bytes(bytes) => Ok(bytes),
            other => Err(self.unexpected(column, "bytes", &other)),
        }
    }

    /// Bytes or null.
    pub(crate) fn optional_bytes(&self, column: usize) -> Result<Option<&[u8]>, AuditError> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            other => Err(self.unexpected(column, "bytes", &other)),
        }
    }

    fn cell(&self, column: usize) -> Result<Cell<'_>, AuditError> {
        match self {
            Self::Sqlite(row) => sqlite::cell(row, column),
            Self::Postgres(row) => postgres::cell(row, column),
        }
    }

    fn unexpected(&self, column: usize, expected: &'static str, found: &Cell<'_>) -> AuditError {
        let column = match self {
            Self::Sqlite(row) => row.as_ref().column_name(column).map(str::to_owned).unwrap_or_default(),
            Self::Postgres(row) => row.columns()[column].name().to_owned(),
        };
        let found = match found {
            Cell::Null => "null".to_owned(),
            Cell::Int(_) => "an integer".to_owned(),
            Cell::Text(_) => "a text".to_owned(),
            Cell::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Cell::Id(_) => "an id".to_owned(),
            Cell::Other(what) => what.clone(),
        };
        AuditError::Cell { column, expected, found }
    }
}

fn as_id(cell: &Cell<'_>) -> Option<Uuid> {
    match cell {
        Cell::Id(id) => Some(*id),
        Cell::Bytes(bytes) => Uuid::from_slice(bytes).ok(),
        Cell::Null | Cell::Int(_) | Cell::Text(_) | Cell::Other(_) => None,
    }
}

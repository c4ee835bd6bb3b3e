//! Fixtures in SQLite files.

use std::path::{Path, PathBuf};

use audit::{AuditError, Options, Report, Source};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::dialect::Dialect;
use crate::market::Market;
use crate::rows::{inserts, unlock};

/// A file in WAL mode with the market in it.
pub fn write(path: &Path, market: &Market) {
    let connection = Connection::open(path).expect("a new file");
    connection.execute_batch("pragma journal_mode = wal; pragma synchronous = off").expect("settings");
    let sql = format!("begin; {}{} commit;", Dialect::Sqlite.schema(), inserts(market, Dialect::Sqlite));
    connection.execute_batch(&sql).expect("the schema takes a healthy market");
}

pub fn audit_file(path: &Path) -> Result<Report, AuditError> {
    audit::audit(&Source::Sqlite(path.to_owned()), &Options::default())
}

/// A healthy database without locks, to be copied and damaged.
pub struct Original {
    folder: TempDir,
}

impl Original {
    pub fn new(market: &Market) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("original.db");
        write(&path, market);
        let connection = Connection::open(&path).expect("opens");
        connection.execute_batch(&unlock()).expect("unlocks");
        connection.execute_batch("pragma journal_mode = delete").expect("one file, easy to copy");
        Self { folder }
    }

    /// Audits a copy in which `damage` was done.
    pub fn spoiled(&self, damage: &str) -> Result<Report, AuditError> {
        let copy: PathBuf = self.folder.path().join("copy.db");
        std::fs::copy(self.folder.path().join("original.db"), &copy).expect("copies");
        let connection = Connection::open(&copy).expect("opens");
        connection.execute_batch(&format!("pragma synchronous = off; begin; {damage}; commit")).expect(damage);
        drop(connection);
        audit_file(&copy)
    }

    /// The number of rows of a table.
    pub fn rows(&self, table: &str) -> i64 {
        let connection = Connection::open(self.folder.path().join("original.db")).expect("opens");
        connection.query_row(&format!("select count(*) from {table}"), [], |row| row.get(0)).expect("counts")
    }
}

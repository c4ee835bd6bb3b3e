//! A SQLite file, opened so that nothing can be written to it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Cell, Row};
use crate::error::AuditError;

/// One read transaction.
pub(crate) struct Snapshot {
    connection: Connection,
    unlocked: Option<Unlocked>,
}

/// A file that is read without any lock, and how it looked at the start.
struct Unlocked {
    path: PathBuf,
    length: u64,
    modified: SystemTime,
}

impl Snapshot {
    /// Opens the file with the usual locks. A database in WAL mode needs its `-wal` and `-shm` files for that, and
    /// where they are absent SQLite makes them. In a folder that cannot be written, such as a mounted backup, the file
    /// is read as it is, provided that no log belongs to it; [`Snapshot::finish`] then checks that it stayed the same.
    pub(crate) fn open(path: &Path) -> Result<Self, AuditError> {
        let path = std::path::absolute(path)?;
        let refusal = match begin(&path, "mode=ro") {
            Ok(connection) => {
                return Ok(Self { connection, unlocked: None });
            }
            Err(refusal) => refusal,
        };
        let no_side_files = matches!(refusal.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly));
        if !no_side_files || !path.is_file() || has_log(&path) {
            return Err(refusal.into());
        }
        let unlocked = Unlocked::look(path)?;
        Ok(Self { connection: begin(&unlocked.path, "mode=ro&immutable=1")?, unlocked: Some(unlocked) })
    }

    /// Steps through an answer.
    pub(crate) fn rows(&self, sql: &str, mut each: impl FnMut(&Row<'_>) -> Result<(), AuditError>) -> Result<(), AuditError> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(&Row::Sqlite(row))?;
        }
        Ok(())
    }

    /// Ends the transaction.
    pub(crate) fn finish(self) -> Result<(), AuditError> {
        self.connection.execute_batch("rollback")?;
        match self.unlocked {
            Some(unlocked) if unlocked.changed()? => Err(AuditError::Changed),
            Some(_) | None => Ok(()),
        }
    }
}

impl Unlocked {
    fn look(path: PathBuf) -> Result<Self, AuditError> {
        let facts = path.metadata()?;
        Ok(Self { length: facts.len(), modified: facts.modified()?, path })
    }

    fn changed(&self) -> Result<bool, AuditError> {
        let now = Self::look(self.path.clone())?;
        Ok(has_log(&self.path) || now.length != self.length || now.modified != self.modified)
    }
}

/// Opens the file and reads once, which is when SQLite fixes the snapshot and finds out what is wrong.
fn begin(path: &Path, parameters: &str) -> Result<Connection, rusqlite::Error> {
    let uri = format!("file://{}?{parameters}", percent_encoded(path));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags)?;
    connection.execute_batch("pragma query_only = on; begin")?;
    connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Whether transactions may wait in a log beside the file.
fn has_log(path: &Path) -> bool {
    ["-wal", "-journal"].iter().any(|suffix| {
        let mut log: OsString = path.as_os_str().to_owned();
        log.push(suffix);
        // A log that cannot be looked at counts as one.
        match Path::new(&log).metadata() {
            Ok(facts) => facts.len() > 0,
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    })
}

fn percent_encoded(path: &Path) -> String {
    let mut encoded = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                encoded.push(char::from(*byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("writing to a String does not fail"),
        }
    }
    encoded
}

/// Reads one cell.
pub(super) fn cell<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> Result<Cell<'a>, AuditError> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(n) => Cell::Int(n),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Cell::Text(text),
            Err(_) => Cell::Other("a text that is not UTF-8".to_owned()),
        },
        ValueRef::Blob(bytes) => Cell::Bytes(bytes),
        ValueRef::Real(_) => Cell::Other("a floating-point number".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A WAL database whose side files cannot be made: a link to nowhere stands where `-shm` should be, which stops even
    /// a test that runs as root.
    fn without_side_files(folder: &Path) -> PathBuf {
        let path = folder.join("it's 100% ?#.db");
        let writer = Connection::open(&path).expect("opens");
        writer.execute_batch("pragma journal_mode = wal; create table t (n integer); insert into t values (1)").expect("writes");
        drop(writer);
        std::os::unix::fs::symlink("/nowhere/shm", folder.join("it's 100% ?#.db-shm")).expect("makes the obstacle");
        path
    }

    #[test]
    fn a_database_without_side_files_is_read_as_it_is() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let snapshot = Snapshot::open(&without_side_files(folder.path())).expect("opens");
        assert!(snapshot.unlocked.is_some());
        let mut seen = 0;
        snapshot
            .rows("select n from t", |row| {
                seen += row.int(0)?;
                Ok(())
            })
            .expect("reads");
        assert_eq!(seen, 1);
        snapshot.finish().expect("nobody wrote");
    }

    #[test]
    fn a_write_during_a_read_without_locks_is_noticed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = without_side_files(folder.path());
        let snapshot = Snapshot::open(&path).expect("opens");
        std::fs::write(folder.path().join("it's 100% ?#.db-wal"), b"x").expect("writes");
        assert!(matches!(snapshot.finish(), Err(AuditError::Changed)));
    }

    #[test]
    fn a_log_that_cannot_be_replayed_is_not_ignored() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = without_side_files(folder.path());
        std::fs::write(folder.path().join("it's 100% ?#.db-wal"), [7; 64]).expect("writes");
        assert!(matches!(Snapshot::open(&path), Err(AuditError::Sqlite(_))));
    }

    #[test]
    fn nothing_can_be_written() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.db");
        Connection::open(&path).and_then(|writer| writer.execute_batch("create table t (n integer)")).expect("writes");
        let snapshot = Snapshot::open(&path).expect("opens");
        assert!(snapshot.connection.execute_batch("insert into t values (1)").is_err());
        assert!(snapshot.connection.execute_batch("pragma query_only = off; insert into t values (1)").is_err());
    }
}

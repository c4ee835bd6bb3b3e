//! Why an audit could not be completed. Every one of these is exit status 2.

use crate::{NEWEST_SCHEMA, OLDEST_SCHEMA};

/// The auditor could not look. Never to be read as "all well".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// SQLite refused: no such file, not a database, a missing table or column, an I/O error.
    #[error("cannot read the SQLite database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL refused or the connection broke.
    #[error("cannot read the PostgreSQL database: {}", postgres_text(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// TLS to PostgreSQL could not be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The file system or the operating system refused.
    #[error("cannot read the database: {0}")]
    Io(#[from] std::io::Error),
    /// The server is a standby, which may show states that never were.
    #[error("this PostgreSQL server is a standby; audit the primary")]
    Standby,
    /// The file was opened without locks, because its folder is read-only, and somebody wrote to it meanwhile.
    #[error("the database changed while it was read without locks; run the audit again")]
    Changed,
    /// The highest migration number is not one the auditor knows.
    #[error("unknown schema {found}: this auditor knows {OLDEST_SCHEMA} to {NEWEST_SCHEMA}")]
    UnknownSchema {
        /// The highest migration number found; 0 = none.
        found: i64,
    },
    /// A check that does not exist was asked for.
    #[error("there is no check {0}")]
    UnknownCheck(String),
    /// A cell holds something else than its column's type.
    #[error("column {column} holds {found} where {expected} is expected")]
    Cell {
        /// Name of the column in the auditor's query.
        column: String,
        /// What the auditor can read there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A check failed to run to its end.
    #[error("check {id} could not run: {cause}")]
    Check {
        /// Id of the check.
        id: &'static str,
        /// What stopped it.
        #[source]
        cause: Box<AuditError>,
    },
    /// A panic inside the auditor.
    #[error("the auditor crashed: {0}")]
    Crashed(String),
}

impl AuditError {
    /// The exit status that stands for "could not complete".
    pub const fn exit_code(&self) -> u8 {
        2
    }
}

/// The driver's own text is only "db error"; the server's message is one level below. Neither holds the password.
fn postgres_text(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(refusal), _) => format!("{} ({})", refusal.message(), refusal.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

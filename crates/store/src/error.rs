//! What can go wrong below the rooms, and what it means for the caller.

use rusqlite::ErrorCode;

/// Why the store did not do what it was asked. Nothing was changed, except where [`StoreError::Ambiguous`] says that
/// this is not known.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The queue is full: try again in a second.
    #[error("the store has more work waiting than it takes")]
    Busy,
    /// The store is closing or closed.
    #[error("the store is closed")]
    Closed,
    /// The database cannot be reached or cannot write (disk full, connection refused).
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The connection broke before COMMIT was sent: nothing was changed.
    #[error("the connection to the database broke: {0}")]
    Lost(String),
    /// The connection broke while the last writes and COMMIT were on their way: the change may or may not be there.
    #[error("the connection broke while committing: {0}")]
    Ambiguous(String),
    /// Another transaction won a race; running the command again finds out what happened.
    #[error("lost a race: {0}")]
    Race(String),
    /// A constraint of the schema refused the change: a bug, the command should have checked first.
    #[error("refused by the schema: {0}")]
    Violation(String),
    /// A stored value is not what the code expects.
    #[error("stored data is not as expected: {0}")]
    Corrupt(String),
    /// The statement itself is wrong, or the command panicked: a bug.
    #[error("{0}")]
    Bug(String),
    /// The migrations of this program and of the database do not fit together.
    #[error("{0}")]
    Migration(String),
}

impl StoreError {
    /// How often a command is run in all when it ends like this: a lost race is soon won, a lost connection comes back
    /// or does not.
    pub(crate) fn attempts_max(&self) -> u32 {
        match self {
            Self::Race(_) => 50,
            Self::Lost(_) => 20,
            _ => 1,
        }
    }

    /// What an answer of PostgreSQL that refuses a statement means, by its SQLSTATE.
    pub(crate) fn refused(code: &str, message: &str, constraint: Option<&str>) -> Self {
        let text = format!("{message} ({code}{})", constraint.map(|c| format!(", {c}")).unwrap_or_default());
        match code {
            // Serialization failure, deadlock, unique violation.
            "40001" | "40P01" | "23505" => Self::Race(text),
            _ if code.starts_with("23") => Self::Violation(text),
            // This session cannot go on: read-only after a failover, or without the statements that it had prepared.
            "25006" | "26000" | "0A000" => Self::Lost(text),
            // A message that the server does not understand.
            "08P01" => Self::Bug(text),
            _ if ["08", "57P"].iter().any(|class| code.starts_with(class)) => Self::Lost(text),
            _ if ["53", "55", "57", "58"].iter().any(|class| code.starts_with(class)) => Self::Unavailable(text),
            _ => Self::Bug(text),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Violation(text),
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::ReadOnly
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Unavailable(text),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(text),
            _ => Self::Bug(text),
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return if error.is_closed() || std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>) {
                Self::Lost(error.to_string())
            } else {
                Self::Bug(chain(&error))
            };
        };
        Self::refused(db.code().code(), db.message(), db.constraint())
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

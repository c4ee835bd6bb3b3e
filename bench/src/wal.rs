//! What SQLite appends to its log, read from the log itself.

use std::path::Path;

use rusqlite::Connection;

use crate::Fallible;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The log since it was last folded into the database file.
pub struct Log {
    pub bytes: u64,
    pub commits: u64,
}

/// Folds the log into the file and empties it, while nobody writes.
pub fn fold(database: &Path) -> Fallible<()> {
    let busy: i64 = Connection::open(database)?.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0))?;
    if busy == 0 { Ok(()) } else { Err("the log could not be folded".into()) }
}

/// Counts the frames of the log, and those that end a transaction.
pub fn read(database: &Path) -> Fallible<Log> {
    let log = std::fs::read(format!("{}-wal", database.display()))?;
    let word = |at: usize| log.get(at..at + 4).and_then(|four| four.try_into().ok()).map(u32::from_be_bytes);
    let page = usize::try_from(word(8).ok_or("the log is empty")?)?;
    let salt = (word(16), word(20));
    let starts = (HEADER..log.len()).step_by(FRAME_HEADER + page).take_while(|at| (word(at + 8), word(at + 12)) == salt);
    let (mut frames, mut commits) = (0, 0);
    for at in starts {
        frames += 1;
        // The last frame of a transaction holds the size of the database; the others hold zero.
        commits += u64::from(word(at + 4) != Some(0));
    }
    Ok(Log { bytes: frames * (FRAME_HEADER + page) as u64, commits })
}

//! The chain on disk: a file to which lines are appended. What a crash cut off at its end is taken away at the next start.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// The first.
    Genesis { timestamp_ms: i64, salt: u64, energy_price: i64 },
    /// A block on top of the one before.
    Block { number: u64, timestamp_ms: i64, salt: u64, energy_price: i64, transactions: Vec<String> },
    /// Blocks above this number are gone.
    Cut { number: u64 },
}

/// Why the stored chain cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// Another process has it open.
    #[error("{0} is in use by another process: stop it first")]
    InUse(String),
    /// A line is not what this program writes.
    #[error("{path}, line {line}: {why}. Move the file away to begin a new chain")]
    Damaged {
        /// Which file.
        path: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: String,
    /// A line did not get to the disk: those after it would have no ground.
    failed: bool,
}

impl Journal {
    /// Opens or creates `chain.jsonl` in the folder, locks it, and reads what is there.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Vec<Line>), JournalError> {
        let path = folder.join("chain.jsonl");
        let name = path.display().to_string();
        let failed = |error| JournalError::File { path: name.clone(), error };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(failed)?;
        file.try_lock().map_err(|_| JournalError::InUse(name.clone()))?;
        let mut reader = BufReader::new(&file);
        let (mut lines, mut length, mut text) = (Vec::new(), 0, String::new());
        loop {
            text.clear();
            let read = reader.read_line(&mut text).map_err(failed)?;
            if read == 0 || !text.ends_with('\n') {
                break;
            }
            let damaged =
                |error: serde_json::Error| JournalError::Damaged { path: name.clone(), line: lines.len() + 1, why: error.to_string() };
            let line = serde_json::from_str(&text).map_err(damaged)?;
            lines.push(line);
            length += read as u64;
        }
        file.set_len(length).map_err(failed)?;
        let mut journal = Self { file, path: name.clone(), failed: false };
        journal.file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok((journal, lines))
    }

    pub(crate) fn damaged(&self, line: usize, why: impl Into<String>) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), line, why: why.into() }
    }

    /// Whether lines can be appended.
    pub(crate) fn check(&self) -> Result<(), JournalError> {
        let error = || io::Error::other("a block could not be written before: start again");
        if self.failed { Err(JournalError::File { path: self.path.clone(), error: error() }) } else { Ok(()) }
    }

    /// Appends lines and waits until they are on the disk.
    pub(crate) fn append(&mut self, lines: &[Line]) -> Result<(), JournalError> {
        let mut text = String::new();
        for line in lines {
            text.push_str(&serde_json::to_string(line).expect("numbers and texts are JSON"));
            text.push('\n');
        }
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        self.failed |= written.is_err();
        written.map_err(|error| JournalError::File { path: self.path.clone(), error })
    }
}

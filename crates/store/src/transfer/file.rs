//! The file: lines of JSON, a header first, then each table and its rows, and an end line with counts and a checksum.
//!
//! ```text
//! {"format":"roborent-export","version":1,"migrations":[{"number":1,"name":"first","checksum":"9f86…"}]}
//! {"table":"things","columns":["id","name","size"]}
//! [{"x":"0190a6…"},"a thing",12]
//! {"end":true,"rows":{"things":1},"sha256":"2c26…"}
//! ```
//!
//! The checksum is over every byte before the last line. Bytes and ids are `{"x":"hex"}`, truth values 0 and 1, so
//! equal contents make equal files whichever engine they come from.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{BufRead, Read as _, Write};

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{Summary, refused};
use crate::error::StoreError;
use crate::migrate::Migration;
use crate::value::{Cell, Value};

const FORMAT: &str = "roborent-export";
const VERSION: i64 = 1;
/// No line is longer: what is longer is no export, and must not fill the memory.
const LINE_MAX: u64 = 256 << 20;
const WRITE_BYTES: usize = 64 << 10;

/// A migration as the header names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) number: i64,
    pub(super) name: String,
    pub(super) checksum: String,
}

impl From<&Migration> for Applied {
    fn from(migration: &Migration) -> Self {
        Self { number: migration.number, name: migration.name.to_owned(), checksum: hex(&Sha256::digest(migration.sql.as_bytes())) }
    }
}

/// Writes the file, hashing as it goes.
pub(super) struct Writer<'o> {
    out: &'o mut (dyn Write + Send),
    waiting: Vec<u8>,
    hash: Sha256,
}

impl<'o> Writer<'o> {
    pub(super) fn start(out: &'o mut (dyn Write + Send), migrations: &[Applied]) -> Result<Self, StoreError> {
        let list: Vec<Json> = migrations.iter().map(|m| json!({ "number": m.number, "name": m.name, "checksum": m.checksum })).collect();
        let mut writer = Self { out, waiting: Vec::with_capacity(2 * WRITE_BYTES), hash: Sha256::new() };
        writer.line(&json!({ "format": FORMAT, "version": VERSION, "migrations": list }))?;
        Ok(writer)
    }

    pub(super) fn table(&mut self, name: &str, columns: &[&str]) -> Result<(), StoreError> {
        self.line(&json!({ "table": name, "columns": columns }))
    }

    pub(super) fn row<'c>(&mut self, cells: impl Iterator<Item = Result<Cell<'c>, StoreError>>) -> Result<(), StoreError> {
        for (index, cell) in cells.enumerate() {
            self.waiting.push(if index == 0 { b'[' } else { b',' });
            write_cell(&mut self.waiting, cell?)?;
        }
        self.waiting.extend_from_slice(b"]\n");
        if self.waiting.len() < WRITE_BYTES { Ok(()) } else { self.send() }
    }

    pub(super) fn finish(mut self, rows: Vec<(String, u64)>) -> Result<Summary, StoreError> {
        self.send()?;
        let summary = Summary { rows, sha256: hex(&self.hash.finalize()) };
        self.out.write_all(end_line(&summary).as_bytes()).and_then(|()| self.out.flush()).map_err(|e| file_error(&e))?;
        Ok(summary)
    }

    fn line(&mut self, value: &Json) -> Result<(), StoreError> {
        writeln!(self.waiting, "{value}").map_err(|e| file_error(&e))
    }

    fn send(&mut self) -> Result<(), StoreError> {
        self.hash.update(&self.waiting);
        self.out.write_all(&self.waiting).map_err(|e| file_error(&e))?;
        self.waiting.clear();
        Ok(())
    }
}

fn write_cell(line: &mut Vec<u8>, cell: Cell<'_>) -> Result<(), StoreError> {
    match cell {
        Cell::Null => line.extend_from_slice(b"null"),
        Cell::Int(n) => write!(line, "{n}").map_err(|e| file_error(&e))?,
        Cell::Bool(b) => line.push(if b { b'1' } else { b'0' }),
        Cell::Text(text) => serde_json::to_writer(&mut *line, text).map_err(|e| StoreError::Bug(e.to_string()))?,
        Cell::Bytes(bytes) => write_bytes(line, bytes),
        Cell::Uuid(id) => write_bytes(line, id.as_bytes()),
    }
    Ok(())
}

fn write_bytes(line: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    line.extend_from_slice(b"{\"x\":\"");
    for byte in bytes {
        line.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    line.extend_from_slice(b"\"}");
}

fn end_line(summary: &Summary) -> String {
    let rows: serde_json::Map<String, Json> = summary.rows.iter().map(|(table, n)| (table.clone(), json!(n))).collect();
    format!("{}\n", json!({ "end": true, "rows": rows, "sha256": summary.sha256 }))
}

/// The beginning of a table.
pub(super) struct TableLine {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

/// Reads the file line by line, hashing as it goes.
pub(super) struct Reader<'i> {
    input: &'i mut (dyn BufRead + Send),
    line: Vec<u8>,
    number: u64,
    hash: Sha256,
}

impl<'i> Reader<'i> {
    /// Reads the header; answers the migrations it names.
    pub(super) fn start(input: &'i mut (dyn BufRead + Send)) -> Result<(Self, Vec<Applied>), StoreError> {
        let mut reader = Self { input, line: Vec::new(), number: 0, hash: Sha256::new() };
        reader.load()?;
        let header: Json = serde_json::from_slice(&reader.line).unwrap_or_default();
        if header["format"] != FORMAT {
            return Err(refused("the file is no export: its first line is not the header of one"));
        }
        if header["version"] != VERSION {
            return Err(refused(format!("the file has version {} of the format, this program reads version {VERSION}", header["version"])));
        }
        let listed = header["migrations"].as_array().into_iter().flatten();
        let applied = listed.map(applied).collect::<Option<Vec<_>>>().ok_or_else(|| reader.unreadable("the list of migrations"))?;
        reader.accept();
        Ok((reader, applied))
    }

    /// The next table, or nothing when the end line comes.
    pub(super) fn table(&mut self) -> Result<Option<TableLine>, StoreError> {
        self.load()?;
        let line: Json = serde_json::from_slice(&self.line).map_err(|e| self.unreadable(&e.to_string()))?;
        if line.get("end").is_some() {
            return Ok(None);
        }
        let columns = line["columns"].as_array().map(|list| list.iter().map(|c| c.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>());
        let (Some(name), Some(Some(columns))) = (line["table"].as_str(), columns) else {
            return Err(self.unreadable("neither a table nor the end"));
        };
        let name = name.to_owned();
        self.accept();
        Ok(Some(TableLine { name, columns }))
    }

    /// The next row of the table, or nothing when another line comes.
    pub(super) fn row(&mut self, width: usize) -> Result<Option<Vec<Value<'static>>>, StoreError> {
        self.load()?;
        if self.line.first() != Some(&b'[') {
            return Ok(None);
        }
        let cells: Vec<Json> = serde_json::from_slice(&self.line).map_err(|e| self.unreadable(&e.to_string()))?;
        if cells.len() != width {
            return Err(self.unreadable(&format!("{} values for {width} columns", cells.len())));
        }
        let row = cells.into_iter().map(value).collect::<Option<_>>().ok_or_else(|| self.unreadable("a value of an unknown kind"))?;
        self.accept();
        Ok(Some(row))
    }

    /// Compares the end line with what was read, and looks that nothing follows it.
    pub(super) fn finish(self, rows: Vec<(String, u64)>) -> Result<Summary, StoreError> {
        let summary = Summary { rows, sha256: hex(&self.hash.finalize()) };
        if self.line != end_line(&summary).as_bytes() {
            return Err(refused("the file was changed or damaged: its contents do not fit the checksum and the counts in its last line"));
        }
        if self.input.fill_buf().map_err(|e| file_error(&e))?.is_empty() {
            Ok(summary)
        } else {
            Err(refused("the file goes on after its end line"))
        }
    }

    /// Where the reader is, for messages.
    pub(super) fn line_number(&self) -> u64 {
        self.number
    }

    /// Reads a line, unless one waits.
    fn load(&mut self) -> Result<(), StoreError> {
        if !self.line.is_empty() {
            return Ok(());
        }
        let input: &mut (dyn BufRead + Send) = self.input;
        input.take(LINE_MAX).read_until(b'\n', &mut self.line).map_err(|e| file_error(&e))?;
        if self.line.last() != Some(&b'\n') {
            return Err(refused(format!("the file is cut: it ends after line {} without an end line", self.number)));
        }
        self.number += 1;
        Ok(())
    }

    fn accept(&mut self) {
        self.hash.update(&self.line);
        self.line.clear();
    }

    fn unreadable(&self, what: &str) -> StoreError {
        refused(format!("line {} of the file cannot be read: {what}", self.number))
    }
}

fn applied(listed: &Json) -> Option<Applied> {
    let text = |key: &str| listed[key].as_str().map(str::to_owned);
    Some(Applied { number: listed["number"].as_i64()?, name: text("name")?, checksum: text("checksum")? })
}

fn value(json: Json) -> Option<Value<'static>> {
    match json {
        Json::Null => Some(Value::Null),
        Json::Number(n) => n.as_i64().map(Value::Int),
        Json::String(text) => Some(Value::Text(Cow::Owned(text))),
        Json::Object(object) if object.len() == 1 => unhex(object.get("x")?.as_str()?).map(|bytes| Value::Bytes(Cow::Owned(bytes))),
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn file_error(error: &std::io::Error) -> StoreError {
    StoreError::Bug(format!("the file: {error}"))
}

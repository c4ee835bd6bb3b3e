//! Moves the contents of a database to a file and from there into another database, of either engine.
//!
//! Nothing here knows a table by name: what the engine says of its tables decides. What is made from other tables stays
//! behind and is made anew: in SQLite virtual tables and what lies under them, in PostgreSQL tables of another schema.
//! The file says which migrations its contents fit, and a program with other migrations refuses it.
//!
//! An import wants a database that holds what the migrations put there and nothing else. What that is, a database in
//! memory tells, migrated for the purpose. A row of the file with the key of such a row changes the columns that
//! differ, and so touches nothing that a trigger forbids; all other rows are inserted.

mod file;
mod lite;
mod postgres;
mod side;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::iter::from_fn;

use crate::error::StoreError;
use crate::migrate::{self, Migration};
use crate::value::Value;
use crate::{EngineSettings, on_a_thread};

use file::{Applied, Reader, TableLine, Writer};
use side::{Column, Purpose, Side, Table, applied, count, fitted, open, plain, quoted, tables};

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Tables in name order, and how many rows each has.
    pub rows: Vec<(String, u64)>,
    /// Over every byte of the file before its last line, in hex.
    pub sha256: String,
}

type Row = Vec<Value<'static>>;

/// Writes every row of one snapshot of the database; equal contents make equal files on either engine. Works beside a
/// running server. Blocks; tells of each table as a [`tracing`] event.
///
/// # Errors
/// When the database cannot be read or `out` cannot be written. What was written then has no end line, and no import
/// takes it.
pub fn export(engine: &EngineSettings, out: &mut (dyn Write + Send)) -> Result<Summary, StoreError> {
    on_a_thread(|| {
        let mut side = open(engine, Purpose::Read)?;
        let side = side.as_mut();
        let applied = applied(side)?;
        if applied.is_empty() {
            return Err(refused("the database is empty: it was never migrated"));
        }
        let mut writer = Writer::start(out, &applied)?;
        let mut written = Vec::new();
        for table in tables(side)? {
            writer.table(&table.name, &table.names())?;
            let mut rows = 0;
            side.rows(&table.select(), &mut |row| {
                rows += 1;
                writer.row((0..table.columns.len()).map(|index| row.cell(index)))
            })?;
            tracing::info!("{}: {rows} rows written", table.name);
            written.push((table.name, rows));
        }
        writer.finish(written)
    })
}

/// Migrates an empty database and fills it from a file that [`export`] wrote, in one transaction. Blocks; `now` is in
/// milliseconds. Tells of each table as a [`tracing`] event.
///
/// # Errors
/// When the file is cut, was changed or fits other migrations, and when the database holds anything but what its
/// migrations put there. Then nothing of the file is in the database.
pub fn import(
    engine: &EngineSettings,
    migrations: &[Migration],
    now: i64,
    input: &mut (dyn BufRead + Send),
) -> Result<Summary, StoreError> {
    on_a_thread(|| {
        let (reader, made_for) = Reader::start(input)?;
        check_migrations(&made_for, migrations)?;
        if is_there(engine) {
            // Before the migrations, so that a database that is refused stays as it is.
            untouched(open(engine, Purpose::Read)?.as_mut(), migrations)?;
        }
        crate::migrate(engine, migrations, now)?;
        let mut side = open(engine, Purpose::Write)?;
        let tables = tables(side.as_mut())?;
        side.lock(&tables)?;
        let own = untouched(side.as_mut(), migrations)?;
        let summary = fill(side.as_mut(), &tables, &own, reader)?;
        side.commit()?;
        Ok(summary)
    })
}

fn refused(what: impl Into<String>) -> StoreError {
    StoreError::Corrupt(what.into())
}

/// Opening a file for reading does not make it.
fn is_there(engine: &EngineSettings) -> bool {
    match engine {
        EngineSettings::Sqlite { path, .. } => path.exists(),
        EngineSettings::Postgres { .. } => true,
    }
}

fn check_migrations(made_for: &[Applied], migrations: &[Migration]) -> Result<(), StoreError> {
    let known: Vec<Applied> = migrations.iter().map(Applied::from).collect();
    if let Some((theirs, _)) = made_for.iter().zip(&known).find(|(theirs, ours)| theirs != ours) {
        return Err(StoreError::Migration(format!(
            "migration {} ({}) of the file is not the one this program knows",
            theirs.number, theirs.name
        )));
    }
    if made_for.len() != known.len() {
        return Err(StoreError::Migration(format!(
            "the file has {} migrations, this program {}: export and import with the same version of the program",
            made_for.len(),
            known.len()
        )));
    }
    Ok(())
}

/// Refuses a database that holds anything but what the migrations put there; answers what they put there, by table.
fn untouched(side: &mut dyn Side, migrations: &[Migration]) -> Result<BTreeMap<String, Vec<Row>>, StoreError> {
    let applied = applied(side)?.len();
    let own = pristine(migrations.get(..applied).unwrap_or(migrations))?;
    for table in tables(side)? {
        let expected = own.get(&table.name).map_or(&[][..], Vec::as_slice);
        if some_rows(side, &table, expected.len() + 1)? != expected {
            return Err(refused(format!(
                "the database is in use: table {} holds rows of its own; an import needs an empty database",
                table.name
            )));
        }
    }
    Ok(own)
}

/// What the migrations themselves insert, by table.
fn pristine(migrations: &[Migration]) -> Result<BTreeMap<String, Vec<Row>>, StoreError> {
    let mut connection = rusqlite::Connection::open_in_memory()?;
    migrate::sqlite(&mut connection, migrations, 0)?;
    let mut side = lite::Lite::over(connection);
    let mut own = BTreeMap::new();
    for table in tables(&mut side)? {
        let rows = some_rows(&mut side, &table, usize::MAX >> 1)?;
        own.insert(table.name, rows);
    }
    Ok(own)
}

fn some_rows(side: &mut dyn Side, table: &Table, limit: usize) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    side.rows(&format!("{} limit {limit}", table.select()), &mut |row| {
        rows.push((0..table.columns.len()).map(|index| row.cell(index).map(plain)).collect::<Result<Row, _>>()?);
        Ok(())
    })?;
    Ok(rows)
}

/// Reads the file to its end and checks it, and that the database holds what it says.
fn fill(side: &mut dyn Side, tables: &[Table], own: &BTreeMap<String, Vec<Row>>, mut reader: Reader<'_>) -> Result<Summary, StoreError> {
    let mut filled: Vec<(String, u64)> = Vec::new();
    while let Some(line) = reader.table()? {
        let table = tables
            .iter()
            .find(|table| table.name == line.name)
            .ok_or_else(|| refused(format!("the database has no table {}", line.name)))?;
        if filled.iter().any(|(name, _)| *name == line.name) {
            return Err(refused(format!("the file holds table {} twice", line.name)));
        }
        let mut incoming = Incoming::new(table, &line, own.get(&table.name).map_or(&[][..], Vec::as_slice))?;
        let rows = incoming.read(side, &mut reader).map_err(|error| about(&table.name, error))?;
        tracing::info!("{}: {rows} rows read", table.name);
        filled.push((line.name, rows));
    }
    let summary = reader.finish(filled)?;
    for table in tables {
        let said = summary.rows.iter().find(|(name, _)| *name == table.name).map(|(_, rows)| *rows);
        let said = said.ok_or_else(|| refused(format!("the file lacks table {}", table.name)))?;
        let found = count(side, table)?;
        if said != found {
            return Err(refused(format!("table {} holds {found} rows instead of {said}", table.name)));
        }
    }
    Ok(summary)
}

/// Says which table an engine complained about.
fn about(table: &str, error: StoreError) -> StoreError {
    match error {
        StoreError::Violation(text) | StoreError::Race(text) | StoreError::Bug(text) | StoreError::Corrupt(text) => {
            refused(format!("table {table}: {text}"))
        }
        other => other,
    }
}

/// A table on its way in. Everything is in the order of the file's columns.
struct Incoming<'t> {
    table: &'t str,
    columns: Vec<&'t Column>,
    /// Which columns tell one row from another.
    identity: Vec<usize>,
    /// The rows that the migrations inserted, and the file's rows with the same identity.
    own: Vec<(Row, Option<Row>)>,
}

impl<'t> Incoming<'t> {
    fn new(table: &'t Table, line: &TableLine, own: &[Row]) -> Result<Self, StoreError> {
        let places: Option<Vec<usize>> =
            line.columns.iter().map(|name| table.columns.iter().position(|column| column.name == *name)).collect();
        let places = places
            .filter(|places| places.len() == table.columns.len() && (0..places.len()).all(|place| places.contains(&place)))
            .ok_or_else(|| refused(format!("table {} has other columns in the file than in the database", table.name)))?;
        let columns: Vec<&Column> = places.iter().map(|&place| &table.columns[place]).collect();
        let identity = table.identity();
        let identity = (0..columns.len()).filter(|&index| identity.iter().any(|column| column.name == columns[index].name)).collect();
        let own = own.iter().map(|row| (places.iter().map(|&place| row[place].clone()).collect(), None)).collect();
        Ok(Self { table: &table.name, columns, identity, own })
    }

    /// Takes the rows of the file; answers how many there were.
    fn read(&mut self, side: &mut dyn Side, reader: &mut Reader<'_>) -> Result<u64, StoreError> {
        let (columns, identity, own) = (&self.columns, &self.identity, &mut self.own);
        let mut read = 0;
        let mut next = || -> Result<Option<Row>, StoreError> {
            while let Some(row) = reader.row(columns.len())? {
                read += 1;
                let same =
                    own.iter_mut().find(|(mine, theirs)| theirs.is_none() && identity.iter().all(|&index| mine[index] == row[index]));
                if let Some((_, theirs)) = same {
                    *theirs = Some(row);
                    continue;
                }
                let fitting = columns.iter().zip(row).map(|(column, value)| fitted(column, value));
                return fitting.collect::<Result<_, _>>().map(Some).map_err(|error| at_line(reader, error));
            }
            Ok(None)
        };
        side.insert(self.table, columns, &mut from_fn(|| next().transpose()))?;
        for (mine, theirs) in std::mem::take(&mut self.own) {
            let theirs = theirs.ok_or_else(|| refused("the file lacks a row that every database of this program holds"))?;
            self.update(side, &mine, theirs)?;
        }
        Ok(read)
    }

    /// Gives a row of the migrations the values that it has in the file.
    fn update(&self, side: &mut dyn Side, mine: &Row, theirs: Row) -> Result<(), StoreError> {
        let (mut changes, mut conditions) = (Vec::new(), Vec::new());
        for (index, value) in theirs.into_iter().enumerate() {
            if self.identity.contains(&index) {
                conditions.push((index, value));
            } else if mine[index] != value {
                changes.push((index, value));
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        let mut place = 0;
        let mut pairs = |pairs: &[(usize, Value<'static>)]| -> Vec<String> {
            let pair = |(index, _): &(usize, Value<'static>)| {
                place += 1;
                format!("{} = ${place}", quoted(&self.columns[*index].name))
            };
            pairs.iter().map(pair).collect()
        };
        let sql = format!("update {} set {} where {}", quoted(self.table), pairs(&changes).join(", "), pairs(&conditions).join(" and "));
        let values =
            changes.into_iter().chain(conditions).map(|(index, value)| Ok((self.columns[index].kind, fitted(self.columns[index], value)?)));
        let hits = side.execute(&sql, &values.collect::<Result<Vec<_>, StoreError>>()?)?;
        if hits == 1 { Ok(()) } else { Err(refused(format!("changed {hits} rows instead of 1"))) }
    }
}

fn at_line(reader: &Reader<'_>, error: StoreError) -> StoreError {
    match error {
        StoreError::Corrupt(text) => refused(format!("line {}: {text}", reader.line_number())),
        other => other,
    }
}

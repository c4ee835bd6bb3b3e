//! What both engines do for a transfer: tell their tables, read rows, take rows.

use std::borrow::Cow;

use uuid::Uuid;

use super::file::{Applied, hex};
use super::{lite, postgres, refused};
use crate::EngineSettings;
use crate::error::StoreError;
use crate::statement::Row;
use crate::value::{Cell, Field as _, Kind, Mismatch, Value};

/// The table in which the migrations keep their own books; it moves in the header and not as a table.
const MIGRATIONS: &str = "migrations";

/// Rows on their way in.
pub(super) type Rows<'r> = &'r mut dyn Iterator<Item = Result<Vec<Value<'static>>, StoreError>>;

/// One open transaction. Dropped without a commit, it has changed nothing.
pub(super) trait Side {
    /// Every table and column, in name order and column order: table, column, type, place in the primary key (0 =
    /// none), whether it is never null.
    fn catalog(&self) -> &'static str;
    /// What a column of this type holds.
    fn kind(&self, declared: &str) -> Option<Kind>;
    /// Hands over the rows of a query one by one.
    fn rows(&mut self, sql: &str, each: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>) -> Result<(), StoreError>;
    /// Keeps others from writing to these tables.
    fn lock(&mut self, tables: &[Table]) -> Result<(), StoreError>;
    /// Takes rows whose values have the kinds of `columns`.
    fn insert(&mut self, table: &str, columns: &[&Column], rows: Rows<'_>) -> Result<(), StoreError>;
    /// A write with `$n` placeholders, in order.
    fn execute(&mut self, sql: &str, values: &[(Kind, Value<'static>)]) -> Result<u64, StoreError>;
    /// Makes it durable, and has the engine look at its new contents.
    fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a transaction is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

/// Opens a transaction. Must run outside of a runtime.
pub(super) fn open(engine: &EngineSettings, purpose: Purpose) -> Result<Box<dyn Side>, StoreError> {
    Ok(match engine {
        EngineSettings::Sqlite { path, .. } => Box::new(lite::Lite::open(path, purpose)?),
        EngineSettings::Postgres { url, .. } => Box::new(postgres::Postgres::open(url, purpose)?),
    })
}

/// A table as the engine describes it.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

/// A column as the engine describes it.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Its place in the primary key, counted from 1; 0 = not part of it.
    pub(super) key: i64,
    never_null: bool,
}

impl Table {
    pub(super) fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// All rows, in the order of the primary key, or of all columns where there is none.
    pub(super) fn select(&self) -> String {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.key > 0).collect();
        key.sort_by_key(|column| column.key);
        let order = if key.is_empty() { self.columns.iter().collect() } else { key };
        let order: Vec<String> =
            order.iter().map(|c| format!("{}{}", quoted(&c.name), if c.never_null || c.key > 0 { "" } else { " nulls first" })).collect();
        format!("select {} from {} order by {}", list(&self.names()), quoted(&self.name), order.join(", "))
    }

    /// The columns that tell one row from another.
    pub(super) fn identity(&self) -> Vec<&Column> {
        let has_key = self.columns.iter().any(|column| column.key > 0);
        self.columns.iter().filter(|column| column.key > 0 || !has_key).collect()
    }
}

/// Every table but the one of the migrations, in name order.
pub(super) fn tables(side: &mut dyn Side) -> Result<Vec<Table>, StoreError> {
    let mut tables = all_tables(side)?;
    tables.retain(|table| table.name != MIGRATIONS);
    Ok(tables)
}

fn all_tables(side: &mut dyn Side) -> Result<Vec<Table>, StoreError> {
    let mut told: Vec<(String, String, String, i64, bool)> = Vec::new();
    side.rows(side.catalog(), &mut |row| {
        told.push((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
        Ok(())
    })?;
    let mut tables: Vec<Table> = Vec::new();
    for (table, name, declared, key, never_null) in told {
        let kind = side
            .kind(&declared)
            .ok_or_else(|| refused(format!("column {name} of table {table} is {declared}, which no other engine keeps alike")))?;
        let column = Column { name, kind, key, never_null };
        match tables.last_mut() {
            Some(last) if last.name == table => last.columns.push(column),
            _ => tables.push(Table { name: table, columns: vec![column] }),
        }
    }
    Ok(tables)
}

/// The migrations that were applied; none for a database that was never migrated.
pub(super) fn applied(side: &mut dyn Side) -> Result<Vec<Applied>, StoreError> {
    let mut applied = Vec::new();
    if all_tables(side)?.iter().any(|table| table.name == MIGRATIONS) {
        side.rows("select number, name, checksum from migrations order by number", &mut |row| {
            applied.push(Applied { number: row.get(0)?, name: row.get(1)?, checksum: hex(&row.get::<Vec<u8>>(2)?) });
            Ok(())
        })?;
    }
    Ok(applied)
}

/// How many rows a table holds.
pub(super) fn count(side: &mut dyn Side, table: &Table) -> Result<u64, StoreError> {
    let mut count = 0_i64;
    side.rows(&format!("select count(*) from {}", quoted(&table.name)), &mut |row| {
        count = row.get(0)?;
        Ok(())
    })?;
    Ok(count.unsigned_abs())
}

/// A cell as the file would give it back: truth values are numbers, ids are bytes.
pub(super) fn plain(cell: Cell<'_>) -> Value<'static> {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(n) => Value::Int(n),
        Cell::Bool(b) => Value::Int(i64::from(b)),
        Cell::Text(text) => Value::Text(Cow::Owned(text.to_owned())),
        Cell::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.to_vec())),
        Cell::Uuid(id) => Value::Bytes(Cow::Owned(id.as_bytes().to_vec())),
    }
}

/// A value of the file as a column of this kind keeps it.
pub(super) fn fitted(column: &Column, value: Value<'static>) -> Result<Value<'static>, StoreError> {
    let wanted = match (column.kind, value) {
        (_, Value::Null) => return Ok(Value::Null),
        (Kind::Int, value @ Value::Int(_)) | (Kind::Text, value @ Value::Text(_)) | (Kind::Bytes, value @ Value::Bytes(_)) => {
            return Ok(value);
        }
        (Kind::Bool, Value::Int(n)) => bool::load(Cell::Int(n)).map(Value::Bool),
        (Kind::Uuid, Value::Bytes(bytes)) => Uuid::load(Cell::Bytes(&bytes)).map(Value::Uuid),
        (Kind::Int, _) => Err(Mismatch { wanted: "a whole number" }),
        (Kind::Bool, _) => Err(Mismatch { wanted: "0 or 1" }),
        (Kind::Text, _) => Err(Mismatch { wanted: "text" }),
        (Kind::Bytes, _) => Err(Mismatch { wanted: "bytes" }),
        (Kind::Uuid, _) => Err(Mismatch { wanted: "an id" }),
    };
    wanted.map_err(|Mismatch { wanted }| refused(format!("column {}: expected {wanted}", column.name)))
}

/// A name in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names in SQL, with commas.
pub(super) fn list(names: &[&str]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

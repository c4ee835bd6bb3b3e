//! SQLite as a side of a transfer.

use std::path::Path;

use rusqlite::Connection;

use super::side::{Column, Purpose, Rows, Side, Table, list, quoted};
use crate::error::StoreError;
use crate::lite;
use crate::statement::{Row, RowOf};
use crate::value::{Kind, Value};

/// A connection with an open transaction; closing it rolls back.
pub(super) struct Lite {
    connection: Connection,
}

impl Lite {
    pub(super) fn open(path: &Path, purpose: Purpose) -> Result<Self, StoreError> {
        let connection = match purpose {
            Purpose::Read => lite::open_reader(path)?,
            Purpose::Write => lite::open_writer(path)?,
        };
        let begin = match purpose {
            Purpose::Read => "begin",
            // Rows come in the order of the tables' names, so what they refer to may come later.
            Purpose::Write => "begin immediate; pragma defer_foreign_keys = on",
        };
        connection.execute_batch(begin)?;
        Ok(Self { connection })
    }

    /// A database that is there already, such as one in memory.
    pub(super) fn over(connection: Connection) -> Self {
        Self { connection }
    }
}

impl Side for Lite {
    fn catalog(&self) -> &'static str {
        "select t.name, c.name, c.type, c.pk, c.\"notnull\" from pragma_table_list t, pragma_table_info(t.name) c \
         where t.\"schema\" = 'main' and t.type = 'table' and t.name not glob 'sqlite_*' order by t.name, c.cid"
    }

    fn kind(&self, declared: &str) -> Option<Kind> {
        match declared.to_ascii_lowercase().as_str() {
            "integer" => Some(Kind::Int),
            "text" => Some(Kind::Text),
            "blob" => Some(Kind::Bytes),
            _ => None,
        }
    }

    fn rows(&mut self, sql: &str, each: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            each(&Row(RowOf::Lite(row), 0))?;
        }
        Ok(())
    }

    fn lock(&mut self, _: &[Table]) -> Result<(), StoreError> {
        // There is one writer at a time, and this transaction is it.
        Ok(())
    }

    fn insert(&mut self, table: &str, columns: &[&Column], rows: Rows<'_>) -> Result<(), StoreError> {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let places = vec!["?"; names.len()].join(", ");
        let mut statement = self.connection.prepare(&format!("insert into {} ({}) values ({places})", quoted(table), list(&names)))?;
        for row in rows {
            for (index, value) in row?.iter().enumerate() {
                statement.raw_bind_parameter(index + 1, value)?;
            }
            statement.raw_execute()?;
        }
        Ok(())
    }

    fn execute(&mut self, sql: &str, values: &[(Kind, Value<'static>)]) -> Result<u64, StoreError> {
        // A placeholder such as `$1` is a name here, numbered by where it first stands.
        let mut statement = self.connection.prepare(sql)?;
        for (index, (_, value)) in values.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, value)?;
        }
        Ok(statement.raw_execute()? as u64)
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.connection.execute_batch("commit")?;
        if let Err(error) = self.connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log stays; the next start replays it");
        }
        Ok(())
    }
}

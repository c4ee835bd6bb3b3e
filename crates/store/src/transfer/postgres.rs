//! PostgreSQL as a side of a transfer.

use std::pin::pin;

use tokio::runtime::Runtime;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use super::side::{Column, Purpose, Rows, Side, Table, list, quoted};
use crate::error::StoreError;
use crate::statement::{Row, RowOf};
use crate::value::{Kind, Value};
use crate::{pg_connect, runtime};

/// Rows in one trip: enough to hide the trip, few enough to keep the memory flat.
const FETCH_ROWS: usize = 1000;

/// A connection with an open transaction; closing it rolls back.
pub(super) struct Postgres {
    // Before the runtime, so that it is dropped first.
    client: Client,
    runtime: Runtime,
}

impl Postgres {
    pub(super) fn open(url: &str, purpose: Purpose) -> Result<Self, StoreError> {
        let runtime = runtime()?;
        let (client, _) = runtime.block_on(pg_connect::connect(url))?;
        let begin = match purpose {
            Purpose::Read => "begin isolation level repeatable read, read only",
            Purpose::Write => "begin; set constraints all deferred",
        };
        // Limits that are meant for single statements of a server do not fit whole tables.
        let session = "set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set cursor_tuple_fraction = 1";
        runtime.block_on(client.batch_execute(&format!("{session}; {begin}")))?;
        Ok(Self { client, runtime })
    }
}

impl Side for Postgres {
    fn catalog(&self) -> &'static str {
        "select c.relname::text, a.attname::text, format_type(a.atttypid, null), \
                coalesce((select k.place from pg_index i, unnest(i.indkey) with ordinality k (attnum, place) \
                          where i.indrelid = c.oid and i.indisprimary and k.attnum = a.attnum), 0), a.attnotnull \
         from pg_class c join pg_attribute a on a.attrelid = c.oid \
         where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition \
               and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' \
         order by c.relname, a.attnum"
    }

    fn kind(&self, declared: &str) -> Option<Kind> {
        match declared {
            "bigint" => Some(Kind::Int),
            "boolean" => Some(Kind::Bool),
            "text" => Some(Kind::Text),
            "bytea" => Some(Kind::Bytes),
            "uuid" => Some(Kind::Uuid),
            _ => None,
        }
    }

    fn rows(&mut self, sql: &str, each: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.runtime.block_on(self.client.batch_execute(&format!("declare transfer no scroll cursor for {sql}")))?;
        let fetch = self.runtime.block_on(self.client.prepare(&format!("fetch forward {FETCH_ROWS} from transfer")))?;
        loop {
            let rows = self.runtime.block_on(self.client.query(&fetch, &[]))?;
            rows.iter().try_for_each(|row| each(&Row(RowOf::Postgres(row), 0)))?;
            if rows.len() < FETCH_ROWS {
                break;
            }
        }
        Ok(self.runtime.block_on(self.client.batch_execute("close transfer"))?)
    }

    fn lock(&mut self, tables: &[Table]) -> Result<(), StoreError> {
        let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        Ok(self.runtime.block_on(self.client.batch_execute(&format!("lock table {} in exclusive mode", list(&names))))?)
    }

    fn insert(&mut self, table: &str, columns: &[&Column], rows: Rows<'_>) -> Result<(), StoreError> {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let types: Vec<Type> = columns.iter().map(|column| column.kind.postgres()).collect();
        let copy = format!("copy {} ({}) from stdin (format binary)", quoted(table), list(&names));
        self.runtime.block_on(async {
            // Dropped before its end, it makes the server forget what came.
            let mut writer = pin!(BinaryCopyInWriter::new(self.client.copy_in(&copy).await?, &types));
            for row in rows {
                let row = row?;
                writer.as_mut().write_raw(row.iter().map(|value| value as &(dyn ToSql + Sync))).await?;
            }
            writer.finish().await?;
            Ok(())
        })
    }

    fn execute(&mut self, sql: &str, values: &[(Kind, Value<'static>)]) -> Result<u64, StoreError> {
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            values.iter().map(|(kind, value)| (value as &(dyn ToSql + Sync), kind.postgres())).collect();
        Ok(self.runtime.block_on(self.client.execute_typed(sql, &values))?)
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.runtime.block_on(self.client.batch_execute("commit")).map_err(|error| match StoreError::from(error) {
            // Only an answer of the server says that the commit did not happen.
            StoreError::Unavailable(text) => StoreError::Ambiguous(text),
            refused => refused,
        })?;
        if let Err(error) = self.runtime.block_on(self.client.batch_execute("analyze")) {
            tracing::warn!(%error, "the tables have no statistics yet; `analyze` makes them");
        }
        Ok(())
    }
}

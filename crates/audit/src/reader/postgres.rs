//! A PostgreSQL database, read in one repeatable-read, read-only transaction through server-side cursors.

use std::cell::Cell as Counter;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::runtime::Runtime;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

use super::{Cell, Row};
use crate::error::AuditError;

/// Rows per round trip: enough to hide the trip, little enough to keep memory flat.
const BATCH_ROWS: usize = 2000;

/// One read-only transaction.
pub(crate) struct Snapshot {
    // Declared before the runtime, so that it is dropped first.
    client: Client,
    runtime: Runtime,
    cursors: Counter<u64>,
}

impl Snapshot {
    /// Connects and fixes the snapshot. Must not run on a thread that drives a runtime.
    pub(crate) fn open(url: &str) -> Result<Self, AuditError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = runtime.block_on(connect(&url.parse::<Config>()?))?;
        // Limits that an administrator sets for the server's queries are not meant for a full read.
        runtime.block_on(client.batch_execute(
            "set default_transaction_read_only = on;
             begin isolation level repeatable read, read only, not deferrable;
             set local statement_timeout = 0;
             set local idle_in_transaction_session_timeout = 0;
             set local cursor_tuple_fraction = 1",
        ))?;
        let standby = runtime.block_on(client.query_one("select pg_is_in_recovery()", &[]))?;
        if standby.try_get(0)? {
            return Err(AuditError::Standby);
        }
        Ok(Self { client, runtime, cursors: Counter::new(0) })
    }

    /// Fetches an answer batch by batch.
    pub(crate) fn rows(&self, sql: &str, mut each: impl FnMut(&Row<'_>) -> Result<(), AuditError>) -> Result<(), AuditError> {
        let name = self.cursors.get() + 1;
        self.cursors.set(name);
        let declare = format!("declare audit_{name} no scroll cursor for {sql}");
        self.runtime.block_on(self.client.batch_execute(&declare))?;
        let fetch = format!("fetch forward {BATCH_ROWS} from audit_{name}");
        let fetch = self.runtime.block_on(self.client.prepare(&fetch))?;
        loop {
            let batch = self.runtime.block_on(self.client.query(&fetch, &[]))?;
            for row in &batch {
                each(&Row::Postgres(row))?;
            }
            if batch.len() < BATCH_ROWS {
                break;
            }
        }
        let close = format!("close audit_{name}");
        Ok(self.runtime.block_on(self.client.batch_execute(&close))?)
    }

    /// Ends the transaction.
    pub(crate) fn finish(self) -> Result<(), AuditError> {
        Ok(self.runtime.block_on(self.client.batch_execute("rollback"))?)
    }
}

/// Connects; the connection's own task lives on the current runtime. As with `libpq`, only `require` promises TLS:
/// `prefer` would protect from nobody who can answer "no TLS here".
async fn connect(config: &Config) -> Result<Client, AuditError> {
    if config.get_ssl_mode() == SslMode::Require {
        let (client, connection) = config.connect(tls()?).await?;
        tokio::spawn(connection);
        Ok(client)
    } else {
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

fn tls() -> Result<MakeRustlsConnect, AuditError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Reads one cell.
pub(super) fn cell(row: &tokio_postgres::Row, column: usize) -> Result<Cell<'_>, AuditError> {
    let kind = row.columns()[column].type_();
    let cell = if *kind == Type::INT8 {
        row.try_get::<_, Option<i64>>(column)?.map(Cell::Int)
    } else if *kind == Type::INT4 {
        row.try_get::<_, Option<i32>>(column)?.map(|n| Cell::Int(n.into()))
    } else if *kind == Type::BOOL {
        row.try_get::<_, Option<bool>>(column)?.map(|yes| Cell::Int(yes.into()))
    } else if *kind == Type::TEXT {
        row.try_get::<_, Option<&str>>(column)?.map(Cell::Text)
    } else if *kind == Type::BYTEA {
        row.try_get::<_, Option<&[u8]>>(column)?.map(Cell::Bytes)
    } else if *kind == Type::UUID {
        row.try_get::<_, Option<Uuid>>(column)?.map(Cell::Id)
    } else {
        Some(Cell::Other(format!("a {kind}")))
    };
    Ok(cell.unwrap_or(Cell::Null))
}

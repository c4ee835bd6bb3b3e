//! Hears what other nodes say over PostgreSQL (LISTEN). A word may be lost with its connection, so whoever listens also
//! looks from time to time.

use std::sync::Arc;
use std::time::Duration;

use crate::EngineSettings;
use crate::error::StoreError;
use crate::pg_connect::{self, Hear};

const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Calls `hear` with each word that is said on `channel`, for ever, and with an empty one whenever some may have been
/// missed. A channel is a plain name. On SQLite, which no two nodes share, there is nothing to hear.
#[expect(clippy::disallowed_methods, reason = "waits in machine time before it connects again")]
pub async fn listen(engine: &EngineSettings, channel: &str, hear: impl Fn(&str) + Send + Sync + 'static) {
    let EngineSettings::Postgres { url, .. } = engine else { return std::future::pending().await };
    let hear: Hear = Arc::new(hear);
    loop {
        if let Err(error) = listen_once(url, channel, &hear).await {
            tracing::warn!(%error, channel, "does not hear other nodes at the moment; it looks instead");
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn listen_once(url: &str, channel: &str, hear: &Hear) -> Result<(), StoreError> {
    let (client, driver) = pg_connect::connect_to_hear(url, Arc::clone(hear)).await?;
    client.batch_execute(&format!("set idle_in_transaction_session_timeout = 0; listen {channel}")).await?;
    hear("");
    driver.await.map_err(|e| StoreError::Lost(e.to_string()))?.map_err(StoreError::from)
}

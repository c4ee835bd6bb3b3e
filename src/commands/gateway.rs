//! `roborent gateway`: what an operator does with the chain after a fault.

use std::sync::Arc;

use crate::base::config::Config;
use crate::commands::{say, wait_for};
use crate::gateway::runner::NotReady;
use crate::start::{self, StartError};

/// Reads old blocks again, also while a server runs.
pub(super) fn rescan(mut config: Config, from: u64, to: Option<u64>) -> Result<(), StartError> {
    if !config.server.role.pays() {
        return Err(StartError("only the gateway reads blocks: use its settings".into()));
    }
    if config.installation.network.is_sandbox() && config.chain.providers.is_empty() {
        // The chain of a sandbox is in the server that runs.
        config.chain.providers = vec![format!("http://{}", config.devnet.listen)];
    }
    start::complete(&mut config)?;
    let engine = start::existing(&config)?;
    let store = start::open_store(&config)?;
    let closing = store.clone();
    let read = wait_for(async move {
        let dispatcher = start::dispatcher(store, Arc::new(config)).await?;
        let gateway = start::gateway(&dispatcher, engine, None)?;
        gateway.rescan(from, to).await.map_err(|(NotReady::Yet(why) | NotReady::Never(why))| StartError(why))
    });
    closing.close();
    let read = read?;
    say(&format!("blocks {} to {} read again; deposits that were missing: {}", read.first, read.last, read.deposits))
}

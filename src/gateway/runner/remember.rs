//! What may still get into a block is remembered outside the database, too. A database that was restored, or a standby that
//! took over, may have lost a transaction that was sent: nothing is signed then until no block can take it in any more, and
//! what it paid was seen.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use crate::base::error::{Result, internal};
use crate::base::{Context, Ts};
use crate::gateway::attempt::expiration;
use crate::gateway::runner::Gateway;
use crate::gateway::store;

type Txids = BTreeSet<[u8; 32]>;

/// Where it is written, and what stands there.
#[derive(Default)]
pub(super) struct Memory {
    path: Option<PathBuf>,
    written: Option<Arc<Txids>>,
    is_compared: bool,
    /// Nothing is signed before the chain is so late.
    quiet_until: Option<Ts>,
}

impl Gateway {
    /// Remembers in this file, from [`Gateway::prepare`] on.
    pub fn remember_in(&self, path: PathBuf) {
        self.memory().path = Some(path);
    }

    /// Whether what was signed may be missing in this database, so that nothing is signed now.
    pub(super) fn is_quiet(&self, chain_now: Ts) -> bool {
        let mut memory = self.memory();
        if memory.quiet_until.is_some_and(|until| chain_now >= until) {
            tracing::info!("what was signed before can get into no block any more; payouts go on");
            memory.quiet_until = None;
        }
        memory.quiet_until.is_some()
    }

    /// Compares the file with the database, once.
    pub(super) async fn recall(&self) -> Result<()> {
        let Some(path) = self.memory().path.clone() else { return Ok(()) };
        if self.memory().is_compared {
            return Ok(());
        }
        let file = tokio::task::spawn_blocking(move || read(&path)).await.map_err(internal)?.map_err(internal)?.map(Arc::new);
        let known = file.clone();
        let lost = self.dispatcher.look(move |cx| lost(cx, known.as_deref())).await?;
        if let Some(why) = lost {
            let until = expiration(self.dispatcher.clock.now(), self.dispatcher.config.chain.payout_expiration_seconds);
            tracing::error!(%until, "{why}: nothing is signed before the chain is so late");
            self.memory().quiet_until = Some(until);
        }
        let mut memory = self.memory();
        (memory.written, memory.is_compared) = (file, true);
        Ok(())
    }

    /// Writes down what lives, before any of it is sent. What is missing in the database stays there as long as it is waited
    /// for, also by the next process; nothing is signed meanwhile.
    pub(super) async fn remember(&self) -> Result<()> {
        let path = {
            let memory = self.memory();
            memory.path.clone().filter(|_| memory.quiet_until.is_none())
        };
        let Some(path) = path else { return Ok(()) };
        let live = self.dispatcher.look(store::live_attempts).await?;
        let live: Arc<Txids> = Arc::new(live.into_iter().map(|attempt| attempt.txid).collect());
        if self.memory().written.as_ref() == Some(&live) {
            return Ok(());
        }
        let text: String = live.iter().map(|txid| tron::hex::encode(txid) + "\n").collect();
        let written = tokio::task::spawn_blocking(move || write(&path, &text)).await.map_err(internal)?;
        written.map_err(|error| internal(format!("what was signed cannot be remembered: {error}")))?;
        self.memory().written = Some(live);
        Ok(())
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the database may be older than what was sent; nothing when it is not.
fn lost(cx: &mut Context<'_, '_>, file: Option<&Txids>) -> Result<Option<String>> {
    let Some(file) = file else {
        return Ok(store::has_attempts(cx)?.then(|| "nothing is remembered of what this database has signed".to_owned()));
    };
    for txid in file {
        if store::attempt(cx, *txid)?.is_none() {
            return Ok(Some(format!("this database does not know transaction {}, which was signed", tron::hex::encode(txid))));
        }
    }
    Ok(None)
}

/// Nothing where there is no file.
fn read(path: &Path) -> Result<Option<Txids>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let txids = text.lines().map(tron::hex::decode_array::<32>).collect::<Option<_>>();
    txids.map(Some).ok_or_else(|| failed(&"this is no list of transactions"))
}

/// All or nothing, and on the disk.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = std::fs::File::create(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signed");
        assert_eq!(read(&path).unwrap(), None);
        write(&path, "").unwrap();
        assert_eq!(read(&path).unwrap(), Some(Txids::new()));
        write(&path, &format!("{}\n{}\n", "ab".repeat(32), "01".repeat(32))).unwrap();
        assert_eq!(read(&path).unwrap(), Some(Txids::from([[0xab; 32], [1; 32]])));
        write(&path, "half").unwrap();
        assert!(read(&path).unwrap_err().contains("no list of transactions"));
    }
}

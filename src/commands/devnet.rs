//! `roborent devnet`: a TRON node of play money, for wallets and libraries that are to be tried.

use ::devnet::{Clock, Devnet, Settings};

use crate::base::config::Config;
use crate::base::installation::make_data_dir;
use crate::commands::serve::stop_on_signals;
use crate::commands::{say, wait_for};
use crate::start::StartError;

/// Runs until it is told to stop. The chain lies in `devnet` in the data folder and goes on from there.
pub(super) fn run(config: &Config, block_ms: u64) -> Result<(), StartError> {
    let folder = config.installation.data_dir.join("devnet");
    make_data_dir(&folder).map_err(|e| StartError(format!("{}: {e}", folder.display())))?;
    let listen = config.devnet.listen;
    wait_for(async move {
        let stop = stop_on_signals()?;
        let clock = Clock::machine();
        let salt = clock.now_ms().unsigned_abs();
        let settings = Settings { block_every_ms: Some(block_ms), folder: Some(folder.clone()), salt, ..Settings::new(clock) };
        let started = Devnet::start(settings, listen, &[]).await.map_err(|e| StartError(format!("devnet.listen {listen}: {e}")))?;
        let (url, usdt) = (started.url(0), started.devnet().usdt_contract());
        say(&format!(
            "devnet {url} · chain in {}\n  USDT      {usdt}\n  faucet    curl -X POST {url}/devnet/faucet -d '{{\"address\":\"T…\",\"usdt\":100,\"trx\":100}}'\n\nCtrl-C stops.",
            folder.display()
        ))?;
        stop.cancelled().await;
        started.shutdown().await;
        Ok(())
    })
}

//! `roborent demo`: a market of its own on a free port, played through its public doors from registration to audit.

mod client;
mod payout;
mod receiver;
mod story;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::base::config::{Config, Network};
use crate::commands::{UNUSABLE, books, fail, say, serve, wait_for};
use crate::doors::{self, Connections};
use crate::jobs;
use crate::start::{self, StartError};

use client::Client;
use receiver::Receiver;
use story::Story;

/// Plays the cycle; exits as the audit does.
pub(super) fn demo(mut config: Config) -> ExitCode {
    let played = folder().and_then(|dir| {
        config.installation.data_dir.clone_from(&dir);
        config.installation.network = Network::Sandbox;
        config.database.url = String::new().into();
        let played = play(config);
        // The books were audited; nothing is kept.
        drop(std::fs::remove_dir_all(dir));
        played
    });
    played.map_or_else(|error| fail(&error, UNUSABLE), ExitCode::from)
}

fn folder() -> Result<PathBuf, StartError> {
    let dir = std::env::temp_dir().join(format!("roborent-demo-{}", std::process::id()));
    crate::base::installation::make_data_dir(&dir).map_err(|e| StartError(format!("{}: {e}", dir.display())))?;
    Ok(dir)
}

fn play(mut config: Config) -> Result<u8, StartError> {
    config.devnet.listen.set_port(0);
    start::complete(&mut config)?;
    let store = start::open_store(&config)?;
    let closing = store.clone();
    let audited = config.clone();
    let played = wait_for(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| StartError(e.to_string()))?;
        config.server.listen = listener.local_addr().map_err(|e| StartError(e.to_string()))?;
        config.server.public_url = String::new();
        config.server.shutdown_grace_ms = 200;
        let connections = Connections::of(&config.server);
        let address = config.server.listen;
        let dispatcher = start::dispatcher(store, Arc::new(config)).await?;
        let admin = start::first_admin(&dispatcher).await?.ok_or_else(|| StartError("the folder of the demo is not fresh".into()))?;
        let devnet = serve::sandbox_chain(&dispatcher).await?.ok_or_else(|| StartError("the demo needs its own chain".into()))?;
        let gateway = start::gateway(&dispatcher, start::engine(&dispatcher.config), Some(serve::devnet_of(&devnet, &dispatcher.config)?))?;
        let app = start::app(dispatcher, Some(gateway)).await?;
        let stop = CancellationToken::new();
        let serving = tokio::spawn(doors::serve(listener, doors::public_router(&app), stop.clone(), connections));
        let working = {
            let (app, stop) = (Arc::clone(&app), stop.clone());
            tokio::spawn(async move { jobs::run_for_ever(&app.jobs, &app.dispatcher, &stop).await })
        };
        let paying = serve::pay(&app, &stop).await?.ok_or_else(|| StartError("the demo needs its gateway".into()))?;
        let told = match Receiver::start().await {
            Ok(receiver) => Story::new(Client::new(address), receiver, admin).tell().await,
            Err(error) => Err(error),
        };
        stop.cancel();
        app.deliverer.stop.cancel();
        drop((serving.await, working.await, paying.await));
        devnet.shutdown().await;
        told
    });
    closing.close();
    played?;
    let report = books::report(&audited, |_| {})?;
    say(&format!("\nThe books, read by the independent auditor:\n{}", report.to_string().trim_end()))?;
    Ok(report.exit_code())
}

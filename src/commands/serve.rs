//! The server: start, serve, stop within two seconds.

use std::fs::{File, TryLockError};
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use ::devnet::Running;
use ::store::EngineSettings;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::base::call::Dispatcher;
use crate::base::config::{Config, Log, LogFormat};
use crate::commands::{say, wait_for};
use crate::doors::{self, App, Connections};
use crate::events;
use crate::gateway::runner::{Devnet as DevnetWay, NotReady};
use crate::jobs;
use crate::start::{self, StartError};

/// What the store gets to finish; calls in flight had their time before.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// Probes and scrapers.
const INTERNAL_CONNECTIONS_MAX: usize = 64;
const MAINTAIN_EVERY: Duration = Duration::from_mins(1);

pub(super) fn serve(mut config: Config) -> Result<(), StartError> {
    log(&config.log)?;
    start::check(&mut config)?;
    let _alone = claim(&config)?;
    let store = start::open_store(&config)?;
    let closing = store.clone();
    let served = wait_for(run(store, Arc::new(config)));
    close_within(closing, CLOSE_WITHIN);
    served
}

/// Closes the store; a database that does not answer must not keep the process alive.
fn close_within(store: ::store::Store, limit: Duration) {
    let (closed, waiting) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        store.close();
        // The receiver is gone when the limit has passed.
        let _: Result<(), _> = closed.send(());
    });
    if waiting.recv_timeout(limit).is_err() {
        tracing::warn!("the database did not answer in time; what it had not confirmed was not answered either");
    }
}

/// One server writes to an embedded database. The lock goes with the process, however it ends.
fn claim(config: &Config) -> Result<Option<File>, StartError> {
    if !matches!(start::engine(config), EngineSettings::Sqlite { .. }) {
        return Ok(None);
    }
    let dir = &config.installation.data_dir;
    let path = dir.join("server.lock");
    let failed = |error: std::io::Error| StartError(format!("{}: {error}", path.display()));
    crate::base::installation::make_data_dir(dir).map_err(failed)?;
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StartError(format!("another server is running on {}", dir.display()))),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn log(settings: &Log) -> Result<(), StartError> {
    let filter = settings.filter().map_err(|e| StartError(format!("log.level: {e}")))?;
    let colours = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).with_target(false);
    let set = match settings.format {
        LogFormat::Text => builder.compact().try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    set.map_err(|e| StartError(e.to_string()))
}

async fn run(store: ::store::Store, config: Arc<Config>) -> Result<(), StartError> {
    let stop = stop_on_signals()?;
    let dispatcher = start::dispatcher(store, Arc::clone(&config)).await?;
    // His password is shown once, so he is made where somebody reads it.
    let admin = if config.server.role.serves() { start::first_admin(&dispatcher).await? } else { None };
    let devnet = sandbox_chain(&dispatcher).await?;
    let way = devnet.as_ref().map(|running| devnet_of(running, &config)).transpose()?;
    let gateway = config.server.role.pays().then(|| start::gateway(&dispatcher, start::engine(&config), way)).transpose()?;
    if let Some(gateway) = &gateway {
        gateway.remember_in(config.installation.data_dir.join("signed-transactions"));
    }
    let app = start::app(dispatcher, gateway).await?;
    let paying = pay(&app, &stop).await?;
    if !config.server.internal_listen.ip().is_loopback() {
        tracing::warn!(address = %config.server.internal_listen, "server.internal_listen is not on loopback: keep it away from the public");
    }
    let connections = Connections::of(&config.server);

    let internal = bind(config.server.internal_listen, "server.internal_listen").await?;
    let internal =
        tokio::spawn(doors::serve(internal, doors::internal_router(&app), stop.clone(), connections.at_most(INTERNAL_CONNECTIONS_MAX)));
    let public = if config.server.role.serves() {
        let listener = bind(config.server.listen, "server.listen").await?;
        let address = listener.local_addr().map_err(|e| StartError(e.to_string()))?;
        let serving = tokio::spawn(doors::serve(listener, doors::public_router(&app), stop.clone(), connections));
        greet(&app, address, admin);
        Some(serving)
    } else {
        tracing::info!(role = ?config.server.role, listen = %config.server.internal_listen, "health and metrics only; this role opens no public door");
        None
    };
    let following = tokio::spawn(events::follow(Arc::clone(&app.dispatcher), start::engine(&config), stop.clone()));
    let working = tokio::spawn(work(Arc::clone(&app), stop.clone()));

    stop.cancelled().await;
    app.stopping.cancel();
    app.dispatcher.news.close();
    app.deliverer.stop.cancel();
    tracing::info!("stopping");
    for task in [public, Some(internal), Some(working), Some(following)].into_iter().flatten() {
        drop(task.await);
    }
    if let Some(devnet) = devnet {
        devnet.shutdown().await;
    }
    match paying {
        Some(paying) => paying.await.unwrap_or(Ok(())).map_err(StartError),
        None => Ok(()),
    }
}

/// The TRON node of a sandbox, beside its database. Its time is that of the sandbox.
pub(super) async fn sandbox_chain(dispatcher: &Arc<Dispatcher>) -> Result<Option<Running>, StartError> {
    let config = &dispatcher.config;
    if !config.installation.network.is_sandbox() || !config.server.role.pays() || !config.chain.providers.is_empty() {
        return Ok(None);
    }
    let folder = config.installation.data_dir.join("devnet");
    crate::base::installation::make_data_dir(&folder).map_err(|e| StartError(format!("{}: {e}", folder.display())))?;
    let salt = u64::from_be_bytes(dispatcher.entropy().fork().bytes());
    let time = Arc::clone(dispatcher);
    let clock = ::devnet::Clock::given(move || time.clock.now().as_milliseconds());
    let settings = ::devnet::Settings {
        folder: Some(folder),
        block_every_ms: Some(config.devnet.block_ms),
        solid_lag: config.devnet.solid_lag,
        salt,
        ..::devnet::Settings::new(clock)
    };
    let listen = config.devnet.listen;
    let running = ::devnet::Devnet::start(settings, listen, &[]).await;
    running.map(Some).map_err(|e| StartError(format!("devnet.listen {listen}: {e}; --devnet-listen takes another address")))
}

/// How the gateway reaches the devnet of this process: over HTTP, like every node.
pub(super) fn devnet_of(running: &Running, config: &Config) -> Result<DevnetWay, StartError> {
    let transport = crate::gateway::runner::over_network().map_err(StartError)?;
    Ok(DevnetWay { transport, url: running.url(0), lag: config.devnet.solid_lag })
}

/// Starts the gateway. A sandbox waits for its beginning, so that addresses are given away when the doors open; elsewhere
/// the doors do not wait for nodes. What makes the chain unusable stops the server.
pub(super) async fn pay(app: &Arc<App>, stop: &CancellationToken) -> Result<Option<JoinHandle<Result<(), String>>>, StartError> {
    let Some(gateway) = app.gateway.clone() else { return Ok(None) };
    if gateway.devnet_url().is_some() {
        gateway.prepare().await.map_err(|(NotReady::Yet(why) | NotReady::Never(why))| StartError(format!("the chain: {why}")))?;
    }
    let stop = stop.clone();
    Ok(Some(tokio::spawn(async move {
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { gateway.run(&stop).await }
        });
        let ended = running.await.unwrap_or_else(|panic| Err(format!("a bug ended it: {panic}")));
        if let Err(why) = &ended {
            tracing::error!(why, "the gateway cannot work; the server stops");
            stop.cancel();
        }
        ended
    })))
}

async fn work(app: Arc<App>, stop: CancellationToken) {
    let maintaining = tokio::spawn(maintain(Arc::clone(&app), stop.clone()));
    if app.dispatcher.config.server.role.works() {
        jobs::run_for_ever(&app.jobs, &app.dispatcher, &stop).await;
    }
    drop(maintaining.await);
}

#[expect(clippy::disallowed_methods, reason = "upkeep of this process happens in machine time")]
async fn maintain(app: Arc<App>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(MAINTAIN_EVERY) => start::maintain(&app).await,
        }
    }
}

async fn bind(address: std::net::SocketAddr, setting: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|e| StartError(format!("{setting} {address}: {e}")))
}

pub(super) fn stop_on_signals() -> Result<CancellationToken, StartError> {
    let stop = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind).map_err(|e| StartError(e.to_string()))?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            stop.cancel();
        });
    }
    Ok(stop)
}

/// What a newcomer sees.
fn greet(app: &App, address: std::net::SocketAddr, admin: Option<(&str, String)>) {
    let config = &app.dispatcher.config;
    let site = if config.server.public_url.is_empty() { format!("http://{address}") } else { app.public_url.clone() };
    let network = config.installation.network.name();
    let mut text = format!("roborent {} · {network} · data in {}\n", env!("CARGO_PKG_VERSION"), config.installation.data_dir.display());
    text.push_str(&format!("  site      {site}\n  docs      {site}/docs\n  MCP       {site}/api/v1/mcp\n"));
    if let Some(devnet) = app.gateway.as_ref().and_then(|gateway| gateway.devnet_url()) {
        text.push_str(&format!("  devnet    {devnet}   (TRON of play money, USDT {})\n", config.chain.usdt_contract));
    }
    if let Some((email, password)) = admin {
        text.push_str(&format!("  admin     {email} / {password}   (shown only now)\n"));
    }
    if config.installation.network.is_sandbox() {
        text.push_str(&format!(
            "\nTry it, in another terminal:\n\
             \n  curl -s -X POST {site}/api/v1/agent/register -d '{{\"agent_name\":\"MyBot\"}}' | tee bot.json\
             \n  curl -s -X POST {site}/sandbox/faucet -d \"{{\\\"user_id\\\":\\\"$(sed 's/.*\"user_id\":\"\\([^\"]*\\)\".*/\\1/' bot.json)\\\",\\\"usdt\\\":100}}\"\
             \n  curl -s {site}/api/v1/finance/balance -H \"X-API-Key: $(sed 's/.*\"api_key\":\"\\([^\"]*\\)\".*/\\1/' bot.json)\"\n"
        ));
    }
    text.push_str("\nCtrl-C stops.");
    // Nobody may be reading; the server serves all the same.
    drop(say(&text));
}

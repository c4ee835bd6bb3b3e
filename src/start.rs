//! Puts the house together: store, clock, rooms, doors.

use std::sync::{Arc, OnceLock};

use ::store::{EngineSettings, Settings, Store};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use crate::base::call::Dispatcher;
use crate::base::clock::{Clock, machine_now};
use crate::base::config::{Config, Network};
use crate::base::error::internal;
use crate::base::operation::Operation;
use crate::base::random::Entropy;
use crate::base::strangers::system_lookup;
use crate::base::{Result, Span, installation};
use crate::doors::App;
use crate::doors::auth::{Hashing, Seal, Tokens, load_or_make_secret, make_signing_key};
use crate::doors::mcp::Streams;
use crate::gateway::runner::{Books, Devnet, Gateway, Keys};
use crate::migrations::MIGRATIONS;
use crate::users::{self, password};
use crate::webhooks::{self, Deliverer};
use crate::{events, gateway, jobs, mailer, moderation, ratings, referrals, tasks, wallet};

/// The name of the embedded database in the data folder.
pub const DATABASE_FILE: &str = "roborent.sqlite";

/// Why the server did not start, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

impl From<crate::base::Error> for StartError {
    fn from(error: crate::base::Error) -> Self {
        Self(error.to_string())
    }
}

/// Which engine the settings ask for.
pub fn engine(config: &Config) -> EngineSettings {
    let database = &config.database;
    match database.url.expose_secret() {
        "" => EngineSettings::Sqlite { path: config.installation.data_dir.join(DATABASE_FILE), readers: database.readers },
        url => EngineSettings::Postgres { url: url.to_owned(), writers: database.writers, readers: database.readers },
    }
}

/// The engine of these settings, its folder made.
fn place(config: &Config) -> Result<EngineSettings, StartError> {
    let (engine, dir) = (engine(config), &config.installation.data_dir);
    if matches!(engine, EngineSettings::Sqlite { .. }) {
        installation::make_data_dir(dir).map_err(|e| StartError(format!("{}: {e}", dir.display())))?;
    }
    Ok(engine)
}

/// Brings the schema up to date; answers how many steps it took. Blocks.
pub fn migrate(config: &Config) -> Result<usize, StartError> {
    ::store::migrate(&place(config)?, MIGRATIONS, machine_now().as_milliseconds()).map_err(|e| StartError(format!("database: {e}")))
}

/// Opens the database of these settings, migrated. Blocks.
pub fn open_store(config: &Config) -> Result<Store, StartError> {
    let engine = place(config)?;
    let settings = Settings { engine, queue_max: config.database.queue_max, batch_max: ::store::BATCH_MAX };
    Store::open(&settings, MIGRATIONS, machine_now().as_milliseconds()).map_err(|e| StartError(format!("database: {e}")))
}

/// Opens the database of these settings to look at it. Blocks.
pub fn open_to_read(config: &Config) -> Result<Store, StartError> {
    let settings = Settings { engine: existing(config)?, queue_max: config.database.queue_max, batch_max: ::store::BATCH_MAX };
    Store::open_to_read(&settings, MIGRATIONS).map_err(|e| StartError(format!("database: {e}")))
}

/// The engine of these settings, whose database is there.
pub fn existing(config: &Config) -> Result<EngineSettings, StartError> {
    match engine(config) {
        EngineSettings::Sqlite { path, .. } if !path.exists() => Err(StartError(format!("{}: there is no database", path.display()))),
        engine => Ok(engine),
    }
}

/// What the auditor has to know: where the books are, and the settings that they are judged by.
pub fn books(engine: EngineSettings, config: &Config) -> Books {
    let source = match engine {
        EngineSettings::Sqlite { path, .. } => audit::Source::Sqlite(path),
        EngineSettings::Postgres { url, .. } => audit::Source::Postgres(url),
    };
    let options = audit::Options { commission_months: config.market.commission_months, ..audit::Options::default() };
    Books { source, options }
}

/// A dispatcher over an open store, with the clock where the sandbox left it.
///
/// # Errors
/// When the database belongs to another network.
pub async fn dispatcher(store: Store, config: Arc<Config>) -> Result<Arc<Dispatcher>, StartError> {
    let network = config.installation.network;
    let entropy = Entropy::from_system()?;
    let dispatcher = Dispatcher::new(store, Clock::machine(Span::milliseconds(0)), entropy, config, users::resolve);
    let dispatcher = Arc::new(dispatcher);
    if let Some(other) = dispatcher.system(move |cx| installation::bind_network(cx, network)).await? {
        return Err(of_another_network(&other, network));
    }
    if network.is_sandbox() {
        let ahead = dispatcher.look(installation::clock_ahead).await?;
        dispatcher.clock.advance(ahead);
    }
    Ok(dispatcher)
}

/// A dispatcher over a store that was opened to look.
///
/// # Errors
/// When the database belongs to another network.
pub async fn onlooker(store: Store, config: Arc<Config>) -> Result<Arc<Dispatcher>, StartError> {
    let network = config.installation.network;
    let entropy = Entropy::from_system()?;
    let dispatcher = Arc::new(Dispatcher::new(store, Clock::machine(Span::milliseconds(0)), entropy, config, users::resolve));
    match dispatcher.look(move |cx| installation::other_network(cx, network)).await? {
        Some(other) => Err(of_another_network(&other, network)),
        None => Ok(dispatcher),
    }
}

fn of_another_network(bound: &str, network: Network) -> StartError {
    let network = network.name();
    StartError(format!("this database belongs to the network {bound}, not to {network}; installation.network says which one is meant"))
}

/// Makes what an import does not bring, because it is made from what it brings: the words that open tasks are found by.
pub async fn complete_import(config: Config) -> Result<(), StartError> {
    let store = open_store(&config)?;
    let clock = Clock::machine(Span::milliseconds(0));
    let dispatcher = Dispatcher::new(store, clock, Entropy::from_system()?, Arc::new(config), users::resolve);
    let dispatcher = Arc::new(dispatcher);
    let done = index_tasks(&dispatcher).await;
    dispatcher.store.close();
    Ok(done?)
}

/// Indexes the words of every open task, where none is indexed yet.
pub async fn index_tasks(dispatcher: &Arc<Dispatcher>) -> Result<()> {
    let mut last = tasks::task::TaskId(uuid::Uuid::nil());
    while let Some(next) = dispatcher.system(move |cx| tasks::search::index_next(cx, last)).await? {
        last = next;
    }
    Ok(())
}

/// Every operation of an installation, sorted as the documents show them.
pub fn operations(config: &Config) -> Vec<Arc<Operation>> {
    let mut operations = users::operations();
    operations.extend(tasks::operations());
    operations.extend(ratings::operations());
    operations.extend(wallet::operations());
    operations.extend(gateway::operations());
    operations.extend(referrals::operations());
    operations.extend(events::operations());
    operations.extend(webhooks::operations());
    operations.extend(moderation::operations());
    if config.installation.network.is_sandbox() {
        operations.extend(gateway::sandbox_operations());
    }
    operations.into_iter().map(Arc::new).collect()
}

/// Fills in what the settings leave to the network, and says what of them cannot be read.
///
/// # Errors
/// A sentence.
pub fn complete(config: &mut Config) -> Result<(), StartError> {
    gateway::networks::complete(config.installation.network, &mut config.chain)?;
    wallet::custody::Custody::of(&config.chain).map(drop).map_err(StartError)
}

/// Completes the settings, and says what of them no server can work with. Asks nobody and opens no keystore.
///
/// # Errors
/// A sentence.
pub fn check(config: &mut Config) -> Result<(), StartError> {
    complete(config)?;
    config.log.filter().map_err(|e| StartError(format!("log.level: {e}")))?;
    if config.mail.sends(config.installation.network) {
        mailer::check(&config.mail).map_err(StartError)?;
    }
    if config.installation.network == Network::Mainnet {
        let custody = wallet::custody::Custody::of(&config.chain).map_err(StartError)?;
        let wallets = [Some(("chain.hot_address", custody.hot)), custody.cold.map(|cold| ("chain.cold_address", cold))];
        let wallets = wallets.into_iter().flatten().collect::<Vec<_>>();
        gateway::public_phrases::refuse_wallets(&config.chain.deposit_xpub, &wallets).map_err(StartError)?;
    }
    Ok(())
}

/// The gateway over the providers in the settings, or over the devnet of this process.
///
/// # Errors
/// When a keystore does not open, or the settings do not fit to it.
pub fn gateway(dispatcher: &Arc<Dispatcher>, engine: EngineSettings, devnet: Option<Devnet>) -> Result<Arc<Gateway>, StartError> {
    let config = &dispatcher.config;
    let keys = Keys::load(config).map_err(StartError)?;
    let pool = gateway::runner::pool(&config.chain, devnet.as_ref()).map_err(StartError)?;
    // One process alone serves an embedded database: its folder is locked.
    let alone = matches!(engine, EngineSettings::Sqlite { .. });
    Gateway::new(Arc::clone(dispatcher), pool, keys, books(engine, config), devnet, alone).map(Arc::new).map_err(StartError)
}

/// The doors over a dispatcher.
///
/// # Errors
/// When the secret cannot be read, or is not the one that the database was made with.
pub async fn app(dispatcher: Arc<Dispatcher>, gateway: Option<Arc<Gateway>>) -> Result<Arc<App>, StartError> {
    let config = Arc::clone(&dispatcher.config);
    let dir = &config.installation.data_dir;
    let secret = load_or_make_secret(&config.auth.secret, dir, &mut dispatcher.entropy().fork());
    let secret = secret.map_err(|e| StartError(format!("auth.secret in {}: {e}", dir.display())))?;
    if !config.mail.sends(config.installation.network) && !config.installation.network.is_sandbox() {
        tracing::warn!("mail.smtp_url is not set: addresses are not confirmed, and forgotten passwords cannot be replaced");
    }
    dispatcher.secrets.learn(&secret)?;
    let public_url = config.server.site();
    let tokens = Tokens::load(&dispatcher, Seal::new(&secret)?, &public_url).await;
    let tokens = tokens.map_err(|_| {
        StartError("the sign-in keys of this database do not open: auth.secret must be the one that it was made with".into())
    })?;
    let deliverer = Deliverer::new(&config, system_lookup())?;
    Ok(Arc::new(App {
        operations: operations(&config),
        tokens,
        hashing: Hashing::default(),
        public_url,
        jobs: jobs::jobs(&deliverer),
        deliverer,
        books: match engine(&config) {
            EngineSettings::Sqlite { path, .. } => audit::Source::Sqlite(path),
            EngineSettings::Postgres { url, .. } => audit::Source::Postgres(url),
        },
        gateway,
        clock_moves: tokio::sync::Mutex::default(),
        stopping: CancellationToken::new(),
        streams: Streams::default(),
        metrics: metrics_handle()?,
        dispatcher,
    }))
}

/// Makes another key to sign tokens with; answers how many sign for a few minutes more. Running servers learn of it by
/// themselves, and nobody is signed out.
pub async fn rotate_signing_key(dispatcher: &Arc<Dispatcher>) -> Result<usize, StartError> {
    let config = &dispatcher.config;
    let secret = load_or_make_secret(&config.auth.secret, &config.installation.data_dir, &mut dispatcher.entropy().fork());
    let secret = secret.map_err(|e| StartError(format!("auth.secret: {e}")))?;
    let key = make_signing_key(&Seal::new(&secret)?, dispatcher.clock.now(), &mut dispatcher.entropy().fork())?;
    Ok(dispatcher.system(move |cx| users::signing_keys::rotate(cx, &key)).await?)
}

/// Makes the admin of a fresh sandbox; answers his password the only time it is known.
pub async fn first_admin(dispatcher: &Arc<Dispatcher>) -> Result<Option<(&'static str, String)>> {
    const EMAIL: &str = "admin@sandbox.example";
    if !dispatcher.config.installation.network.is_sandbox() || dispatcher.look(users::there_is_an_admin).await? {
        return Ok(None);
    }
    let mut rng = dispatcher.entropy().fork();
    let password = rng.base62(20);
    let hash = password::hash(&password, &mut rng)?;
    dispatcher.system(move |cx| users::create_admin(cx, EMAIL, &hash)).await?;
    Ok(Some((EMAIL, password)))
}

/// There is one recorder in a process, also when tests start several servers.
fn metrics_handle() -> Result<PrometheusHandle> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let buckets = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
    let recorder = PrometheusBuilder::new().set_buckets(&buckets).map_err(internal)?.build_recorder();
    let handle = HANDLE.get_or_init(|| recorder.handle()).clone();
    // Another thread may have been first; then its recorder stays.
    drop(metrics::set_global_recorder(recorder));
    Ok(handle)
}

/// What every node does for itself once a minute: reads new signing keys, writes down the last uses of API keys, tidies
/// the metrics.
pub async fn maintain(app: &Arc<App>) {
    if let Err(error) = app.tokens.reload(&app.dispatcher).await {
        tracing::warn!(%error, "the signing keys were not read again");
    }
    if let Err(error) = jobs::save_last_uses(Arc::clone(&app.dispatcher)).await {
        tracing::warn!(%error, "the last uses of keys were not written down");
    }
    app.metrics.run_upkeep();
}

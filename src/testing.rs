//! What tests need from inside: the whole application on a temporary database of either engine, with a clock that stands
//! still until it is moved, chance from a number, and the books audited at the end.

mod chain;
mod database;
mod streamed;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use ::store::{EngineSettings, Settings, Store};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::base::call::Dispatcher;
use crate::base::clock::Clock;
use crate::base::config::{Config, Network};
use crate::base::random::Entropy;
use crate::base::{Span, Ts, UserId, installation};
use crate::doors::{self, App};
use crate::gateway::networks;
use crate::gateway::runner::{Books, Gateway};
use crate::migrations::MIGRATIONS;
use crate::users::{self, password};
use crate::{jobs, start};

pub use database::TestDatabase;
pub use streamed::Streamed;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in a temporary folder.
    Sqlite,
    /// A database of its own on the server that `ROBORENT_TEST_POSTGRES_URL` names.
    Postgres,
}

/// The application under test.
pub struct TestApp {
    /// Everything the doors need.
    pub app: Arc<App>,
    /// Where the data is, for the auditor and for raw looks.
    pub engine: EngineSettings,
    router: Router,
    store: Store,
    database: Option<TestDatabase>,
    clients: AtomicU32,
    shapes_do_not_matter: AtomicBool,
    devnet: devnet::Devnet,
    dir: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Answered {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The code of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The same answer, when its status is `status`; otherwise the test fails and shows it.
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

/// A registered bot.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Who.
    pub user_id: UserId,
    /// The key in clear.
    pub key: String,
}

/// A request in the making.
pub struct Ask<'t> {
    app: &'t TestApp,
    request: axum::http::request::Builder,
    from: SocketAddr,
    body: Vec<u8>,
}

impl Ask<'_> {
    /// Sends a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Shows an API key.
    #[must_use]
    pub fn key(self, bot: &Bot) -> Self {
        let key = bot.key.clone();
        self.header("x-api-key", &key)
    }

    /// Shows a token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// Sends bytes.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Comes from this address.
    #[must_use]
    pub fn from(mut self, address: [u8; 4]) -> Self {
        self.from = SocketAddr::from((address, 40_000));
        self
    }

    /// Sends it and reads the answer; of a stream, its head only.
    pub async fn send(self) -> Answered {
        let (parts, body) = self.open().await.into_parts();
        let is_endless = parts.headers.get("content-type").is_some_and(|value| value == "text/event-stream");
        let body = if is_endless { Vec::new() } else { to_bytes(body, usize::MAX).await.expect("a body from memory").to_vec() };
        Answered { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends it and opens the stream that is answered.
    pub async fn stream(self) -> Streamed {
        let response = self.open().await;
        assert_eq!(response.headers()["content-type"], "text/event-stream", "{}", response.status());
        Streamed(response.into_body())
    }

    /// Sends it; the answer is read by the test.
    pub async fn open(self) -> Response<Body> {
        let mut request: Request<Body> = self.request.body(Body::from(self.body)).expect("a well-formed request");
        request.extensions_mut().insert(doors::Peer(self.from));
        self.app.router.clone().oneshot(request).await.expect("the router always answers")
    }
}

impl TestApp {
    /// The application with the default settings; nothing when the engine is not there (a test then says so and ends).
    pub async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, |_| {}).await
    }

    /// The application with changed settings.
    pub async fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Option<Self> {
        let dir = TempDir::new().expect("a temporary folder");
        let mut config = Config::default();
        config.installation.data_dir = dir.path().to_owned();
        change(&mut config);
        if !config.installation.network.is_sandbox() {
            // Wallets of the sandbox: nobody pays from them here.
            networks::complete(Network::Sandbox, &mut config.chain).expect("the settings of a sandbox");
        }
        start::complete(&mut config).expect("settings that fit together");
        let (settings, database) = match engine {
            Engine::Sqlite => (EngineSettings::sqlite(dir.path().join(start::DATABASE_FILE)), None),
            Engine::Postgres => {
                let database = TestDatabase::create().await?;
                (EngineSettings::Postgres { url: database.url.clone(), writers: 8, readers: 3 }, Some(database))
            }
        };
        let open = Settings { engine: settings.clone(), queue_max: config.database.queue_max, batch_max: ::store::BATCH_MAX };
        let store = Store::open(&open, MIGRATIONS, START.as_milliseconds()).expect("a fresh database");
        let clock = Clock::standing_at(START);
        let dispatcher = Arc::new(Dispatcher::new(store.clone(), clock, Entropy::from_number(7), Arc::new(config), users::resolve));
        let network = dispatcher.config.installation.network;
        dispatcher.system(move |cx| installation::bind_network(cx, network)).await.expect("a fresh database");
        let (devnet, way) = chain::in_memory(&dispatcher);
        let gateway = network.is_sandbox().then(|| start::gateway(&dispatcher, settings.clone(), Some(way)).expect("the gateway"));
        if let Some(gateway) = &gateway {
            gateway.prepare().await.expect("a fresh chain");
        }
        let app = start::app(dispatcher, gateway).await.expect("the doors");
        let router = doors::public_router(&app);
        Some(Self {
            app,
            engine: settings,
            router,
            store,
            database,
            clients: AtomicU32::new(1),
            shapes_do_not_matter: AtomicBool::new(false),
            devnet,
            dir,
        })
    }

    /// Another node over the same database, with a clock and a memory of its own.
    pub async fn another_node(&self) -> Arc<Dispatcher> {
        let open = Settings { engine: self.engine.clone(), queue_max: 64, batch_max: ::store::BATCH_MAX };
        let now = START.as_milliseconds();
        let store =
            tokio::task::spawn_blocking(move || Store::open(&open, MIGRATIONS, now)).await.expect("opened").expect("the same database");
        let (clock, config) = (Clock::standing_at(self.now()), Arc::clone(&self.app.dispatcher.config));
        Arc::new(Dispatcher::new(store, clock, Entropy::from_number(8), config, users::resolve))
    }

    /// The chain, for orders and for looking at it.
    pub const fn devnet(&self) -> &devnet::Devnet {
        &self.devnet
    }

    /// The gateway.
    pub fn gateway(&self) -> &Gateway {
        self.app.gateway.as_deref().expect("every test has one")
    }

    /// The folder of this installation.
    pub fn dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// The time that operations see.
    pub fn now(&self) -> Ts {
        self.app.dispatcher.clock.now()
    }

    /// Moves the clock.
    pub fn advance(&self, span: Span) {
        self.app.dispatcher.clock.advance(span);
    }

    /// Runs the background jobs to their end.
    pub async fn run_jobs(&self) {
        jobs::run_all(&self.app.jobs, &self.app.dispatcher).await.expect("the jobs run");
    }

    /// A request of any method.
    pub fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        self.ask_without_host(method, path).header("host", "127.0.0.1:8080")
    }

    /// A request that names no host yet.
    pub fn ask_without_host(&self, method: &str, path: &str) -> Ask<'_> {
        let request = Request::builder().method(method).uri(path);
        Ask { app: self, request, from: SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000)), body: Vec::new() }
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask("GET", path)
    }

    /// A POST.
    pub fn post(&self, path: &str) -> Ask<'_> {
        self.ask("POST", path)
    }

    /// A bot, registered through the public operation from an address of its own.
    pub async fn bot(&self) -> Bot {
        let [_, b, c, d] = self.clients.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let answer = self.post("/api/v1/agent/register").from([10, b, c, d]).send().await.expect(201).json();
        let user_id = answer["user_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        Bot { user_id: UserId(user_id), key: answer["api_key"].as_str().expect("a key").to_owned() }
    }

    /// A bot with money.
    pub async fn rich_bot(&self, usdt: u32) -> Bot {
        let bot = self.bot().await;
        self.pour(bot.user_id, usdt).await;
        bot
    }

    /// Play money.
    pub async fn pour(&self, user: UserId, usdt: u32) {
        drop(self.post("/sandbox/faucet").json(&json!({ "user_id": user, "usdt": usdt })).send().await.expect(200));
    }

    /// An admin and his token.
    pub async fn admin(&self, email: &str) -> String {
        const PASSWORD: &str = "correct horse battery";
        let hash = password::hash(PASSWORD, &mut self.app.dispatcher.entropy().fork()).expect("hashed");
        let address = email.to_owned();
        self.app.dispatcher.system(move |cx| users::create_admin(cx, &address, &hash)).await.expect("a new admin");
        self.sign_in(email, PASSWORD).await.expect(200).json()["access_token"].as_str().expect("a token").to_owned()
    }

    /// Signs in.
    pub async fn sign_in(&self, email: &str, password: &str) -> Answered {
        self.post("/auth/v1/token?grant_type=password").json(&json!({ "email": email, "password": password })).send().await
    }

    /// The auditor's report on the books as they are.
    pub async fn audit(&self) -> audit::Report {
        let Books { source, options } = start::books(self.engine.clone(), &self.app.dispatcher.config);
        let report = tokio::task::spawn_blocking(move || audit::audit(&source, &options)).await;
        report.expect("the auditor ends").expect("the auditor can read")
    }

    /// For tests that move money as it is not moved in business: the auditor's checks of shapes, and of what in the market
    /// it is moved for, are left out.
    pub fn forget_shapes(&self) {
        self.shapes_do_not_matter.store(true, Ordering::Relaxed);
    }

    /// Audits before and after sealing, and cleans up.
    pub async fn finish(self) {
        let strict = !self.shapes_do_not_matter.load(Ordering::Relaxed);
        for _ in 0..2 {
            let report = self.audit().await;
            let wrong = report.checks.iter().any(|check| check.violations > 0 && (strict || !BUSINESS.contains(&check.id)));
            assert!(!wrong, "{report}");
            self.run_jobs().await;
        }
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.close()).await.expect("closed");
        if let Some(database) = self.database {
            database.drop().await;
        }
    }
}

/// The checks that know what money is moved for.
const BUSINESS: [&str; 5] = ["M9", "M10", "T1", "C2", "C5"];

/// Where the clocks of tests start.
pub const START: Ts = Ts::from_milliseconds(1_795_000_000_000);

/// Runs a test on SQLite and on PostgreSQL, and audits the books after it.
#[macro_export]
macro_rules! on_both_engines {
    ($($(#[$attr:meta])* async fn $name:ident($app:ident $(, |$config:ident| $change:expr)?) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn on($app: &$crate::testing::TestApp) $body

            async fn run(engine: $crate::testing::Engine) {
                let change = |_config: &mut $crate::base::config::Config| { $(let $config = _config; $change;)? };
                match $crate::testing::TestApp::start_with(engine, change).await {
                    Some(app) => {
                        on(&app).await;
                        app.finish().await;
                    }
                    None => println!("SKIPPED {}: no PostgreSQL; ./test.sh starts one", stringify!($name)),
                }
            }

            $(#[$attr])*
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                run($crate::testing::Engine::Sqlite).await;
            }

            $(#[$attr])*
            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                run($crate::testing::Engine::Postgres).await;
            }
        }
    )*};
}

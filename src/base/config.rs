//! The settings: one struct, one TOML file, one environment name for each key (`ROBORENT__SECTION__KEY`).

mod chain;
mod providers;
mod sign_in;

use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::base::config_mcp::Mcp;
use crate::base::event_settings::{Events, Webhooks};
use crate::base::limit::{Limit, Policy};
use crate::base::money::Usdt;

pub use chain::{Chain, Devnet, Withdrawals};
pub use providers::ProviderUrls;
pub use sign_in::{Auth, MailSettings};

/// Every setting, with its default.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What this installation is.
    pub installation: Installation,
    /// Where it listens and how long it works on a call.
    pub server: Server,
    /// The MCP door.
    pub mcp: Mcp,
    /// Where the data is.
    pub database: Database,
    /// Sign-in.
    pub auth: Auth,
    /// How mails are sent.
    pub mail: MailSettings,
    /// How often.
    pub limits: Limits,
    /// Fees, and what a task may be.
    pub market: Market,
    /// Who is told what happens.
    pub events: Events,
    /// Sending events to users' addresses.
    pub webhooks: Webhooks,
    /// Withdrawals: what they cost, and which of them an admin looks at.
    pub withdrawals: Withdrawals,
    /// The TRON network, and our wallets there.
    pub chain: Chain,
    /// The local TRON node of the sandbox.
    pub devnet: Devnet,
    /// What is logged.
    pub log: Log,
}

impl Config {
    /// Whether a session of an admin must have shown a second factor: on real networks always.
    pub const fn admins_need_second_factor(&self) -> bool {
        self.auth.admin_2fa || !self.installation.network.is_sandbox()
    }
}

/// Which network the money is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Play money, a movable clock, keys `rr_test_…`.
    #[default]
    Sandbox,
    /// TRON's test network Nile.
    Nile,
    /// Real money.
    Mainnet,
}

impl Network {
    /// As in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Nile => "nile",
            Self::Mainnet => "mainnet",
        }
    }

    /// Whether the sandbox routes exist.
    pub const fn is_sandbox(self) -> bool {
        matches!(self, Self::Sandbox)
    }
}

/// What this installation is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Installation {
    /// `sandbox`, `nile` or `mainnet`; a database belongs to one of them for ever.
    pub network: Network,
    /// The folder for the database and the secret; made when it is missing.
    pub data_dir: PathBuf,
}

impl Default for Installation {
    fn default() -> Self {
        Self { network: Network::Sandbox, data_dir: "./roborent-data".into() }
    }
}

/// Which parts of the program this process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    #[default]
    All,
    /// The doors only.
    Web,
    /// The payment gateway only.
    Gateway,
    /// The background jobs only.
    Jobs,
}

impl Role {
    /// Whether the public doors open.
    pub const fn serves(self) -> bool {
        matches!(self, Self::All | Self::Web)
    }

    /// Whether the background jobs run.
    pub const fn works(self) -> bool {
        matches!(self, Self::All | Self::Jobs)
    }

    /// Whether this process follows the chain and holds the keys that pay.
    pub const fn pays(self) -> bool {
        matches!(self, Self::All | Self::Gateway)
    }
}

/// Where it listens and how long it works on a call.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The public address.
    pub listen: SocketAddr,
    /// Health and metrics; never public.
    pub internal_listen: SocketAddr,
    /// As users see it, without a slash at the end; empty = `http://` and the public address.
    pub public_url: String,
    /// Which parts this process runs.
    pub role: Role,
    /// Addresses whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Lets other machines use the sandbox's clock and faucet, when `listen` is not loopback (a container's, say).
    pub sandbox_for_other_machines: bool,
    /// Largest body taken, in bytes.
    pub body_bytes_max: usize,
    /// Deadline of a call, in seconds.
    pub timeout_seconds: u64,
    /// Deadline of an admin's call, in seconds.
    pub admin_timeout_seconds: u64,
    /// Open connections; one more is answered with 503 and closed.
    pub connections_max: usize,
    /// From the first byte of a request to the end of its headers, in seconds.
    pub header_timeout_seconds: u64,
    /// A connection that sends or takes nothing for so long is closed, in seconds.
    pub idle_timeout_seconds: u64,
    /// What calls in flight get when the server stops, in milliseconds.
    pub shutdown_grace_ms: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            internal_listen: SocketAddr::from(([127, 0, 0, 1], 9464)),
            public_url: String::new(),
            role: Role::All,
            trusted_proxies: Vec::new(),
            sandbox_for_other_machines: false,
            body_bytes_max: 256 * 1024,
            timeout_seconds: 30,
            admin_timeout_seconds: 45,
            connections_max: 10_000,
            header_timeout_seconds: 15,
            idle_timeout_seconds: 75,
            shutdown_grace_ms: 1_500,
        }
    }
}

impl Server {
    /// As users see this server, without a slash at the end.
    pub fn site(&self) -> String {
        if self.public_url.is_empty() { format!("http://{}", self.listen) } else { self.public_url.clone() }
    }
}

/// Where the data is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://…`; empty = the embedded SQLite in the data folder.
    #[serde(serialize_with = "hidden")]
    pub url: SecretString,
    /// A file that holds the URL; empty = none.
    pub url_file: String,
    /// Threads that read (SQLite), connections for reads (PostgreSQL).
    pub readers: usize,
    /// Connections for writes (PostgreSQL; SQLite has one writer).
    pub writers: usize,
    /// Commands that may wait before one more is answered with 503.
    pub queue_max: usize,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: String::new().into(), url_file: String::new(), readers: 3, writers: 8, queue_max: 4_096 }
    }
}

/// How often. `/h` is counted in the database and exact in every rolling hour, `/min` and `/s` in memory on each node.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Registrations and sign-ups per client address.
    pub register: Limit,
    /// Sign-ins per client address.
    pub sign_in: Limit,
    /// Failed sign-ins per e-mail address.
    pub sign_in_failure: Limit,
    /// Wrong codes of second factors per user.
    pub second_factor_failure: Limit,
    /// Refreshed tokens per client address.
    pub refresh: Limit,
    /// Mails per e-mail address.
    pub mail: Limit,
    /// Accepting tasks.
    pub accept: Limit,
    /// Submitting proofs.
    pub submit: Limit,
    /// Cancelling acceptances.
    pub cancel: Limit,
    /// Publishing tasks.
    pub publish: Limit,
    /// Approving, rejecting, tipping.
    pub review: Limit,
    /// Withdrawing.
    pub withdraw: Limit,
    /// Reads, search and every other write.
    pub read: Limit,
    /// Everything over MCP.
    pub mcp: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            register: Limit::per_hour(5),
            sign_in: Limit::per_minute(10),
            sign_in_failure: Limit::per_hour(10),
            second_factor_failure: Limit::per_hour(30),
            refresh: Limit::per_minute(60),
            mail: Limit::per_hour(5),
            accept: Limit::per_hour(30),
            submit: Limit::per_hour(20),
            cancel: Limit::per_hour(20),
            publish: Limit::per_hour(20),
            review: Limit::per_hour(300),
            withdraw: Limit::per_hour(5),
            read: Limit::per_minute(120),
            mcp: Limit::per_minute(300),
        }
    }
}

impl Limits {
    /// The value of a policy.
    pub const fn of(&self, policy: Policy) -> Limit {
        match policy {
            Policy::Register => self.register,
            Policy::SignIn => self.sign_in,
            Policy::SignInFailure => self.sign_in_failure,
            Policy::SecondFactorFailure => self.second_factor_failure,
            Policy::Refresh => self.refresh,
            Policy::Mail => self.mail,
            Policy::Accept => self.accept,
            Policy::Submit => self.submit,
            Policy::Cancel => self.cancel,
            Policy::Publish => self.publish,
            Policy::Review => self.review,
            Policy::Withdraw => self.withdraw,
            Policy::Read => self.read,
            Policy::Mcp => self.mcp,
        }
    }
}

/// Fees, and what a task may be. A task keeps the fees that were in force when it was published.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Market {
    /// The platform's part of each reward, in hundredths of a percent.
    pub fee_basis_points: u16,
    /// A referrer's part of the fee, in hundredths of a percent; both sides may have one.
    pub commission_basis_points: u16,
    /// How long after a registration its referrer earns, in months.
    pub commission_months: u32,
    /// The least reward of a slot, in USDT.
    pub reward_min: Usdt,
    /// The most that one task may hold in escrow, in USDT.
    pub escrow_max: Usdt,
    /// How long a task takes workers at most, in days.
    pub task_days_max: u16,
    /// And when its creator does not say, in days.
    pub task_days_default: u16,
}

impl Default for Market {
    fn default() -> Self {
        Self {
            fee_basis_points: 1_000,
            commission_basis_points: 2_000,
            commission_months: 12,
            reward_min: Usdt::from_micro(50_000),
            escrow_max: Usdt::MAX,
            task_days_max: 180,
            task_days_default: 30,
        }
    }
}

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, or a filter such as `roborent=debug,store=info`.
    pub level: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}

impl Log {
    /// Which lines are written. What the MCP library says below a warning holds whole messages, and so what is secret in them.
    pub fn filter(&self) -> Result<EnvFilter, ParseError> {
        Ok(EnvFilter::try_new(&self.level)?.add_directive("rmcp=warn".parse()?))
    }
}

/// A secret is never written out; what shows is whether there is one.
fn hidden<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if secret.expose_secret().is_empty() { "" } else { "(set, hidden)" })
}

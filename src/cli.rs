//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::base::config::{Config, Role};
use crate::base::config_load::{self, ConfigError};

/// A marketplace where people and AI agents post paid micro-tasks for each other. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "roborent", version, about, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings given on the line.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server (the default).
    Serve,
    /// Play the whole cycle on a market of its own: publish, accept, prove, review, pay; with a line per step and an audit
    /// at the end. It lives in a folder and on ports of its own: of the options below it takes --config alone.
    Demo,
    /// Run a TRON node of play money by itself, at --devnet-listen, with its chain in the data folder.
    Devnet {
        /// The time between two blocks, in milliseconds.
        #[arg(long, default_value_t = 3_000)]
        block_ms: u64,
    },
    /// Check the books against themselves; exits 1 on a violation, 2 when it cannot read.
    Audit(AuditArgs),
    /// Manage admins.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Make the keys of an installation, and see what lies where.
    #[command(subcommand)]
    Wallet(WalletCommand),
    /// Repair what the gateway knows of the chain.
    #[command(subcommand)]
    Gateway(GatewayCommand),
    /// Bring the schema of the database up to date.
    Migrate,
    /// Read the settings, open the keystores that they name, say what is wrong, and show the ones in force (secrets hidden).
    /// Asks no node and no database.
    CheckConfig,
    /// Print the OpenAPI document.
    Openapi,
    /// Write every row of the database to a file, to move it to another engine.
    Export {
        /// The file; `-` is standard output.
        #[arg(long, default_value = "-")]
        out: PathBuf,
    },
    /// Read a file made by `export` into an empty database, and audit the result.
    Import {
        /// The file; `-` is standard input.
        #[arg(long, default_value = "-")]
        file: PathBuf,
    },
}

/// Managing admins.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make an admin; works while a server runs.
    Create {
        /// What he signs in with.
        #[arg(long)]
        email: String,
        /// At least 10 characters; `-` reads one line from standard input.
        #[arg(long)]
        password: String,
    },
    /// Make another key to sign tokens with; works while servers run, and nobody is signed out.
    RotateJwtKey,
}

/// Keys and what lies under them.
#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// Make the keys of the deposit addresses and of the hot wallet, from two new phrases of 24 words, and seal them under a
    /// passphrase (`chain.passphrase_file`, or asked for).
    Init(WalletInitArgs),
    /// Print the addresses and the token of the settings in force.
    Address,
    /// Print how far the chain was read, what lies where, and what stops payouts; from the database alone.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Where keys come from and where they go.
#[derive(Debug, Args)]
pub struct WalletInitArgs {
    /// The folder for deposit.keystore and hot.keystore; the data folder when left out.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Read two phrases from standard input instead of making them: a line for the deposit addresses, one for the hot wallet.
    #[arg(long)]
    pub import: bool,
}

/// The chain as this installation knows it.
#[derive(Debug, Subcommand)]
pub enum GatewayCommand {
    /// Read solid blocks again and credit deposits that were missed; works while a server runs.
    Rescan {
        /// The number of the first block.
        #[arg(long, value_name = "BLOCK")]
        from: u64,
        /// The number of the last block; the newest that was read when left out.
        #[arg(long, value_name = "BLOCK")]
        to: Option<u64>,
    },
}

/// How to audit.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// A skipped check counts as not completed.
    #[arg(long)]
    pub strict: bool,
    /// Only these checks, such as M1,M3.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
}

/// Settings given on the line; they win over the environment and the file.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// A TOML file with settings.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder for the database and the secret.
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// postgres://… instead of the embedded SQLite.
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// The public address.
    #[arg(long, global = true, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// The address of health and metrics.
    #[arg(long, global = true, value_name = "ADDR")]
    pub internal_listen: Option<SocketAddr>,
    /// The address of the sandbox's TRON node.
    #[arg(long, global = true, value_name = "ADDR")]
    pub devnet_listen: Option<SocketAddr>,
    /// Which parts of the program run here.
    #[arg(long, global = true, value_enum)]
    pub role: Option<Role>,
}

impl SettingsArgs {
    /// The first argument that was given of those that say where an installation lives and what it runs.
    pub fn place(&self) -> Option<&'static str> {
        let given = [
            ("--data-dir", self.data_dir.is_some()),
            ("--database-url", self.database_url.is_some()),
            ("--listen", self.listen.is_some()),
            ("--internal-listen", self.internal_listen.is_some()),
            ("--devnet-listen", self.devnet_listen.is_some()),
            ("--role", self.role.is_some()),
        ];
        given.into_iter().find_map(|(name, is_given)| is_given.then_some(name))
    }

    /// The settings in force: defaults, file, environment, line.
    ///
    /// # Errors
    /// What is wrong, in one line.
    pub fn load(&self, environment: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigError> {
        let config = self.read(environment)?;
        config_load::check(&config)?;
        Ok(config)
    }

    /// The settings as they are given, which may lack what a server needs.
    ///
    /// # Errors
    /// What cannot be read, in one line.
    pub fn read(&self, environment: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigError> {
        let mut config = config_load::load(self.config.as_deref(), environment)?;
        let server = &mut config.server;
        let given = [
            (&self.listen, &mut server.listen),
            (&self.internal_listen, &mut server.internal_listen),
            (&self.devnet_listen, &mut config.devnet.listen),
        ];
        for (argument, setting) in given {
            if let Some(address) = argument {
                *setting = *address;
            }
        }
        server.role = self.role.unwrap_or(server.role);
        if let Some(dir) = &self.data_dir {
            config.installation.data_dir.clone_from(dir);
        }
        if let Some(url) = &self.database_url {
            config.database.url = url.clone().into();
        }
        Ok(config)
    }
}

//! What the command line does.

mod admin;
mod books;
mod demo;
mod devnet;
mod gateway;
mod serve;
mod wallet;

use std::io::Write as _;
use std::process::ExitCode;

use crate::base::config::Config;
use crate::cli::{AdminCommand, Cli, Command, GatewayCommand, WalletCommand};
use crate::doors::docs::openapi;
use crate::gateway::runner::{Keys, pool};
use crate::migrations::MIGRATIONS;
use crate::start::{self, StartError};

/// Exit code of wrong settings and of what cannot be read.
const UNUSABLE: u8 = 2;

/// Runs the command of this line.
pub fn run(cli: &Cli, environment: impl Iterator<Item = (String, String)>) -> ExitCode {
    let read = match &cli.command {
        // It makes what the other settings wait for.
        Some(Command::Wallet(WalletCommand::Init(_))) => cli.settings.read(environment),
        _ => cli.settings.load(environment),
    };
    let config = match read {
        Ok(config) => config,
        Err(error) => return fail(&error, UNUSABLE),
    };
    let done = match cli.command.as_ref().unwrap_or(&Command::Serve) {
        Command::Serve => serve::serve(config),
        Command::Demo => match cli.settings.place() {
            Some(argument) => return fail(&format!("the demo plays in a place of its own: {argument} has no effect there"), UNUSABLE),
            None => return demo::demo(config),
        },
        Command::Audit(args) => return books::audit(&config, args),
        Command::Admin(AdminCommand::Create { email, password }) => admin::create(config, email, password),
        Command::Admin(AdminCommand::RotateJwtKey) => admin::rotate_jwt_key(config),
        Command::Wallet(WalletCommand::Init(args)) => wallet::init(&config, args),
        Command::Wallet(WalletCommand::Address) => wallet::address(config),
        Command::Wallet(WalletCommand::Status { json }) => wallet::status(config, *json),
        Command::Gateway(GatewayCommand::Rescan { from, to }) => gateway::rescan(config, *from, *to),
        Command::Devnet { block_ms } => devnet::run(&config, *block_ms),
        Command::Migrate => migrate(&config),
        Command::CheckConfig => return check_config(&config).map_or_else(|error| fail(&error, UNUSABLE), |()| ExitCode::SUCCESS),
        Command::Openapi => show_openapi(&config),
        Command::Export { out } => books::export(&config, out),
        Command::Import { file } => books::import(&config, file),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn fail(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    // Standard error may be closed; then there is nobody to tell.
    drop(writeln!(std::io::stderr(), "roborent: {error}"));
    ExitCode::from(code)
}

/// Writes a line of output.
fn say(text: &str) -> Result<(), StartError> {
    writeln!(std::io::stdout(), "{text}").map_err(|e| StartError(e.to_string()))
}

/// Runs work that waits.
fn wait_for<T>(work: impl Future<Output = Result<T, StartError>>) -> Result<T, StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| StartError(e.to_string()))?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    done
}

fn migrate(config: &Config) -> Result<(), StartError> {
    let applied = start::migrate(config)?;
    say(&format!("{applied} migrations applied, the schema is at {}", MIGRATIONS.len()))
}

/// What `serve` would refuse of these settings is refused here, without a database and without asking a node.
fn check_config(config: &Config) -> Result<(), StartError> {
    let mut tried = config.clone();
    start::check(&mut tried)?;
    if tried.server.role.pays() {
        drop(Keys::load(&tried).map_err(StartError)?);
        drop(pool(&tried.chain, None).map_err(StartError)?);
    }
    let text = toml::to_string_pretty(config).map_err(|e| StartError(e.to_string()))?;
    say(&format!("# The settings in force. Each key is also ROBORENT__SECTION__KEY in the environment.\n{text}"))
}

fn show_openapi(config: &Config) -> Result<(), StartError> {
    let document = openapi(&start::operations(config), &config.server.site());
    say(&serde_json::to_string_pretty(&document).map_err(|e| StartError(e.to_string()))?)
}

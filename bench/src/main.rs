//! Measures roborent on this machine, each figure beside what the machine does without it.
//!
//! Called by `cargo xtask bench`, which builds the release binaries first. `bench/README.md` tells how and why.

mod calibration;
mod cluster;
mod cold;
mod disk;
mod figures;
mod gateway;
mod hall;
mod hello;
mod http;
mod ledger;
mod lifecycle;
mod load;
mod machine;
mod market;
mod mcp;
mod node;
mod pages;
mod receiver;
mod requests;
mod search;
mod servers;
mod settle;
mod size;
mod sse;
mod template;
mod time;
mod treasury;
mod wal;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tempfile::TempDir;

use crate::figures::say;

/// What may go wrong: the run did not come to a figure.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures roborent on this machine.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Options {
    /// What is measured.
    #[arg(value_enum, default_value_t = Measure::All)]
    measure: Measure,
    /// The engine of `ledger` and `search`; left out, both.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// How often the order A B B A is run.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Length of each run.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Clients that each wait for their answer before they ask again.
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// Open tasks among which `search` searches.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    tasks: Vec<u64>,
    /// Deposit addresses among which `gateway` looks for those that are paid.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
    addresses: Vec<u64>,
    /// Where databases are made; on the disk that is to be measured.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// A PostgreSQL server to use instead of a throw-away cluster: databases are made and dropped there.
    #[arg(long)]
    database_url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// The settling command, in process.
    Ledger,
    /// A task from publish to payment over HTTP, durable, at 8, 64 and 256 clients; and one busy creator.
    Lifecycle,
    /// A read over HTTP against a bare server.
    Http,
    /// The pages of the site.
    Pages,
    /// A tool call over MCP against the same call over REST.
    Mcp,
    /// Searches among many open tasks, in process.
    Search,
    /// Reading blocks of a chain, and signing payouts.
    Gateway,
    /// Sending events to a receiver on this machine.
    Webhooks,
    /// Ten thousand readers who wait for events.
    Sse,
    /// From start to the first answer.
    Cold,
    /// The release binary.
    Size,
    /// All of them.
    All,
    /// The bare server, which other measures start.
    #[value(hide = true)]
    Hello,
    /// A node of a chain, which `gateway` starts.
    #[value(hide = true)]
    Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    Sqlite,
    Postgres,
}

impl Options {
    fn wants(&self, measure: Measure) -> bool {
        self.measure == measure || self.measure == Measure::All
    }

    fn wants_engine(&self, engine: Engine) -> bool {
        self.engine.is_none_or(|wanted| wanted == engine)
    }

    fn run_time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn folder(&self) -> Fallible<TempDir> {
        let made = tempfile::Builder::new().prefix("roborent-bench.").tempdir_in(self.dir.clone().unwrap_or_else(std::env::temp_dir))?;
        Ok(made)
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.measure {
        Measure::Hello => hello::serve(),
        Measure::Node => node::serve(),
        _ => run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("FAILED: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if options.wants(Measure::Size) {
        size::measure()?;
    }
    if options.wants(Measure::Cold) {
        cold::measure(options)?;
    }
    if options.measure != Measure::Size {
        runtime.block_on(calibration::measure(options))?;
    }
    if options.wants(Measure::Http) {
        runtime.block_on(http::measure(options))?;
    }
    if options.wants(Measure::Pages) {
        runtime.block_on(pages::measure(options))?;
    }
    if options.wants(Measure::Mcp) {
        runtime.block_on(mcp::measure(options))?;
    }
    if options.wants(Measure::Search) {
        runtime.block_on(search::measure(options))?;
    }
    if options.wants(Measure::Sse) {
        runtime.block_on(sse::measure(options))?;
    }
    if options.wants(Measure::Gateway) {
        runtime.block_on(gateway::measure(options))?;
    }
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if options.wants(Measure::Webhooks) && options.wants_engine(engine) {
            runtime.block_on(webhooks::measure(options, engine))?;
        }
        if options.wants(Measure::Lifecycle) && options.wants_engine(engine) {
            runtime.block_on(lifecycle::measure(options, engine))?;
        }
    }
    if options.wants(Measure::Ledger) && options.wants_engine(Engine::Sqlite) {
        runtime.block_on(ledger::sqlite(options))?;
    }
    if options.wants(Measure::Ledger) && options.wants_engine(Engine::Postgres) {
        runtime.block_on(ledger::postgres(options))?;
    }
    Ok(())
}

//! Proofs that take longer than a test may, each a block with a name: all of them, or one with `--only`.

use std::ffi::OsString;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::process::Command;
use std::time::Instant;

use crate::{USAGE, fuzz_api, root};

/// One proof.
struct Block {
    name: &'static str,
    about: &'static str,
    how: How,
}

enum How {
    /// A program of its own.
    Program(fn() -> Result<(), String>),
    /// Tests that `./test.sh` runs, on a PostgreSQL of its own; larger than in the daily run where there is a size.
    Tests(&'static [&'static str], Option<Size>),
}

/// What makes tests more or other ones, as they read it from the environment.
struct Size {
    runs: &'static str,
    usual: u64,
    seed: &'static str,
}

const LIVES: Size = Size { runs: "ROBORENT_LIVES", usual: 10_000, seed: "ROBORENT_LIVES_SEED" };

const SCRIPTS: Size = Size { runs: "ROBORENT_SCRIPTS", usual: 2_000, seed: "ROBORENT_SCRIPTS_SEED" };

const BLOCKS: [Block; 5] = [
    Block {
        name: "lives",
        about: "random lives of the market against a model, five of them on both engines",
        how: How::Tests(&["--test", "market", "lives::", "--", "--nocapture"], Some(LIVES)),
    },
    Block {
        name: "races",
        about: "calls at once for what exists once, on both engines",
        how: How::Tests(&["--test", "market", "races::"], None),
    },
    Block {
        name: "gateway",
        about: "random stories of deposits, payouts, faults, forks and jumps of time, compared with the chain",
        how: How::Tests(&["--test", "gateway", "scripts::", "--", "--nocapture"], Some(SCRIPTS)),
    },
    Block { name: "crash", about: "kills, cut connections, lost machines", how: How::Tests(&["--test", "crash"], None) },
    Block {
        name: "fuzz-api",
        about: "schemathesis against /openapi.json of a sandbox: no 5xx, nothing that is not in the document",
        how: How::Program(fuzz_api::fuzz_api),
    },
];

/// What was asked for.
struct Wanted {
    only: Option<String>,
    runs: Option<u64>,
    seed: u64,
}

pub fn prove(arguments: Vec<OsString>) -> Result<(), String> {
    let mut wanted = Wanted { only: None, runs: None, seed: RandomState::new().build_hasher().finish() % 1_000_000_000 };
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        if name == "--list" {
            return BLOCKS.iter().try_for_each(|block| say(&format!("{:<12}{}", block.name, block.about)));
        }
        let value = arguments.next().and_then(|value| value.into_string().ok()).ok_or(USAGE)?;
        match name.to_str() {
            Some("--only") => wanted.only = Some(value),
            Some("--runs") => wanted.runs = Some(number(&value)?),
            Some("--seed") => wanted.seed = number(&value)?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    match &wanted.only {
        Some(name) if BLOCKS.iter().all(|block| block.name != name) => Err(format!("there is no block `{name}`; --list shows them")),
        _ => run(&wanted),
    }
}

/// Runs every block that is wanted, also after one that failed.
#[expect(clippy::disallowed_methods, reason = "how long a proof took, for people")]
fn run(wanted: &Wanted) -> Result<(), String> {
    let mut failed = Vec::new();
    for block in BLOCKS.iter().filter(|block| wanted.only.as_deref().is_none_or(|only| only == block.name)) {
        let started = Instant::now();
        say(&format!("==> {}: {}", block.name, block.about))?;
        let outcome = match &block.how {
            How::Program(program) => program(),
            How::Tests(tests, size) => test(block.name, tests, size.as_ref(), wanted),
        };
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        say(&format!("<== {}: {word}, {} s", block.name, started.elapsed().as_secs()))?;
        failed.extend(outcome.err().map(|why| format!("{}: {why}", block.name)));
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

fn test(name: &str, tests: &[&str], size: Option<&Size>, wanted: &Wanted) -> Result<(), String> {
    let mut command = Command::new("./test.sh");
    command.arg("--release").args(tests).current_dir(root());
    if let Some(Size { runs: runs_name, usual, seed: seed_name }) = size {
        let (runs, seed) = (wanted.runs.unwrap_or(*usual), wanted.seed);
        command.env(runs_name, runs.to_string()).env(seed_name, seed.to_string());
        say(&format!("    again: cargo xtask prove --only {name} --runs {runs} --seed {seed}"))?;
    }
    crate::run(&mut command)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is not a number\n{USAGE}"))
}

/// A line on standard output.
pub fn say(text: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{text}").map_err(|e| e.to_string())
}

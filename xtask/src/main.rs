//! Scripts of the project: `cargo xtask bench …`, `cargo xtask prove …`.

mod fuzz_api;
mod prove;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "Usage: cargo xtask bench [ledger|lifecycle|search|gateway|webhooks|sse|http|pages|mcp|cold|size|all] [--engine sqlite|postgres] [--rounds N] [--seconds S] [--clients 32] [--tasks N,…] [--addresses N,…]\n       \
                            cargo xtask prove [--only BLOCK] [--runs N] [--seed N] | --list";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let task = arguments.next();
    let done = match task.as_ref().and_then(|task| task.to_str()) {
        Some("bench") => bench(arguments.collect()),
        Some("prove") => prove::prove(arguments.collect()),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; then there is nobody to tell.
            drop(writeln!(std::io::stderr(), "xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Builds the release binaries, then measures with them.
fn bench(arguments: Vec<OsString>) -> Result<(), String> {
    run(Command::new("cargo").args(["build", "--quiet", "--release", "--locked", "-p", "roborent", "-p", "bench"]).current_dir(root()))?;
    run(Command::new(beside_me("bench")?).args(arguments).current_dir(root()))
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A file or folder in the build folder of this program.
fn beside_me(name: &str) -> Result<std::path::PathBuf, String> {
    std::env::current_exe().map(|me| me.with_file_name(name)).map_err(|e| e.to_string())
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|e| format!("{name}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name} ended with {status}")) }
}

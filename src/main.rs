//! The binary: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = roborent::cli::Cli::parse();
    let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    roborent::commands::run(&cli, environment)
}

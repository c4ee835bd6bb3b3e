//! A folder, and commands that are typed in it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Where an installation lives.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roborent"));
        command.env_clear().envs(environment.iter().map(|(name, value)| (format!("ROBORENT__{name}"), value)));
        command.arg("--data-dir").arg(self.path("data")).args(arguments);
        command
    }

    /// Runs it to its end.
    pub fn run(&self, environment: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(environment, arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It may have refused before it read anything.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    }

    /// What it prints when it does what it is told.
    pub fn told(&self, environment: &[(&str, &str)], arguments: &[&str], input: &str) -> String {
        let output = self.run(environment, arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", complaint(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one line that it complains in.
    pub fn refused(&self, environment: &[(&str, &str)], arguments: &[&str], input: &str) -> String {
        let output = self.run(environment, arguments, input);
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        complaint(&output)
    }
}

/// The last line of what was complained.
fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned()
}

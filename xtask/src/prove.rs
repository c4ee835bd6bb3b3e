//! The long proofs: blocks of tests, larger than in the daily run.

use std::ffi::OsString;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::process::Command;

use crate::{USAGE, root, run};

/// A block: tests that `./test.sh` runs, on a PostgreSQL of its own.
struct Block {
    name: &'static str,
    about: &'static str,
    tests: &'static [&'static str],
    size: Option<Size>,
}

/// What makes a block larger or another one, as the tests read it from the environment.
struct Size {
    runs: &'static str,
    usual: u64,
    seed: &'static str,
}

const BLOCKS: [Block; 3] = [
    Block {
        name: "lives",
        about: "random lives of the market against a model, five of them on both engines",
        tests: &["--test", "market", "lives::", "--", "--nocapture"],
        size: Some(Size { runs: "ROBORENT_LIVES", usual: 10_000, seed: "ROBORENT_LIVES_SEED" }),
    },
    Block {
        name: "races",
        about: "calls at once for what exists once, on both engines",
        tests: &["--test", "market", "races::"],
        size: None,
    },
    Block { name: "crash", about: "kills, cut connections, lost machines", tests: &["--test", "crash"], size: None },
];

/// Runs every block, or one; all of them, also after one that failed.
pub fn prove(arguments: Vec<OsString>) -> Result<(), String> {
    let (mut only, mut runs, mut seed) = (None, None, None);
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        if name == "--list" {
            return list();
        }
        let value = arguments.next().and_then(|value| value.into_string().ok()).ok_or(USAGE)?;
        match name.to_str() {
            Some("--only") => only = Some(value),
            Some("--runs") => runs = Some(number(&value)?),
            Some("--seed") => seed = Some(number(&value)?),
            _ => return Err(USAGE.to_owned()),
        }
    }
    let chosen: Vec<&Block> = BLOCKS.iter().filter(|block| only.as_ref().is_none_or(|only| only == block.name)).collect();
    if chosen.is_empty() {
        return Err(format!("there is no such block; cargo xtask prove --list names them\n{USAGE}"));
    }
    let seed = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000_000);
    let failed: Vec<String> = chosen.into_iter().filter_map(|block| block.run(runs, seed).err()).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

impl Block {
    fn run(&self, runs: Option<u64>, seed: u64) -> Result<(), String> {
        let mut command = Command::new("./test.sh");
        command.arg("--release").args(self.tests).current_dir(root());
        let mut said = format!("{}: {}", self.name, self.about);
        if let Some(Size { runs: name, usual, seed: seed_name }) = self.size {
            let runs = runs.unwrap_or(usual);
            command.env(name, runs.to_string()).env(seed_name, seed.to_string());
            said = format!("{said}; again: cargo xtask prove --only {} --runs {runs} --seed {seed}", self.name);
        }
        say(&said)?;
        run(&mut command).map_err(|error| format!("{}: {error}", self.name))
    }
}

fn list() -> Result<(), String> {
    BLOCKS.iter().try_for_each(|block| say(&format!("{:8}{}", block.name, block.about)))
}

fn say(text: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| error.to_string())
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is not a number\n{USAGE}"))
}

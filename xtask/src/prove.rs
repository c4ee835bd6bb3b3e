//! Proofs that take longer than a test may, each a block with a name: all of them, or one with `--only`.

use std::ffi::OsString;
use std::io::Write as _;
use std::time::Instant;

use crate::{USAGE, fuzz_api};

/// One proof.
struct Block {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<(), String>,
}

const BLOCKS: [Block; 1] = [Block {
    name: "fuzz-api",
    about: "schemathesis against /openapi.json of a sandbox: no 5xx, nothing that is not in the document",
    run: fuzz_api::fuzz_api,
}];

pub fn prove(arguments: &[OsString]) -> Result<(), String> {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => run(|_| true),
        ["--only", name] if BLOCKS.iter().any(|block| block.name == *name) => run(|block| block.name == *name),
        ["--only", name] => Err(format!("there is no block `{name}`; --list shows them")),
        ["--list"] => BLOCKS.iter().try_for_each(|block| say(&format!("{:<12}{}", block.name, block.about))),
        _ => Err(USAGE.to_owned()),
    }
}

/// Runs every block that is wanted, also after one that failed.
#[expect(clippy::disallowed_methods, reason = "how long a proof took, for people")]
fn run(wanted: impl Fn(&Block) -> bool) -> Result<(), String> {
    let mut failed = Vec::new();
    for block in BLOCKS.iter().filter(|block| wanted(block)) {
        let started = Instant::now();
        say(&format!("==> {}: {}", block.name, block.about))?;
        let outcome = (block.run)();
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        say(&format!("<== {}: {word}, {} s", block.name, started.elapsed().as_secs()))?;
        failed.extend(outcome.err().map(|why| format!("{}: {why}", block.name)));
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

/// A line on standard output.
pub fn say(text: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{text}").map_err(|e| e.to_string())
}

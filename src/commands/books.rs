//! Audits the books, and moves them between engines.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use ::audit::{Options, Report};
use ::store::{StoreError, Summary};
use tracing_subscriber::EnvFilter;

use crate::base::clock::machine_now;
use crate::base::config::Config;
use crate::cli::AuditArgs;
use crate::commands::{UNUSABLE, fail, say, wait_for};
use crate::gateway::runner::Books;
use crate::migrations::MIGRATIONS;
use crate::start::{self, StartError};

/// Exits 0 when every check holds, 1 on a violation, 2 when it could not look.
pub(super) fn audit(config: &Config, args: &AuditArgs) -> ExitCode {
    let told = report(config, |options| (options.strict, options.only) = (args.strict, args.only.clone())).and_then(|report| {
        let text = if args.json { report.to_json() } else { report.to_string() };
        say(text.trim_end())?;
        Ok(report.exit_code())
    });
    told.map_or_else(|error| fail(&error, UNUSABLE), ExitCode::from)
}

/// Audits, then writes every row to `out`; what is not right does not leave.
pub(super) fn export(config: &Config, out: &Path) -> Result<(), StartError> {
    show_progress();
    let report = report(config, |_| {})?;
    if report.exit_code() != 0 {
        note(report.to_string().trim_end());
        return Err(StartError("the books are not right: nothing was exported".into()));
    }
    let engine = start::engine(config);
    let summary = if is_standard(out) {
        ::store::export(&engine, &mut std::io::stdout()).map_err(refusal)?
    } else {
        let failed = |error: &dyn std::fmt::Display| StartError(format!("{}: {error}", out.display()));
        // It holds what is secret to users: for its owner only.
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(out);
        let mut file = file.map_err(|e| failed(&e))?;
        let summary = ::store::export(&engine, &mut file).map_err(refusal)?;
        if file.metadata().is_ok_and(|facts| facts.is_file()) {
            file.sync_all().map_err(|e| failed(&e))?;
        }
        summary
    };
    close(&summary, "exported", &report);
    Ok(())
}

/// Reads `file` into an empty database and audits the result.
pub(super) fn import(config: &Config, file: &Path) -> Result<(), StartError> {
    show_progress();
    let failed = |error: &dyn std::fmt::Display| StartError(format!("{}: {error}", file.display()));
    let mut input: Box<dyn BufRead + Send> = if is_standard(file) {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(file).map_err(|e| failed(&e))?))
    };
    let dir = &config.installation.data_dir;
    crate::base::installation::make_data_dir(dir).map_err(|e| StartError(format!("{}: {e}", dir.display())))?;
    let now = machine_now().as_milliseconds();
    let summary = ::store::import(&start::engine(config), MIGRATIONS, now, input.as_mut()).map_err(refusal)?;
    wait_for(start::complete_import(config.clone()))?;
    let report = report(config, |_| {})?;
    if report.exit_code() != 0 {
        note(report.to_string().trim_end());
        return Err(StartError("everything was imported, but the books are not right".into()));
    }
    close(&summary, "imported", &report);
    Ok(())
}

/// The auditor's report, by the rules of the settings and what `ask` changes of them.
pub(super) fn report(config: &Config, ask: impl FnOnce(&mut Options)) -> Result<Report, StartError> {
    let Books { source, mut options } = start::books(start::existing(config)?, config);
    ask(&mut options);
    ::audit::audit(&source, &options).map_err(|e| StartError(e.to_string()))
}

/// What is wrong is in the text; it may as well be the file as the database.
fn refusal(error: StoreError) -> StartError {
    match error {
        StoreError::Corrupt(text) | StoreError::Bug(text) => StartError(text),
        StoreError::Unavailable(_) | StoreError::Ambiguous(_) => StartError(format!("database: {error}")),
        other => StartError(other.to_string()),
    }
}

fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

fn close(summary: &Summary, done: &str, report: &Report) {
    let rows: u64 = summary.rows.iter().map(|(_, rows)| rows).sum();
    note(&format!("{rows} rows of {} tables {done}, file sha256:{}", summary.rows.len(), summary.sha256));
    note(&format!("the books are right, ledger {}", report.digest));
}

/// Writes a line beside the output.
fn note(text: &str) {
    // Standard error may be closed; then there is nobody to tell.
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// The store tells of each table as an event.
fn show_progress() {
    let builder = tracing_subscriber::fmt().with_env_filter(EnvFilter::new("warn,store=info")).with_writer(std::io::stderr);
    // In a process that has its own subscriber, that one stays.
    drop(builder.with_ansi(false).with_target(false).with_level(false).without_time().compact().try_init());
}

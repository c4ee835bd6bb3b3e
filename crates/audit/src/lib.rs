//! The independent auditor: recomputes from the tables alone whether the books are right.
//!
//! It shares table and column names with the code that writes them and nothing else, so that a mistake there cannot
//! hide itself here. It only reads: one read transaction, one snapshot, streamed row by row, sums in `i128`.
//!
//! A new check is one file in `checks/` and one row in `checks::CHECKS`. A new migration needs [`NEWEST_SCHEMA`] moved,
//! after thinking about what the auditor must know of it.

mod accounts;
mod calendar;
mod checks;
mod error;
mod findings;
mod groups;
mod json;
mod json_text;
mod ledger;
mod life;
mod notation;
mod reader;
mod report;
mod rules;
mod sameness;
mod signed;
mod totals;

use std::any::Any;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub use error::AuditError;
pub use report::{CheckOutcome, Report, Verdict};

use checks::{CHECKS, Check, Look};
use findings::Findings;
use reader::Reader;

/// The oldest schema (highest migration number) that has every table the auditor always reads.
pub const OLDEST_SCHEMA: i64 = 3;
/// The newest schema the auditor knows. A newer one may hold money it does not look at, so it refuses.
pub const NEWEST_SCHEMA: i64 = 12;

/// The database to audit.
#[derive(Clone)]
pub enum Source {
    /// A SQLite file, also one that a server is using.
    Sqlite(PathBuf),
    /// A `postgres://` url as `tokio-postgres` reads it. TLS is used when it says `sslmode=require`.
    Postgres(String),
}

/// What to check and how strictly.
#[derive(Clone, Debug)]
pub struct Options {
    /// A skipped check counts as "could not complete" (exit status 2).
    pub strict: bool,
    /// Ids of the checks to run, such as `M1`; empty means all.
    pub only: Vec<String>,
    /// For how many months after registration somebody earns his referrer commissions: what the server is configured with.
    pub commission_months: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { strict: false, only: Vec::new(), commission_months: 12 }
    }
}

/// Audits `source` and says what it found. Blocks; may be called inside and outside a tokio runtime.
///
/// An error means that the auditor could not look, which is never the same as "all well": a missing table, an
/// unreadable cell and a panic in a check all end up here.
pub fn audit(source: &Source, options: &Options) -> Result<Report, AuditError> {
    let selected = select(&options.only)?;
    // A thread of its own, because PostgreSQL's runtime cannot be started on a thread that already drives one, and
    // because a panic in a check then ends here as an error.
    std::thread::scope(|scope| {
        scope.spawn(|| run(source, options, &selected)).join().unwrap_or_else(|panic| Err(AuditError::Crashed(panic_text(panic.as_ref()))))
    })
}

fn select(only: &[String]) -> Result<Vec<&'static Check>, AuditError> {
    if only.is_empty() {
        return Ok(CHECKS.iter().collect());
    }
    if let Some(unknown) = only.iter().find(|id| !CHECKS.iter().any(|check| check.id.eq_ignore_ascii_case(id))) {
        return Err(AuditError::UnknownCheck(unknown.clone()));
    }
    Ok(CHECKS.iter().filter(|check| only.iter().any(|id| check.id.eq_ignore_ascii_case(id))).collect())
}

fn run(source: &Source, options: &Options, selected: &[&'static Check]) -> Result<Report, AuditError> {
    let started = stopwatch();
    let reader = Reader::open(source)?;
    let snapshot_at = wall_clock();
    let schema = schema(&reader)?;
    let mut checks = Vec::with_capacity(selected.len());
    for check in selected {
        checks.push(outcome(check, &reader, options, schema)?);
    }
    let totals = totals::totals(&reader)?;
    let engine = reader.engine();
    reader.finish()?;
    Ok(Report {
        engine,
        schema,
        snapshot_at,
        checks,
        digest: totals.digest,
        accounts: totals.accounts,
        liabilities: totals.liabilities,
        revenue: totals.revenue,
        elapsed: started.elapsed(),
        strict: options.strict,
    })
}

#[expect(clippy::disallowed_methods, reason = "measures how long the audit takes and decides nothing")]
fn stopwatch() -> Instant {
    Instant::now()
}

/// Milliseconds since 1970. Only tells the reader of a report how old it is.
#[expect(clippy::disallowed_methods, reason = "the auditor has no context that could hand it a clock")]
fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn schema(reader: &Reader) -> Result<i64, AuditError> {
    let mut newest = 0;
    reader.rows("select number from migrations order by number", |row| {
        newest = row.int(0)?;
        Ok(())
    })?;
    if (OLDEST_SCHEMA..=NEWEST_SCHEMA).contains(&newest) { Ok(newest) } else { Err(AuditError::UnknownSchema { found: newest }) }
}

fn outcome(check: &Check, reader: &Reader, options: &Options, schema: i64) -> Result<CheckOutcome, AuditError> {
    let mut findings = Findings::default();
    let verdict = if schema < check.since {
        Verdict::Skip(format!("schema {schema} is older than this check ({})", check.since))
    } else {
        let looked = match check.look {
            Look::Tables(look) => look(reader, &mut findings),
            Look::Months(look) => look(reader, options.commission_months, &mut findings),
        };
        looked.map_err(|cause| AuditError::Check { id: check.id, cause: Box::new(cause) })?;
        if findings.violations == 0 { Verdict::Ok } else { Verdict::Fail }
    };
    Ok(CheckOutcome {
        id: check.id,
        name: check.name,
        counts: findings.counts,
        verdict,
        offenders: findings.offenders,
        violations: findings.violations,
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

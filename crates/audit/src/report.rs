//! What an audit found, as values and as text.

use std::fmt;
use std::time::Duration;

use crate::notation::{instant, usdt};

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It ran and holds.
    Ok,
    /// It ran and found at least one violation.
    Fail,
    /// It did not run, for this reason.
    Skip(String),
}

/// The result of one check.
#[derive(Clone, Debug)]
pub struct CheckOutcome {
    /// Short id such as `M1`.
    pub id: &'static str,
    /// What must hold.
    pub name: &'static str,
    /// How much was looked at.
    pub counts: Vec<(&'static str, i128)>,
    /// How it ended.
    pub verdict: Verdict,
    /// The first violations, at most 20, with what was expected and what was found.
    pub offenders: Vec<String>,
    /// How many violations there are in all.
    pub violations: u64,
}

/// The result of one audit. Prints as the text for people; [`Report::to_json`] is the one for programs.
#[derive(Clone, Debug)]
pub struct Report {
    /// `sqlite` or `postgres`.
    pub engine: &'static str,
    /// The highest migration number.
    pub schema: i64,
    /// When the snapshot was taken, milliseconds since 1970-01-01 UTC.
    pub snapshot_at: i64,
    /// One outcome per selected check.
    pub checks: Vec<CheckOutcome>,
    /// `sha256:…` over all transactions and postings in id order: equal ledgers have equal digests on any engine.
    pub digest: String,
    /// Number of accounts.
    pub accounts: u64,
    /// Owed to users in micro-USDT: available, in escrow and on hold.
    pub liabilities: i128,
    /// The platform's fees in micro-USDT.
    pub revenue: i128,
    /// How long the audit took.
    pub elapsed: Duration,
    pub(crate) strict: bool,
}

impl Report {
    /// Violations over all checks.
    pub fn violations(&self) -> u64 {
        self.checks.iter().map(|check| check.violations).sum()
    }

    /// Number of checks that did not run.
    pub fn skipped(&self) -> usize {
        let skips = self.checks.iter().filter(|check| matches!(check.verdict, Verdict::Skip(_)));
        skips.count()
    }

    /// 0 = every check holds, 1 = a violation, 2 = a check was skipped in strict mode.
    pub fn exit_code(&self) -> u8 {
        if self.violations() > 0 {
            1
        } else if self.strict && self.skipped() > 0 {
            2
        } else {
            0
        }
    }
}

impl fmt::Display for CheckOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match &self.verdict {
            Verdict::Ok => "ok",
            Verdict::Fail => "FAIL",
            Verdict::Skip(_) => "skip",
        };
        let title = format!("{} {}", self.id, self.name);
        let mut facts: Vec<String> = self.counts.iter().map(|(label, n)| format!("{label} {n}")).collect();
        match &self.verdict {
            Verdict::Ok => {}
            Verdict::Fail => facts.push(format!("wrong {}", self.violations)),
            Verdict::Skip(reason) => facts.push(reason.clone()),
        }
        write!(f, "{mark:<5} {title:<26}{}", facts.join("  "))?;
        for offender in &self.offenders {
            write!(f, "\n        {offender}")?;
        }
        let unnamed = self.violations.saturating_sub(self.offenders.len() as u64);
        if unnamed > 0 {
            write!(f, "\n        … and {unnamed} more")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "roborent audit · {} · schema {} · snapshot {} · read-only", self.engine, self.schema, instant(self.snapshot_at))?;
        for check in &self.checks {
            writeln!(f, "{check}")?;
        }
        writeln!(
            f,
            "digest {}  accounts {}  liabilities {}  revenue {}",
            self.digest,
            self.accounts,
            usdt(self.liabilities),
            usdt(self.revenue)
        )?;
        let violations = self.violations();
        let tenths = self.elapsed.as_millis() / 100;
        write!(
            f,
            "{violations} violation{}, {} check{}, {} skipped, {}.{} s",
            if violations == 1 { "" } else { "s" },
            self.checks.len(),
            if self.checks.len() == 1 { "" } else { "s" },
            self.skipped(),
            tenths / 10,
            tenths % 10
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(id: &'static str, verdict: Verdict, violations: u64) -> CheckOutcome {
        CheckOutcome {
            id,
            name: "books balance",
            counts: vec![("transactions", 3), ("sum", 0)],
            verdict,
            offenders: (0..violations.min(20)).map(|n| format!("account {n}: \"wrong\"")).collect(),
            violations,
        }
    }

    fn report(checks: Vec<CheckOutcome>, strict: bool) -> Report {
        Report {
            engine: "sqlite",
            schema: 3,
            snapshot_at: 1_779_530_400_000,
            checks,
            digest: "sha256:5f3c".to_owned(),
            accounts: 7,
            liabilities: 91_233_104_000,
            revenue: -1,
            elapsed: Duration::from_millis(850),
            strict,
        }
    }

    #[test]
    fn the_text_has_one_line_per_check_and_names_the_offenders() {
        let skip = Verdict::Skip("no --chain given".to_owned());
        let checks = vec![outcome("M1", Verdict::Ok, 0), outcome("M2", Verdict::Fail, 22), outcome("C7", skip, 0)];
        let text = report(checks, false).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "roborent audit · sqlite · schema 3 · snapshot 2026-05-23T10:00:00Z · read-only");
        assert_eq!(lines[1], "ok    M1 books balance          transactions 3  sum 0");
        assert_eq!(lines[2], "FAIL  M2 books balance          transactions 3  sum 0  wrong 22");
        assert_eq!(lines[3], "        account 0: \"wrong\"");
        assert_eq!(lines[23], "        … and 2 more");
        assert_eq!(lines[24], "skip  C7 books balance          transactions 3  sum 0  no --chain given");
        assert_eq!(lines[25], "digest sha256:5f3c  accounts 7  liabilities 91233.104000  revenue -0.000001");
        assert_eq!(lines[26], "22 violations, 3 checks, 1 skipped, 0.8 s");
    }

    #[test]
    fn a_violation_is_1_and_a_skip_is_2_only_when_strict() {
        let skip = || outcome("C7", Verdict::Skip("later".to_owned()), 0);
        assert_eq!(report(vec![outcome("M1", Verdict::Ok, 0)], true).exit_code(), 0);
        assert_eq!(report(vec![skip()], false).exit_code(), 0);
        assert_eq!(report(vec![skip()], true).exit_code(), 2);
        assert_eq!(report(vec![outcome("M1", Verdict::Fail, 1), skip()], true).exit_code(), 1);
    }

    #[test]
    fn json_escapes_what_offenders_say() {
        let json = report(vec![outcome("M2", Verdict::Fail, 1)], false).to_json();
        assert_eq!(
            json,
            "{\"engine\":\"sqlite\",\"schema\":3,\"snapshot\":\"2026-05-23T10:00:00Z\",\"checks\":[{\"id\":\"M2\",\
             \"name\":\"books balance\",\"verdict\":\"fail\",\"reason\":null,\"counts\":{\"transactions\":3,\"sum\":0},\
             \"violations\":1,\"offenders\":[\"account 0: \\\"wrong\\\"\"]}],\"digest\":\"sha256:5f3c\",\"accounts\":7,\
             \"liabilities\":\"91233.104000\",\"revenue\":\"-0.000001\",\"violations\":1,\"skipped\":0,\
             \"elapsed_ms\":850,\"exit\":1}"
        );
    }
}

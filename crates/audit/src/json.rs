//! The report as JSON, written by hand: the shape is small and a dependency less is one to trust less.

use std::fmt::Write as _;

use crate::notation::{instant, usdt};
use crate::{CheckOutcome, Report, Verdict};

impl Report {
    /// The report as one JSON object. Amounts are decimal strings, so that no reader turns them into floats.
    pub fn to_json(&self) -> String {
        let checks: Vec<String> = self.checks.iter().map(check).collect();
        format!(
            "{{\"engine\":{},\"schema\":{},\"snapshot\":{},\"checks\":[{}],\"digest\":{},\"accounts\":{},\
             \"liabilities\":{},\"revenue\":{},\"violations\":{},\"skipped\":{},\"elapsed_ms\":{},\"exit\":{}}}",
            text(self.engine),
            self.schema,
            text(&instant(self.snapshot_at)),
            checks.join(","),
            text(&self.digest),
            self.accounts,
            text(&usdt(self.liabilities)),
            text(&usdt(self.revenue)),
            self.violations(),
            self.skipped(),
            self.elapsed.as_millis(),
            self.exit_code()
        )
    }
}

fn check(outcome: &CheckOutcome) -> String {
    let (verdict, reason) = match &outcome.verdict {
        Verdict::Ok => ("ok", "null".to_owned()),
        Verdict::Fail => ("fail", "null".to_owned()),
        Verdict::Skip(reason) => ("skip", text(reason)),
    };
    let counts: Vec<String> = outcome.counts.iter().map(|(label, n)| format!("{}:{n}", text(label))).collect();
    let offenders: Vec<String> = outcome.offenders.iter().map(|offender| text(offender)).collect();
    format!(
        "{{\"id\":{},\"name\":{},\"verdict\":{},\"reason\":{reason},\"counts\":{{{}}},\"violations\":{},\"offenders\":[{}]}}",
        text(outcome.id),
        text(outcome.name),
        text(verdict),
        counts.join(","),
        outcome.violations,
        offenders.join(",")
    )
}

fn text(raw: &str) -> String {
    let mut quoted = String::with_capacity(raw.len() + 2);
    quoted.push('"');
    for c in raw.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => write!(quoted, "\\u{:04x}", u32::from(c)).expect("writing to a String does not fail"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn quotes_backslashes_and_control_characters_are_escaped() {
        assert_eq!(text("a\"b\\c\nd·"), "\"a\\\"b\\\\c\\u000ad·\"");
    }
}

//! What one check collects while it runs.

/// At most this many offenders are named; the rest is only counted.
pub(crate) const OFFENDERS_MAX: usize = 20;

/// Counts for the reader, offenders for whoever has to repair.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) counts: Vec<(&'static str, i128)>,
    pub(crate) offenders: Vec<String>,
    pub(crate) violations: u64,
}

impl Findings {
    /// Says how much was looked at.
    pub(crate) fn count(&mut self, label: &'static str, n: impl Into<i128>) {
        self.counts.push((label, n.into()));
    }

    /// Notes one violation. The text is only made when it will be shown.
    pub(crate) fn wrong(&mut self, offender: impl FnOnce() -> String) {
        if self.offenders.len() < OFFENDERS_MAX {
            self.offenders.push(offender());
        }
        self.violations += 1;
    }

    /// Notes one violation unless `holds`.
    pub(crate) fn require(&mut self, holds: bool, offender: impl FnOnce() -> String) {
        if !holds {
            self.wrong(offender);
        }
    }
}

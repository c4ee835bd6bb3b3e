//! Figures as whole numbers, and how they are written.

use std::fmt;
use std::io::Write as _;
use std::time::Duration;

/// Writes a line at once, so that a long run can be watched.
pub fn say(text: &str) {
    // Nobody may be reading; the exit code still tells.
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// Whether a bound holds.
pub const fn judged(holds: bool) -> &'static str {
    if holds { "ok" } else { "MISSED" }
}

pub fn per_second(count: u64, elapsed: Duration) -> u64 {
    let per_second = u128::from(count) * 1_000_000_000 / elapsed.as_nanos().max(1);
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

/// A number with one decimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tenths(pub u64);

impl Tenths {
    pub fn of(total: u64, parts: u64) -> Self {
        Self(total.saturating_mul(10) / parts.max(1))
    }

    pub fn microseconds_each(total: Duration, parts: u64) -> Self {
        Self::of(u64::try_from(total.as_micros()).unwrap_or(u64::MAX), parts)
    }
}

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.0 / 10, self.0 % 10))
    }
}

/// A number with two decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hundredths(u64);

impl Hundredths {
    pub fn of(total: u64, parts: u64) -> Self {
        Self(total.saturating_mul(100) / parts.max(1))
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:02}", self.0 / 100, self.0 % 100))
    }
}

/// How many times one figure is in another, with two decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Times(pub u64);

impl Times {
    pub fn of(larger: u64, smaller: u64) -> Self {
        Self(larger.saturating_mul(100) / smaller.max(1))
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}x", self.0 / 100, self.0 % 100)
    }
}

/// Several runs of the same thing: the middle, the least and the most.
pub struct Spread {
    pub median: u64,
    least: u64,
    most: u64,
}

impl Spread {
    pub fn of(mut figures: Vec<u64>) -> Self {
        figures.sort_unstable();
        let at = |n: usize| figures.get(n).copied().unwrap_or(0);
        let middle = figures.len() / 2;
        let median = if figures.len() % 2 == 1 { at(middle) } else { u64::midpoint(at(middle.saturating_sub(1)), at(middle)) };
        Self { median, least: at(0), most: at(figures.len().saturating_sub(1)) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}–{})", self.median, self.least, self.most)
    }
}

/// The figure that so many permille are not above.
pub fn percentile(figures: &[u32], permille: usize) -> u32 {
    let mut figures = figures.to_vec();
    figures.sort_unstable();
    figures.get((figures.len() * permille / 1_000).min(figures.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// p50 and p99 of latencies in microseconds.
pub fn latencies(microseconds: &[u32]) -> String {
    let at = |permille| Hundredths::of(u64::from(percentile(microseconds, permille)), 1_000);
    format!("p50 {} ms, p99 {} ms", at(500), at(990))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_down_and_written_with_their_decimals() {
        assert_eq!(Times::of(352, 100).to_string(), "3.52x");
        assert_eq!(Tenths::of(25, 2).to_string(), "12.5");
        assert_eq!(per_second(500, Duration::from_millis(250)), 2_000);
        assert_eq!(latencies(&(1..=1_000).map(|n| n * 100).collect::<Vec<_>>()), "p50 50.10 ms, p99 99.10 ms");
    }

    #[test]
    fn the_middle_of_an_even_number_of_runs_lies_between_two() {
        assert_eq!(Spread::of(vec![4, 1, 3, 2]).to_string(), "2 (1–4)");
        assert_eq!(Spread::of(vec![9, 1, 5]).to_string(), "5 (1–9)");
    }
}

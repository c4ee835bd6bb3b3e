//! Instants, and the one place that reads the machine's clock.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use store::{Cell, Field, Kind, Mismatch, Value};

/// An instant: milliseconds since 1970-01-01 UTC. RFC 3339 on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ts(i64);

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(i64);

impl Span {
    /// From milliseconds.
    pub const fn milliseconds(n: i64) -> Self {
        Self(n)
    }
    /// From seconds.
    pub const fn seconds(n: i64) -> Self {
        Self(n * 1_000)
    }
    /// From minutes.
    pub const fn minutes(n: i64) -> Self {
        Self::seconds(n * 60)
    }
    /// From hours.
    pub const fn hours(n: i64) -> Self {
        Self::minutes(n * 60)
    }
    /// From days of 24 hours.
    pub const fn days(n: i64) -> Self {
        Self::hours(n * 24)
    }
    /// In milliseconds.
    pub const fn as_milliseconds(self) -> i64 {
        self.0
    }
    /// So many percent of it.
    #[must_use]
    pub const fn percent(self, n: i64) -> Self {
        Self(self.0.saturating_mul(n) / 100)
    }
    /// In whole seconds, rounded up: what Retry-After says.
    pub fn as_seconds_up(self) -> u64 {
        u64::try_from(self.0.saturating_add(999) / 1_000).unwrap_or(0)
    }
}

impl Ts {
    /// From milliseconds since 1970-01-01 UTC.
    pub const fn from_milliseconds(n: i64) -> Self {
        Self(n)
    }
    /// Milliseconds since 1970-01-01 UTC.
    pub const fn as_milliseconds(self) -> i64 {
        self.0
    }
    /// Whole seconds since 1970-01-01 UTC, as JWTs count.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }
    /// Later by `span`.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
    /// Earlier by `span`.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
    /// Later by so many months of the calendar, in UTC; the last day of a shorter month stands for a missing one.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let later = |at: Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).checked_add(jiff::Span::new().months(months)).ok();
        let at = Timestamp::from_millisecond(self.0).ok().and_then(later);
        Self(at.map_or(i64::MAX, |at| at.timestamp().as_millisecond()))
    }
    /// How long after `earlier`.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }
}

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl Serialize for Ts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected a time such as 2026-05-23T10:00:00Z"))
    }
}

impl JsonSchema for Ts {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "RFC 3339, UTC" })
    }
}

impl Field for Ts {
    const KIND: Kind = Kind::Int;
    fn store(&self) -> Value<'_> {
        Value::Int(self.0)
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        i64::load(cell).map(Self)
    }
}

/// Tells operations what time it is. The sandbox moves it forward, tests set it.
#[derive(Debug)]
pub struct Clock {
    ahead_ms: AtomicI64,
    frozen: bool,
}

impl Clock {
    /// The machine's clock, `ahead` of it.
    pub fn machine(ahead: Span) -> Self {
        Self { ahead_ms: AtomicI64::new(ahead.0), frozen: false }
    }

    /// A clock that stands at `at` until it is moved.
    pub fn standing_at(at: Ts) -> Self {
        Self { ahead_ms: AtomicI64::new(at.0), frozen: true }
    }

    /// The time that operations see.
    pub fn now(&self) -> Ts {
        let base = if self.frozen { Ts(0) } else { machine_now() };
        base.plus(Span(self.ahead_ms.load(Ordering::Acquire)))
    }

    /// Moves the clock; only forward in the sandbox.
    pub fn advance(&self, span: Span) {
        self.ahead_ms.fetch_add(span.0, Ordering::AcqRel);
    }

    /// How far ahead of the machine the clock is.
    pub fn ahead(&self) -> Span {
        Span(self.ahead_ms.load(Ordering::Acquire))
    }
}

/// The machine's own time, for what compares with the world outside.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
pub fn machine_now() -> Ts {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ts(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_rfc_3339_with_milliseconds() {
        assert_eq!(Ts(1_795_000_000_123).to_string(), "2026-11-18T11:06:40.123Z");
        assert_eq!(Ts::parse("2026-11-18T11:06:40.123Z"), Some(Ts(1_795_000_000_123)));
        assert_eq!(Ts::parse("yesterday"), None);
    }

    #[test]
    fn retry_after_is_rounded_up() {
        assert_eq!(Span(1).as_seconds_up(), 1);
        assert_eq!(Span(60_000).as_seconds_up(), 60);
        assert_eq!(Span(-5).as_seconds_up(), 0);
    }
}

//! Limits: what they are called, how they are written ("5/h"), and the arithmetic of the per-minute ones.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::base::clock::{Span, Ts};
use crate::base::error::{Error, Refusal};

/// Which limit counts a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Registrations and sign-ups, per client address.
    Register,
    /// Sign-ins, per client address.
    SignIn,
    /// Failed sign-ins, per e-mail address.
    SignInFailure,
    /// Wrong codes of second factors, per user.
    SecondFactorFailure,
    /// Refreshed tokens, per client address.
    Refresh,
    /// Mails, per e-mail address.
    Mail,
    /// Accepting tasks.
    Accept,
    /// Submitting proofs.
    Submit,
    /// Cancelling acceptances.
    Cancel,
    /// Publishing tasks.
    Publish,
    /// Approving, rejecting, tipping.
    Review,
    /// Withdrawing.
    Withdraw,
    /// Reads, search and every other write.
    Read,
    /// Everything over MCP.
    Mcp,
}

impl Policy {
    /// Every one, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::Register,
        Self::SignIn,
        Self::SignInFailure,
        Self::SecondFactorFailure,
        Self::Refresh,
        Self::Mail,
        Self::Accept,
        Self::Submit,
        Self::Cancel,
        Self::Publish,
        Self::Review,
        Self::Withdraw,
        Self::Read,
        Self::Mcp,
    ];

    /// As in the headers and the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
            Self::SignInFailure => "sign_in_failure",
            Self::SecondFactorFailure => "second_factor_failure",
            Self::Refresh => "refresh",
            Self::Mail => "mail",
            Self::Accept => "accept",
            Self::Submit => "submit",
            Self::Cancel => "cancel",
            Self::Publish => "publish",
            Self::Review => "review",
            Self::Withdraw => "withdraw",
            Self::Read => "read",
            Self::Mcp => "mcp",
        }
    }
}

/// So many calls in so much time, written `5/h`, `300/min` or `2/s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub quota: u32,
    /// In how much time.
    pub window: Window,
}

/// The time a limit speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Kept in memory on each node.
    Second,
    /// Kept in memory on each node.
    Minute,
    /// Kept in the database, exact in every rolling hour.
    Hour,
}

impl Window {
    /// Its length.
    pub const fn span(self) -> Span {
        match self {
            Self::Second => Span::seconds(1),
            Self::Minute => Span::minutes(1),
            Self::Hour => Span::hours(1),
        }
    }

    /// Whether the database counts.
    pub const fn is_in_the_database(self) -> bool {
        matches!(self, Self::Hour)
    }
}

impl Limit {
    /// So many in an hour.
    pub const fn per_hour(quota: u32) -> Self {
        Self { quota, window: Window::Hour }
    }
    /// So many in a minute.
    pub const fn per_minute(quota: u32) -> Self {
        Self { quota, window: Window::Minute }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.window {
            Window::Second => "s",
            Window::Minute => "min",
            Window::Hour => "h",
        };
        write!(f, "{}/{unit}", self.quota)
    }
}

impl FromStr for Limit {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "expected a limit such as \"5/h\", \"300/min\" or \"10/s\", at least 1";
        let (quota, unit) = text.split_once('/').ok_or(WANTED)?;
        let window = match unit.trim() {
            "s" => Window::Second,
            "min" => Window::Minute,
            "h" => Window::Hour,
            _ => return Err(WANTED),
        };
        match quota.trim().parse() {
            Ok(quota @ 1..=100_000_000) => Ok(Self { quota, window }),
            _ => Err(WANTED),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Error {
    /// The limit is used up; the next call is free after `wait`.
    pub fn rate_limited(policy: Policy, limit: Limit, wait: Span) -> Self {
        Self::from(Refusal::RateLimited { policy: policy.name(), limit: limit.to_string() }).retry_after(wait.as_seconds_up().max(1))
    }
}

/// What a caller is told of a limit, in the headers of each answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitState {
    /// Which one.
    pub policy: Policy,
    /// Its value.
    pub limit: Limit,
    /// Calls left at this moment.
    pub remaining: u32,
    /// Until the next one is free again, or all of them are.
    pub reset: Span,
}

/// The outcome of asking a per-minute limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gcra {
    /// Goes through.
    Allowed {
        /// The new theoretical arrival time, in microseconds since 1970; to be remembered.
        arrival_us: i64,
        /// Calls left now.
        remaining: u32,
        /// Until all are free.
        reset: Span,
    },
    /// Refused.
    Refused {
        /// Until one is free.
        retry_after: Span,
    },
}

/// The generic cell rate algorithm: the whole quota may come at once, then one each `window / quota`.
pub fn gcra(arrival_us: Option<i64>, now: Ts, limit: Limit) -> Gcra {
    let now_us = now.as_milliseconds().saturating_mul(1_000);
    let window_us = limit.window.span().as_milliseconds() * 1_000;
    let interval_us = (window_us / i64::from(limit.quota)).max(1);
    // After the clock was set back, what is remembered may lie further ahead than any call can bring it.
    let next = arrival_us.map_or(now_us, |arrival| arrival.clamp(now_us, now_us.saturating_add(window_us))).saturating_add(interval_us);
    let allowed_from = next.saturating_sub(window_us);
    let span_up = |us: i64| Span::milliseconds(us.saturating_add(999) / 1_000);
    if allowed_from > now_us {
        return Gcra::Refused { retry_after: span_up(allowed_from - now_us) };
    }
    let remaining = u32::try_from((now_us - allowed_from) / interval_us).unwrap_or(u32::MAX).min(limit.quota - 1);
    Gcra::Allowed { arrival_us: next, remaining, reset: span_up(next - now_us) }
}

const SHARDS: usize = 16;
const KEPT_MAX: usize = 65_536;

type Key = (Uuid, Policy);

/// The per-minute limits of this node.
#[derive(Debug, Default)]
pub struct MinuteLimits {
    shards: [Mutex<HashMap<Key, i64>>; SHARDS],
}

impl MinuteLimits {
    /// Counts one call of `subject`; refused with the time to wait.
    pub fn take(&self, subject: Uuid, policy: Policy, limit: Limit, now: Ts) -> Result<LimitState, Span> {
        let shard = usize::from(subject.as_bytes()[15]) % SHARDS;
        let mut kept = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        match gcra(kept.get(&(subject, policy)).copied(), now, limit) {
            Gcra::Refused { retry_after } => Err(retry_after),
            Gcra::Allowed { arrival_us, remaining, reset } => {
                if kept.len() >= KEPT_MAX {
                    // Whoever has every call free again needs no memory.
                    kept.retain(|_, arrival_us| *arrival_us > now.as_milliseconds().saturating_mul(1_000));
                }
                kept.insert((subject, policy), arrival_us);
                Ok(LimitState { policy, limit, remaining, reset })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_people_say_them() {
        for text in ["5/h", "300/min", "10/s"] {
            assert_eq!(text.parse::<Limit>().expect(text).to_string(), text);
        }
        for text in ["", "5", "0/h", "-1/h", "5/day", "five/h", "5/h/h"] {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_quota_may_come_at_once_and_then_refills_evenly() {
        let limits = MinuteLimits::default();
        let (who, limit) = (Uuid::from_u128(7), Limit::per_minute(120));
        let start = Ts::from_milliseconds(1_000_000);
        for left in (0..120).rev() {
            assert_eq!(limits.take(who, Policy::Read, limit, start).expect("within the quota").remaining, left);
        }
        assert_eq!(limits.take(who, Policy::Read, limit, start), Err(Span::milliseconds(500)));
        assert!(limits.take(who, Policy::Read, limit, start.plus(Span::milliseconds(499))).is_err());
        assert!(limits.take(who, Policy::Read, limit, start.plus(Span::milliseconds(500))).is_ok());
        assert!(limits.take(Uuid::from_u128(8), Policy::Read, limit, start).is_ok(), "another user has a quota of his own");
        assert_eq!(limits.take(who, Policy::Read, limit, start.plus(Span::hours(1))).expect("free again").remaining, 119);
    }
}

//! The settings of events and webhooks. Two of them have a form of their own: when a failed attempt is repeated, and whether
//! this machine may be sent to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::base::clock::Span;

/// Who is told what happens.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// Streams and waiting calls that a user may hold open on one node.
    pub streams_per_user_max: usize,
}

/// Sending events to users' addresses.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// Whether `127.0.0.1`, `::1` and `localhost` may be sent to, on any port: `auto` is yes in the sandbox, no elsewhere.
    pub allow_loopback: Loopback,
    /// How long after a failed attempt the next one is made, one after the other: at most 8, within 48 hours.
    pub retries: Retries,
    /// Deadline of an attempt, in milliseconds.
    pub timeout_ms: u64,
    /// Attempts under way at once, on one node.
    pub attempts_at_once: usize,
    /// And at one address.
    pub attempts_at_once_per_endpoint: usize,
    /// An address that only fails for so long is switched off.
    pub switched_off_after_days: u16,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            allow_loopback: Loopback::Auto,
            retries: Retries::usual(),
            timeout_ms: 10_000,
            attempts_at_once: 256,
            attempts_at_once_per_endpoint: 16,
            switched_off_after_days: 5,
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self { streams_per_user_max: 16 }
    }
}

const RETRIES_MAX: usize = 8;
const WITHIN: Span = Span::hours(48);

/// How long after each failed attempt the next one is made, written in seconds: `10, 60, 360`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retries(Vec<Span>);

impl Retries {
    /// After 10 seconds, a minute and six minutes.
    pub fn usual() -> Self {
        Self(vec![Span::seconds(10), Span::seconds(60), Span::seconds(360)])
    }

    /// How long to wait after the `failed`-th attempt has failed; nothing when it was the last one.
    pub fn after(&self, failed: usize) -> Option<Span> {
        self.0.get(failed.checked_sub(1)?).copied()
    }
}

impl fmt::Display for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds: Vec<String> = self.0.iter().map(|span| span.as_seconds_up().to_string()).collect();
        f.write_str(&seconds.join(", "))
    }
}

impl FromStr for Retries {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let seconds: Result<Vec<u32>, _> = parts.map(str::parse).collect();
        let spans: Vec<Span> =
            seconds.map_err(|_| "expected whole seconds such as \"10, 60, 360\"")?.into_iter().map(|n| Span::seconds(n.into())).collect();
        let total: i64 = spans.iter().map(|span| span.as_milliseconds()).sum();
        if spans.len() > RETRIES_MAX || total > WITHIN.as_milliseconds() {
            return Err("at most 8 retries within 48 hours");
        }
        Ok(Self(spans))
    }
}

impl Serialize for Retries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Retries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Whether webhooks may lead to this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loopback {
    /// In the sandbox.
    #[default]
    Auto,
    /// Asked for.
    Yes,
    /// Never.
    No,
}

impl Loopback {
    /// Whether they may, in a sandbox or elsewhere.
    pub const fn is_allowed(self, sandbox: bool) -> bool {
        sandbox && !matches!(self, Self::No)
    }
}

impl Serialize for Loopback {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Yes => serializer.serialize_str("true"),
            Self::No => serializer.serialize_str("false"),
        }
    }
}

impl<'de> Deserialize<'de> for Loopback {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl de::Visitor<'_> for Read {
            type Value = Loopback;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or \"auto\"")
            }
            fn visit_bool<E>(self, yes: bool) -> Result<Loopback, E> {
                Ok(if yes { Loopback::Yes } else { Loopback::No })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Loopback, E> {
                match text.trim() {
                    "auto" => Ok(Loopback::Auto),
                    "true" => Ok(Loopback::Yes),
                    "false" => Ok(Loopback::No),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_seconds_and_have_bounds() {
        let usual: Retries = "10, 60, 360".parse().expect("seconds");
        assert_eq!((usual.to_string().as_str(), usual.clone()), ("10, 60, 360", Retries::usual()));
        assert_eq!([0, 1, 3, 4].map(|failed| usual.after(failed)), [None, Some(Span::seconds(10)), Some(Span::seconds(360)), None]);
        assert_eq!("".parse::<Retries>().expect("none").after(1), None);
        for wrong in ["ten", "1.5", "-1", "1,2,3,4,5,6,7,8,9", "172801"] {
            assert!(wrong.parse::<Retries>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn loopback_is_for_the_sandbox() {
        let read = |text: &str| toml::from_str::<toml::Table>(text).expect("toml")["x"].clone().try_into::<Loopback>();
        assert_eq!(read("x = true").expect("yes"), Loopback::Yes);
        assert_eq!(read("x = \"false\"").expect("no"), Loopback::No);
        assert!(read("x = \"perhaps\"").is_err() && read("x = 1").is_err());
        assert!(Loopback::Auto.is_allowed(true) && !Loopback::Auto.is_allowed(false) && !Loopback::Yes.is_allowed(false));
    }
}

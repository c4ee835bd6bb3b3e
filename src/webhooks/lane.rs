//! How an endpoint has been doing, and what follows from it. Pure.

use crate::base::event_settings::Retries;
use crate::base::{Span, Ts};

/// After so many failures in a row the lane pauses between attempts.
const PAUSES_AFTER: i64 = 5;
const PAUSE_MIN: Span = Span::seconds(10);
const PAUSE_MAX: Span = Span::minutes(5);
/// A stranger's wish to be left alone counts up to here.
const RETRY_AFTER_MAX: Span = Span::hours(1);

::store::row! {
    /// The state of a lane.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(super) struct Lane {
        /// Attempts that failed since the last one that did not.
        pub(super) failures: i64,
        pub(super) failing_since: Option<Ts>,
        pub(super) paused_until: Option<Ts>,
    }
}

impl Lane {
    pub(super) fn succeeded(&mut self) {
        *self = Self { failures: 0, failing_since: None, paused_until: None };
    }

    /// An attempt failed at `at`. From the fifth in a row on, a pause as long as it has been failing.
    pub(super) fn failed(&mut self, at: Ts) {
        let since = *self.failing_since.get_or_insert(at);
        self.failures += 1;
        if self.failures >= PAUSES_AFTER {
            self.paused_until = Some(at.plus(at.since(since).clamp(PAUSE_MIN, PAUSE_MAX)));
        }
    }

    pub(super) fn is_paused(&self, now: Ts) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    /// Whether it has only failed for so long that it is switched off.
    pub(super) fn is_hopeless(&self, now: Ts, days: u16) -> bool {
        self.failing_since.is_some_and(|since| now.since(since) >= Span::days(days.into()))
    }

    /// Whether it failed so often that one attempt at a time is enough.
    pub(super) fn is_failing_for_long(&self) -> bool {
        Self::stops_after(self.failures)
    }

    /// Whether no more is begun after so many failures in a row.
    pub(super) fn stops_after(failures: i64) -> bool {
        failures >= PAUSES_AFTER
    }

    /// Attempts at once: one feels the way where the last ones failed.
    pub(super) fn width(&self, most: usize) -> usize {
        match self.failures {
            0 => most,
            1..PAUSES_AFTER => most.min(2),
            _ => 1,
        }
    }
}

/// How long to wait after the `tries`-th attempt has failed; nothing when it was the last one. Up to a fifth longer by
/// `chance`, so that those who failed together do not come back together, and as long as a busy endpoint asks for.
pub(super) fn delay(retries: &Retries, tries: i64, chance: u8, asked_seconds: Option<u64>) -> Option<Span> {
    let usual = retries.after(usize::try_from(tries).unwrap_or(usize::MAX))?;
    let longer = usual.as_milliseconds() * i64::from(chance) / (5 * 255);
    let asked = asked_seconds
        .and_then(|n| i64::try_from(n).ok())
        .map_or(Span::milliseconds(0), |n| if n < RETRY_AFTER_MAX.as_milliseconds() / 1_000 { Span::seconds(n) } else { RETRY_AFTER_MAX });
    Some(asked.max(Span::milliseconds(usual.as_milliseconds() + longer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_pauses_when_it_keeps_failing_and_recovers_at_once() {
        let at = |seconds: i64| Ts::from_milliseconds(seconds * 1_000);
        let mut lane = Lane { failures: 0, failing_since: None, paused_until: None };
        for n in 0..4 {
            lane.failed(at(n));
        }
        assert_eq!((lane.width(16), lane.is_paused(at(4))), (2, false));
        lane.failed(at(4));
        assert_eq!((lane.width(16), lane.paused_until), (1, Some(at(14))), "10 seconds at least");
        lane.failed(at(60));
        assert_eq!(lane.paused_until, Some(at(120)), "as long as it has been failing");
        lane.failed(at(4_000));
        assert_eq!(lane.paused_until, Some(at(4_300)), "five minutes at most");
        assert!(!lane.is_hopeless(at(5 * 86_400 - 1), 5) && lane.is_hopeless(at(5 * 86_400), 5));
        lane.succeeded();
        assert_eq!((lane.width(16), lane.is_paused(at(4_001)), lane.is_hopeless(at(9_999_999), 5)), (16, false, false));
    }

    #[test]
    fn retries_come_later_by_chance_and_by_request_within_bounds() {
        let usual = Retries::usual();
        assert_eq!(delay(&usual, 1, 0, None), Some(Span::seconds(10)));
        assert_eq!(delay(&usual, 1, 255, None), Some(Span::seconds(12)));
        assert_eq!(delay(&usual, 2, 0, None), Some(Span::seconds(60)));
        assert_eq!(delay(&usual, 4, 0, None), None);
        assert_eq!(delay(&usual, 4, 0, Some(5)), None);
        for (asked, waits) in [(0, 10), (5, 10), (30, 30), (3_600, 3_600), (1_000_000_000, 3_600), (u64::MAX, 10)] {
            assert_eq!(delay(&usual, 1, 0, Some(asked)), Some(Span::seconds(waits)), "{asked}");
        }
    }
}

//! The calendar in UTC, with integers only.

const DAY_MS: i64 = 86_400_000;

/// Days since 1970-01-01 to year, month, day. Counts in 400-year cycles of years that begin in March, so that the leap
/// day is the last of its year.
pub(crate) fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let cycle = days.div_euclid(146_097);
    let of_cycle = days.rem_euclid(146_097);
    let year = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let march_based = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_based + 2) / 5 + 1;
    let month = if march_based < 10 { march_based + 3 } else { march_based - 9 };
    (year + cycle * 400 + i64::from(month <= 2), month, day)
}

/// The other way round.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, march_based) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (cycle, of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * march_based + 2) / 5 + day - 1;
    cycle * 146_097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - 719_468
}

/// The same time of day so many months later, on the last day of a month that is too short.
pub(crate) fn months_later(millis: i64, months: u32) -> i64 {
    let (year, month, day) = date(millis.div_euclid(DAY_MS));
    let count = year * 12 + month - 1 + i64::from(months);
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    let length = days(year + month / 12, month % 12 + 1, 1) - days(year, month, 1);
    days(year, month, day.min(length)).saturating_mul(DAY_MS).saturating_add(millis.rem_euclid(DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_has_its_date() {
        let mut before = date(-146_097 - 1);
        for n in -146_097..146_097 {
            let (year, month, day) = date(n);
            assert_eq!(days(year, month, day), n);
            assert!(before < (year, month, day) && day <= 31, "{n}");
            before = (year, month, day);
        }
    }

    #[test]
    fn months_end_on_the_last_day_of_a_shorter_month() {
        let at = |year, month, day| days(year, month, day) * DAY_MS + 43_200_001;
        for (from, months, until) in [
            (at(2024, 2, 29), 12, at(2025, 2, 28)),
            (at(2024, 2, 29), 48, at(2028, 2, 29)),
            (at(2026, 1, 31), 1, at(2026, 2, 28)),
            (at(2026, 12, 31), 2, at(2027, 2, 28)),
            (at(2026, 1, 15), 11, at(2026, 12, 15)),
            (at(2026, 3, 31), 6, at(2026, 9, 30)),
            (at(2026, 3, 31), 0, at(2026, 3, 31)),
        ] {
            assert_eq!(months_later(from, months), until);
        }
    }
}

//! The review window: the larger the reward, the longer a creator has for a verdict. Silence is approval.

use crate::base::Usdt;

/// (below this reward, hours).
const TIERS: [(i64, i64); 4] = [(1, 24), (5, 48), (20, 72), (100, 120)];
const LONGEST_HOURS: i64 = 168;
const MICRO: i64 = 1_000_000;

/// The window of a slot with this reward, in hours.
pub fn review_hours(reward: Usdt) -> i64 {
    TIERS.iter().find(|(below, _)| reward.micro() < below * MICRO).map_or(LONGEST_HOURS, |(_, hours)| *hours)
}

/// Every tier as (from this reward, hours), for the rules page.
pub fn tiers() -> Vec<(Usdt, i64)> {
    let from = [0].into_iter().chain(TIERS.map(|(below, _)| below));
    let hours = TIERS.map(|(_, hours)| hours).into_iter().chain([LONGEST_HOURS]);
    from.zip(hours).map(|(from, hours)| (Usdt::from_micro(from * MICRO), hours)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_grows_with_the_reward() {
        let table = [
            (50_000, 24),
            (999_999, 24),
            (1_000_000, 48),
            (4_999_999, 48),
            (5_000_000, 72),
            (19_999_999, 72),
            (20_000_000, 120),
            (99_999_999, 120),
            (100_000_000, 168),
            (1_000_000_000_000, 168),
        ];
        for (micro, hours) in table {
            assert_eq!(review_hours(Usdt::from_micro(micro)), hours, "{micro}");
        }
        assert_eq!(tiers().len(), 5);
    }
}

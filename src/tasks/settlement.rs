//! Who gets what when a slot is paid: pure arithmetic, exact to the micro.

use crate::base::{Ts, Usdt, UserId};
use crate::ledger::{AccountId, Transaction, TransactionKind};
use crate::referrals::commission::{Commission, earns_until};
use crate::tasks::acceptance::AcceptanceId;
use crate::tasks::task::{Task, TaskId};

::store::row! {
    /// Who brought the two sides here, and when they registered.
    #[derive(Clone, Copy, Debug)]
    pub struct Referrals {
        /// Of the worker.
        pub worker_referrer: Option<UserId>,
        /// When the worker registered.
        pub worker_since: Ts,
        /// Of the creator.
        pub creator_referrer: Option<UserId>,
        /// When the creator registered.
        pub creator_since: Ts,
    }
}

/// The shares of one slot. `worker + fee + back` is the reward; the commissions are parts of the fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    /// To the worker.
    pub worker: Usdt,
    /// To the platform, commissions included.
    pub fee: Usdt,
    /// To the referrers.
    pub commissions: Vec<Commission>,
    /// Back to the creator.
    pub back: Usdt,
}

/// What a worker gets for a slot.
pub fn net(task: &Task) -> Usdt {
    task.reward.checked_sub(task.reward.basis_points(task.fee_bp)).expect("a part is not larger than the whole")
}

/// Splits the reward of one slot of `task`: `paid` of it goes to the worker, less the fee, and the rest back.
pub fn shares(task: &Task, worker: UserId, referrals: &Referrals, paid: Usdt, commission_months: u32, now: Ts) -> Shares {
    let fee = paid.basis_points(task.fee_bp);
    let amount = fee.basis_points(task.commission_bp);
    let sides = [
        (referrals.worker_referrer, worker, referrals.worker_since),
        (referrals.creator_referrer, task.creator_id, referrals.creator_since),
    ];
    let commissions = sides
        .into_iter()
        .filter(|(_, _, since)| amount > Usdt::ZERO && now < earns_until(*since, commission_months))
        .filter_map(|(referrer, referred, _)| Some(Commission { referrer: referrer?, referred, amount }))
        .collect();
    let less = |whole: Usdt, part: Usdt| whole.checked_sub(part).expect("a part is not larger than the whole");
    Shares { worker: less(paid, fee), fee, commissions, back: less(task.reward, paid) }
}

/// The settlement of an acceptance in the books. Its kind and reference exist once, so a slot is never paid twice.
pub fn transaction(task: &Task, acceptance: AcceptanceId, worker: UserId, shares: &Shares) -> Transaction {
    let escrow = escrow(task.id);
    let start = Transaction::new(TransactionKind::Settlement, acceptance.0)
        .post(escrow, AccountId::available(worker), shares.worker)
        .post(escrow, AccountId::PLATFORM_FEES, shares.fee)
        .post(escrow, AccountId::available(task.creator_id), shares.back);
    shares.commissions.iter().fold(start, |transaction, commission| {
        transaction.post(AccountId::PLATFORM_FEES, AccountId::available(commission.referrer), commission.amount)
    })
}

/// The account that holds a task's money.
pub const fn escrow(task: TaskId) -> AccountId {
    AccountId::of(task.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::task::test_task;

    const DAY_MS: i64 = 86_400_000;

    fn user(n: u128) -> UserId {
        UserId(uuid::Uuid::from_u128(n))
    }

    fn both_referred(since: Ts) -> Referrals {
        Referrals { worker_referrer: Some(user(8)), worker_since: since, creator_referrer: Some(user(9)), creator_since: since }
    }

    /// Written a second time, in other words: what the shares must be.
    fn model(reward: i128, paid: i128, fee_bp: i128, commission_bp: i128) -> (i128, i128, i128, i128) {
        let fee = (paid * fee_bp).div_euclid(10_000);
        let commission = (fee * commission_bp).div_euclid(10_000);
        (paid - fee, fee, commission, reward - paid)
    }

    fn check(reward: i64, paid: i64, fee_bp: i64, commission_bp: i64) {
        let mut task = test_task();
        (task.reward, task.fee_bp, task.commission_bp) = (Usdt::from_micro(reward), fee_bp, commission_bp);
        let now = Ts::from_milliseconds(0);
        let shares = shares(&task, user(2), &both_referred(now), Usdt::from_micro(paid), 12, now);
        let (worker, fee, commission, back) = model(reward.into(), paid.into(), fee_bp.into(), commission_bp.into());
        assert_eq!(i128::from(shares.worker.micro()), worker, "{reward} {paid} {fee_bp}");
        assert_eq!(i128::from(shares.fee.micro()), fee, "{reward} {paid} {fee_bp}");
        assert_eq!(i128::from(shares.back.micro()), back, "{reward} {paid} {fee_bp}");
        let amounts: i128 = shares.commissions.iter().map(|c| i128::from(c.amount.micro())).sum();
        assert_eq!(amounts, 2 * commission, "{reward} {paid} {fee_bp} {commission_bp}");
        assert!(amounts <= fee && worker + fee + back == i128::from(reward));
    }

    #[test]
    fn small_rewards_are_split_exactly_one_by_one() {
        for fee_bp in [0, 1, 250, 1_000, 9_999, 10_000] {
            for reward in 1..=20_000 {
                check(reward, reward, fee_bp, 2_000);
            }
        }
        for reward in (1..=1_000_000).step_by(7) {
            check(reward, reward, 1_000, 2_000);
        }
    }

    #[test]
    fn a_million_random_splits_are_exact() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((state >> 1) % below).expect("63 bits")
        };
        for _ in 0..1_000_000 {
            let reward = next(1_000_000_000_000_000) + 1;
            let paid = next(u64::try_from(reward).expect("positive") + 1);
            check(reward, paid, next(10_001), next(5_001));
        }
    }

    #[test]
    fn commissions_end_after_twelve_months_to_the_millisecond() {
        let task = test_task();
        for (from, until) in [("2024-02-29T12:00:00Z", "2025-02-28T12:00:00Z"), ("2026-01-15T00:00:00Z", "2027-01-15T00:00:00Z")] {
            let (since, end) = (Ts::parse(from).expect("a time"), Ts::parse(until).expect("a time"));
            let commissions = |now: Ts| shares(&task, user(2), &both_referred(since), task.reward, 12, now).commissions.len();
            assert_eq!(commissions(end.minus(crate::base::Span::milliseconds(1))), 2, "{from}");
            assert_eq!(commissions(end), 0, "{from}");
            assert_eq!(commissions(end.plus(crate::base::Span::milliseconds(DAY_MS))), 0, "{from}");
        }
    }
}

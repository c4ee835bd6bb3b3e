//! What others see of how a user works and reviews. Counted by a job from what the market writes down, so that no call
//! waits for the row of a busy user.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::internal;
use crate::base::hundredths::Hundredths;
use crate::base::{Context, Result, Ts, UserId};
use crate::users::store::{self, TALLIED_TOGETHER};

crate::words! {
    /// Something that counts.
    pub enum Tally {
        /// A slot he worked on was paid.
        Completed = "completed",
        /// He approved a proof, or let the clock do it; the amount is the minutes it took.
        Approval = "approval",
        /// He rejected a proof; the amount is the minutes it took.
        Rejection = "rejection",
        /// He paid a slot after a dispute.
        Paid = "paid",
        /// A dispute he was part of was decided.
        Dispute = "dispute",
        /// And not for him.
        DisputeLost = "dispute_lost",
        /// Somebody rated him; the amount is the stars.
        Rating = "rating",
    }
}

/// The newest reviews that the median is taken of.
const REVIEWS_KEPT: usize = 101;

::store::row! {
    /// The counts of a user.
    #[derive(Clone, Debug)]
    pub struct Reputation {
        /// Whose.
        pub user_id: UserId,
        /// Slots he was paid for.
        pub completed: i64,
        /// Slots he paid.
        pub paid: i64,
        /// His verdicts.
        pub reviews: i64,
        /// Those against the worker.
        pub rejections: i64,
        /// Decided disputes.
        pub disputes: i64,
        /// Not decided for him.
        pub disputes_lost: i64,
        /// Sum of stars.
        pub stars: i64,
        /// Number of ratings.
        pub ratings: i64,
        /// Minutes of the newest reviews, a JSON array.
        pub review_minutes: String,
        /// Their median.
        pub median_review_minutes: Option<i64>,
    }
}

/// What everybody may see of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReputationView {
    /// Slots done and paid for.
    completed_count: i64,
    /// Slots paid as a creator.
    paid_count: i64,
    /// Average stars, 1 to 5; null without ratings.
    rating: Option<Hundredths>,
    /// How many ratings.
    rating_count: i64,
    /// 0 to 100: up to 60 for completed work, 25 for disputes not lost, 15 for the age of the wallet.
    trust_score: i64,
    /// As a creator: the part of proofs that were rejected, 0 to 1; null without reviews.
    reject_rate: Option<Hundredths>,
    /// As a creator: the median of the newest 101 reviews, in minutes; null without reviews.
    median_review_minutes: Option<i64>,
}

impl Reputation {
    /// Nobody knows him.
    pub fn new(user_id: UserId) -> Self {
        Self {
            user_id,
            completed: 0,
            paid: 0,
            reviews: 0,
            rejections: 0,
            disputes: 0,
            disputes_lost: 0,
            stars: 0,
            ratings: 0,
            review_minutes: "[]".into(),
            median_review_minutes: None,
        }
    }

    /// Average stars.
    pub fn rating(&self) -> Option<Hundredths> {
        Hundredths::ratio(self.stars, self.ratings)
    }

    /// The part of his verdicts that went against the worker.
    pub fn reject_rate(&self) -> Option<Hundredths> {
        Hundredths::ratio(self.rejections, self.reviews)
    }

    /// 0 to 100, in whole numbers: `60 x c / (c + 10)` for `c` completed slots, 25 less the part of disputes that were
    /// lost, and 15 for a wallet of 180 days, less for a younger one.
    pub fn trust_score(&self, since: Ts, now: Ts) -> i64 {
        const DAY_MS: i64 = 86_400_000;
        let work = 60 * self.completed / (self.completed + 10);
        let disputes = 25 - (25 * self.disputes_lost).checked_div(self.disputes).unwrap_or(0);
        let days = (now.since(since).as_milliseconds() / DAY_MS).clamp(0, 180);
        work + disputes + 15 * days / 180
    }

    /// What everybody may see.
    pub fn view(&self, since: Ts, now: Ts) -> ReputationView {
        ReputationView {
            completed_count: self.completed,
            paid_count: self.paid,
            rating: self.rating(),
            rating_count: self.ratings,
            trust_score: self.trust_score(since, now),
            reject_rate: self.reject_rate(),
            median_review_minutes: self.median_review_minutes,
        }
    }

    fn count(&mut self, what: Tally, amount: i64, minutes: &mut Vec<i64>) {
        match what {
            Tally::Completed => self.completed += 1,
            Tally::Approval => {
                self.paid += 1;
                self.reviews += 1;
                minutes.push(amount);
            }
            Tally::Rejection => {
                self.reviews += 1;
                self.rejections += 1;
                minutes.push(amount);
            }
            Tally::Paid => self.paid += 1,
            Tally::Dispute => self.disputes += 1,
            Tally::DisputeLost => {
                self.disputes += 1;
                self.disputes_lost += 1;
            }
            Tally::Rating => {
                self.stars += amount;
                self.ratings += 1;
            }
        }
    }

    fn add(&mut self, counts: &[(Tally, i64)]) -> Result<()> {
        let mut minutes: Vec<i64> = serde_json::from_str(&self.review_minutes).map_err(internal)?;
        for (what, amount) in counts {
            self.count(*what, *amount, &mut minutes);
        }
        minutes.drain(..minutes.len().saturating_sub(REVIEWS_KEPT));
        self.review_minutes = serde_json::to_string(&minutes).map_err(internal)?;
        minutes.sort_unstable();
        self.median_review_minutes = minutes.get(minutes.len() / 2).copied();
        Ok(())
    }
}

/// Writes down what counts for whom.
pub fn tally(cx: &mut Context<'_, '_>, counts: &[(UserId, Tally, i64)]) -> Result<()> {
    store::insert_tallies(cx, counts)
}

/// The reputation of a user.
pub fn reputation_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<Reputation> {
    Ok(store::reputation(cx, user)?.unwrap_or_else(|| Reputation::new(user)))
}

/// Job: counts what was written down. Answers whether there may be more.
pub fn count_tallies(cx: &mut Context<'_, '_>) -> Result<bool> {
    store::lock_tallying(cx)?;
    let rows = store::tallies(cx)?;
    let mut users: BTreeMap<UserId, Vec<(Tally, i64)>> = BTreeMap::new();
    for (_, user, what, amount) in &rows {
        users.entry(*user).or_default().push((*what, *amount));
    }
    let keys: Vec<_> = users.keys().map(|user| (*user,)).collect();
    let mut known: BTreeMap<_, _> = store::reputations(cx, &keys)?.into_iter().map(|known| (known.user_id, known)).collect();
    let mut counted = Vec::with_capacity(users.len());
    for (user, counts) in users {
        let mut reputation = known.remove(&user).unwrap_or_else(|| Reputation::new(user));
        reputation.add(&counts)?;
        counted.push(reputation);
    }
    store::save_reputations(cx, &counted)?;
    let done: Vec<_> = rows.iter().map(|(id, ..)| (*id,)).collect();
    store::forget_tallies(cx, &done)?;
    Ok(rows.len() == TALLIED_TOGETHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trust_score_grows_with_work_and_age_and_falls_with_lost_disputes() {
        let since = Ts::from_milliseconds(0);
        let later = Ts::from_milliseconds(200 * 86_400_000);
        let mut reputation = Reputation::new(UserId(uuid::Uuid::nil()));
        assert_eq!(reputation.trust_score(since, since), 25);
        reputation.completed = 10;
        assert_eq!(reputation.trust_score(since, later), 30 + 25 + 15);
        (reputation.disputes, reputation.disputes_lost) = (4, 1);
        assert_eq!(reputation.trust_score(since, later), 30 + 19 + 15);
        reputation.completed = 1_000_000;
        reputation.disputes_lost = 0;
        assert!(reputation.trust_score(since, later) < 100);
    }

    #[test]
    fn the_median_is_of_the_newest_reviews() {
        let mut reputation = Reputation::new(UserId(uuid::Uuid::nil()));
        let old: Vec<_> = (0..100).map(|_| (Tally::Approval, 1_000)).collect();
        let new: Vec<_> = (0..101).map(|n| (Tally::Rejection, n)).collect();
        reputation.add(&old).expect("counted");
        reputation.add(&new).expect("counted");
        assert_eq!(reputation.median_review_minutes, Some(50));
        assert_eq!((reputation.reviews, reputation.rejections, reputation.paid), (201, 101, 100));
        assert_eq!(reputation.reject_rate(), Some(Hundredths(50)));
    }
}

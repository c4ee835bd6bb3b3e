//! The rules of the market in numbers, for those who publish and those who work.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::hundredths::Hundredths;
use crate::base::limit::Policy;
use crate::base::{Context, Result, Usdt};
use crate::tasks::acceptance::{DECIDE_WITHIN, DISPUTE_WITHIN};
use crate::tasks::{review_window, terms};

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetRules {}

/// The rules in force.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rules {
    /// The platform's part of each reward, in percent.
    fee_percent: Hundredths,
    /// A referrer's part of that fee, in percent.
    commission_percent: Hundredths,
    /// How long a referrer earns after a registration, in months.
    commission_months: u32,
    /// The least reward of a slot.
    reward_min_usd: Usdt,
    /// The most that one task holds in escrow.
    escrow_max_usd: Usdt,
    /// How long a creator has for a verdict, by the reward of a slot. No verdict in time is approval.
    review_windows: Vec<ReviewWindow>,
    /// How long a worker may dispute a rejection.
    dispute_within_hours: i64,
    /// How long an admin has for a dispute; then it is decided for the worker.
    dispute_decided_within_days: i64,
    /// What creators agree to.
    terms: terms::Terms,
    /// How often, counted per user.
    limits: Vec<RuleLimit>,
}

/// One step of the review windows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReviewWindow {
    /// For rewards from here on.
    reward_from_usd: Usdt,
    /// So many hours.
    hours: i64,
}

/// How often something may be done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RuleLimit {
    /// What.
    name: &'static str,
    /// Such as `20/h`.
    limit: String,
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
pub(super) fn get_rules(cx: &mut Context<'_, '_>, _: &GetRules) -> Result<Rules> {
    const HOUR_MS: i64 = 3_600_000;
    let market = &cx.config.market;
    let window = |(reward_from_usd, hours)| ReviewWindow { reward_from_usd, hours };
    let limit = |policy: &Policy| RuleLimit { name: policy.name(), limit: cx.config.limits.of(*policy).to_string() };
    Ok(Rules {
        fee_percent: Hundredths(i64::from(market.fee_basis_points)),
        commission_percent: Hundredths(i64::from(market.commission_basis_points)),
        commission_months: market.commission_months,
        reward_min_usd: market.reward_min,
        escrow_max_usd: market.escrow_max,
        review_windows: review_window::tiers().into_iter().map(window).collect(),
        dispute_within_hours: DISPUTE_WITHIN.as_milliseconds() / HOUR_MS,
        dispute_decided_within_days: DECIDE_WITHIN.as_milliseconds() / HOUR_MS / 24,
        terms: terms::current(),
        limits: Policy::ALL.iter().map(limit).collect(),
    })
}

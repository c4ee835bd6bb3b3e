//! How the market does, day by day, and what waits for somebody.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::{Context, Result, Span, Ts, Usdt};
use crate::ledger::history;
use crate::moderation::looking::store;

const DAYS: i64 = 30;

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetOverview {}

/// How the market does.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Overview {
    /// The last 30 days, the oldest first; a day begins at midnight UTC.
    days: Vec<Day>,
    /// Disputes that wait for a decision.
    disputes_open: i64,
    /// Reports that nobody has looked at.
    reports_open: i64,
    /// Mails that wait to be sent.
    mails_waiting: i64,
}

/// One day.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Day {
    /// When it began.
    date: Ts,
    /// People who signed up.
    people: i64,
    /// Bots that registered.
    bots: i64,
    /// Tasks published.
    tasks: i64,
    /// Slots taken.
    slots: i64,
    /// What the platform earned, as far as it is in the sealed books.
    fees: Usdt,
}

pub(in crate::moderation) fn get_overview(cx: &mut Context<'_, '_>, _: &GetOverview) -> Result<Overview> {
    let day = Span::days(1).as_milliseconds();
    let today = cx.now.as_milliseconds().div_euclid(day);
    let midnights: Vec<Ts> = (today - DAYS + 1..=today + 1).map(|n| Ts::from_milliseconds(n * day)).collect();
    let earned = history::platform_fees_at(cx, &midnights)?;
    let spans = midnights.windows(2).zip(earned.windows(2));
    let days = spans
        .map(|(time, fees)| {
            let [people, bots, tasks, slots] = store::begun(cx, first_id(time[0]), first_id(time[1]))?;
            Ok(Day { date: time[0], people, bots, tasks, slots, fees: fees[1].checked_sub(fees[0]).unwrap_or(Usdt::ZERO) })
        })
        .collect::<Result<_>>()?;
    let (disputes_open, reports_open, mails_waiting) = store::queues(cx)?;
    Ok(Overview { days, disputes_open, reports_open, mails_waiting })
}

/// No id of this moment is smaller.
fn first_id(at: Ts) -> Uuid {
    let milliseconds = u64::try_from(at.as_milliseconds()).unwrap_or(0);
    Uuid::from_u128(u128::from(milliseconds) << 80)
}

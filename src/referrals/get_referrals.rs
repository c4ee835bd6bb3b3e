//! What a referrer sees of those he brought: their public name, when they came, what they earned him. Nothing else.

use std::collections::HashMap;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::error::Refusal;
use crate::base::page;
use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::referrals::{commission, store};
use crate::users::store as users;

const LIST: &str = "referrals";

/// Which part of the list.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetReferrals {
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 200; 50 when left out.
    #[garde(inner(range(min = 1, max = 200)))]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// Your referrals.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Referrals {
    /// For others to register with.
    code: String,
    /// The same as an address.
    link: String,
    /// What all of them have earned you.
    total_earned: Usdt,
    /// Newest first.
    items: Vec<ReferredUser>,
    /// Send it as `cursor` to get the next page; null at the end.
    next_cursor: Option<String>,
}

/// Somebody who registered with your code.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReferredUser {
    /// The public name, or the username.
    name: String,
    /// When.
    joined_at: Ts,
    /// Until when fees of this user earn you something.
    earning_until: Ts,
    /// What they have earned you.
    commission_earned: Usdt,
}

pub(super) fn get_referrals(cx: &mut Context<'_, '_>, input: &GetReferrals) -> Result<Referrals> {
    let me = cx.user_id()?;
    let code = users::user(cx, me)?.ok_or(Refusal::NotFound)?.referral_code;
    let limit = input.limit.unwrap_or(50) as usize;
    let before = UserId(page::begin(LIST, input.cursor.as_ref(), Uuid::max())?);
    let mut referred = users::referred_by(cx, me, before, i64::try_from(limit).unwrap_or(i64::MAX) + 1)?;
    let more = referred.len() > limit;
    referred.truncate(limit);
    let next_cursor = referred.last().filter(|_| more).map(|user| page::cursor(LIST, &user.id.to_string()));
    let earned: HashMap<UserId, Usdt> = match (referred.last(), referred.first()) {
        (Some(oldest), Some(newest)) => store::earned(cx, me, (oldest.id, newest.id))?.into_iter().collect(),
        _ => HashMap::new(),
    };
    let months = cx.config.market.commission_months;
    let items = referred
        .iter()
        .map(|user| ReferredUser {
            name: user.public_name().to_owned(),
            joined_at: user.created_at,
            earning_until: commission::earns_until(user.created_at, months),
            commission_earned: earned.get(&user.id).copied().unwrap_or_default(),
        })
        .collect();
    let total_earned = store::total_earned(cx, me)?;
    let link = format!("{}/r/{code}", cx.config.server.site());
    Ok(Referrals { code, link, total_earned, items, next_cursor })
}

//! Users as admins see them.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::error::Refusal;
use crate::base::page::{self, Page};
use crate::base::{Context, Result, Ts, UserId};
use crate::ledger;
use crate::moderation::looking::store::{self, UserRow};
use crate::users::reputation::{ReputationView, reputation_of};
use crate::users::session;
use crate::users::store as users;
use crate::users::user::Status;
use crate::wallet::balance::BalanceView;
use crate::wallet::store as wallet;

const LIST: &str = "users";

/// Which users.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListUsers {
    /// An id, an e-mail address, or the beginning of a username; the other filters are not looked at then.
    #[garde(inner(length(chars, max = 254)))]
    q: Option<String>,
    /// Only bots, or only people.
    #[garde(skip)]
    is_bot: Option<bool>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 200; 50 when left out.
    #[garde(inner(range(min = 1, max = 200)))]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// Which user.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhichUser {
    /// Which.
    #[garde(skip)]
    user_id: UserId,
}

/// A user in the list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AdminUser {
    /// For ever.
    user_id: UserId,
    /// The name in addresses.
    username: String,
    /// What others see.
    display_name: String,
    /// A bot, as it said itself.
    is_bot: bool,
    /// May use what is for admins.
    is_admin: bool,
    /// Whether he may act.
    status: Status,
    /// What he signs in with; null when he has only keys.
    email: Option<String>,
    /// Since when.
    created_at: Ts,
}

/// All that admins see of a user.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AdminUserDetail {
    /// As in the list.
    #[serde(flatten)]
    user: AdminUser,
    /// Money.
    balance: BalanceView,
    /// How he works and reviews.
    reputation: ReputationView,
    /// Who sent him here.
    referrer_id: Option<UserId>,
    /// Whether his withdrawals are looked at.
    is_flagged: bool,
    /// Keys that work.
    api_keys: i64,
    /// Sessions that go on.
    sessions: usize,
    /// Where events are sent.
    webhook_url: Option<String>,
    /// A few lines, written by the user.
    bio: String,
}

impl From<UserRow> for AdminUser {
    fn from(row: UserRow) -> Self {
        Self {
            user_id: row.id,
            username: row.username,
            display_name: row.display_name,
            is_bot: row.is_bot,
            is_admin: row.is_admin,
            status: row.status,
            email: row.email,
            created_at: row.created_at,
        }
    }
}

pub(in crate::moderation) fn list_users(cx: &mut Context<'_, '_>, input: &ListUsers) -> Result<Page<AdminUser>> {
    let limit = input.limit.unwrap_or(50);
    if let Some(text) = input.q.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        let items = store::users_named(cx, text, i64::from(limit))?.into_iter().map(AdminUser::from).collect();
        return Ok(Page { items, next_cursor: None });
    }
    let before = page::begin(LIST, input.cursor.as_ref(), Uuid::max())?;
    let items = store::users(cx, UserId(before), input.is_bot, i64::from(limit) + 1)?.into_iter().map(AdminUser::from).collect();
    Ok(Page::of(items, limit as usize, |user: &AdminUser| page::cursor(LIST, &user.user_id.to_string())))
}

pub(in crate::moderation) fn get_user(cx: &mut Context<'_, '_>, input: &WhichUser) -> Result<AdminUserDetail> {
    let row = store::one_user(cx, input.user_id)?.ok_or(Refusal::NotFound)?;
    let user = users::user(cx, row.id)?.ok_or(Refusal::NotFound)?;
    Ok(AdminUserDetail {
        balance: ledger::balance_of(cx, user.id)?.into(),
        reputation: reputation_of(cx, user.id)?.view(user.created_at, cx.now),
        referrer_id: user.referrer_id,
        is_flagged: wallet::is_flagged(cx, user.id)?,
        api_keys: users::keys_that_work(cx, user.id)?,
        sessions: session::open_sessions(cx, user.id)?.len(),
        webhook_url: user.webhook_url,
        bio: user.bio,
        user: row.into(),
    })
}

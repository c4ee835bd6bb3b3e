//! The audit log of admins.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::page::{self, Page};
use crate::base::{Context, Result, Ts, UserId};
use crate::moderation::looking::store;

const LIST: &str = "actions";

/// Which part of the log.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListActions {
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 200; 50 when left out.
    #[garde(inner(range(min = 1, max = 200)))]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// Something an admin did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AdminAction {
    /// For ever.
    action_id: Uuid,
    /// Who.
    admin_id: UserId,
    /// His username.
    admin: String,
    /// What.
    action: String,
    /// To what.
    subject_id: Uuid,
    /// Why.
    reason: String,
    /// How it was.
    before: String,
    /// How it is since then.
    after: String,
    /// When.
    at: Ts,
}

pub(in crate::moderation) fn list_actions(cx: &mut Context<'_, '_>, input: &ListActions) -> Result<Page<AdminAction>> {
    let limit = input.limit.unwrap_or(50);
    let before = page::begin(LIST, input.cursor.as_ref(), Uuid::max())?;
    let item = |row: store::ActionRow| AdminAction {
        action_id: row.id,
        admin_id: row.admin_id,
        admin: row.admin,
        action: row.action,
        subject_id: row.subject_id,
        reason: row.reason,
        before: row.before,
        after: row.after,
        at: row.at,
    };
    let items = store::actions(cx, before, i64::from(limit) + 1)?.into_iter().map(item).collect();
    Ok(Page::of(items, limit as usize, |action: &AdminAction| page::cursor(LIST, &action.action_id.to_string())))
}

//! What admins did, for ever.

use uuid::Uuid;

use crate::base::{Context, Result, Ts, UserId};

::store::statements! {
    INSERT_ACTION: (Uuid, UserId, String, Uuid, String, String, String, Ts) => () =
        "insert into admin_actions (id, admin_id, action, subject_id, reason, before, after, at) values ($1, $2, $3, $4, $5, $6, $7, $8)";
}

/// What an admin did to whom, why, and what it changed.
pub(super) struct Action<'a> {
    pub(super) name: &'static str,
    pub(super) subject: Uuid,
    pub(super) reason: &'a str,
    pub(super) before: &'a str,
    pub(super) after: &'a str,
}

pub(super) fn insert_action(cx: &mut Context<'_, '_>, action: &Action<'_>) -> Result<()> {
    let (id, admin, now) = (cx.new_id(), cx.user_id()?, cx.now);
    Ok(cx.tx.write(&INSERT_ACTION, (id, admin, action.name, action.subject, action.reason, action.before, action.after, now))?)
}

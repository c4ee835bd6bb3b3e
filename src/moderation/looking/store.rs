//! Users and actions by keyset, and counts by ids: those of one time lie together, because ids begin with it.

use uuid::Uuid;

use crate::base::{Context, Result, Ts, UserId};
use crate::users::user::Status;

::store::row! {
    /// A user with his address.
    pub(super) struct UserRow {
        pub(super) id: UserId,
        pub(super) username: String,
        pub(super) display_name: String,
        pub(super) is_bot: bool,
        pub(super) is_admin: bool,
        pub(super) status: Status,
        pub(super) created_at: Ts,
        pub(super) email: Option<String>,
    }
}

::store::row! {
    /// Something an admin did.
    pub(super) struct ActionRow {
        pub(super) id: Uuid,
        pub(super) admin_id: UserId,
        pub(super) admin: String,
        pub(super) action: String,
        pub(super) subject_id: Uuid,
        pub(super) reason: String,
        pub(super) before: String,
        pub(super) after: String,
        pub(super) at: Ts,
    }
}

::store::statements! {
    USERS: (UserId, i64) => UserRow =
        "select u.id, u.username, u.display_name, u.is_bot, u.is_admin, u.status, u.created_at, p.email \
         from users u left join passwords p on p.user_id = u.id where u.id < $1 order by u.id desc limit $2";
    USERS_OF_A_KIND: (UserId, i64, bool) => UserRow =
        "select u.id, u.username, u.display_name, u.is_bot, u.is_admin, u.status, u.created_at, p.email \
         from users u left join passwords p on p.user_id = u.id where u.is_bot = $3 and u.id < $1 order by u.id desc limit $2";
    USERS_NAMED: (String, String, i64) => UserRow =
        "select u.id, u.username, u.display_name, u.is_bot, u.is_admin, u.status, u.created_at, p.email \
         from users u left join passwords p on p.user_id = u.id where u.username >= $1 and u.username < $2 order by u.username limit $3";
    USER_WITH_EMAIL: (String,) => UserRow =
        "select u.id, u.username, u.display_name, u.is_bot, u.is_admin, u.status, u.created_at, p.email \
         from passwords p join users u on u.id = p.user_id where p.email = $1";
    ONE_USER: (UserId,) => UserRow =
        "select u.id, u.username, u.display_name, u.is_bot, u.is_admin, u.status, u.created_at, p.email \
         from users u left join passwords p on p.user_id = u.id where u.id = $1";
    ACTIONS: (Uuid, i64) => ActionRow =
        "select a.id, a.admin_id, u.username, a.action, a.subject_id, a.reason, a.before, a.after, a.at \
         from admin_actions a join users u on u.id = a.admin_id where a.id < $1 order by a.id desc limit $2";
    SIGN_UPS: (Uuid, Uuid, bool) => (i64,) = "select count(*) from users where id >= $1 and id < $2 and is_bot = $3";
    TASKS: (Uuid, Uuid) => (i64,) = "select count(*) from tasks where id >= $1 and id < $2";
    ACCEPTANCES: (Uuid, Uuid) => (i64,) = "select count(*) from acceptances where id >= $1 and id < $2";
    DISPUTES_OPEN: (Uuid,) => (i64,) = "select count(*) from acceptances where status = 'disputed' and id > $1";
    REPORTS_OPEN: () => (i64,) = "select count(*) from reports r where r.settled_at is null";
    MAILS_WAITING: () => (i64,) = "select count(*) from mails where next_at is not null";
}

/// The newest users, of one kind if it is given.
pub(super) fn users(cx: &mut Context<'_, '_>, before: UserId, is_bot: Option<bool>, at_most: i64) -> Result<Vec<UserRow>> {
    Ok(match is_bot {
        None => cx.tx.all(&USERS, (before, at_most))?,
        Some(is_bot) => cx.tx.all(&USERS_OF_A_KIND, (before, at_most, is_bot))?,
    })
}

/// Whoever this text names: an id, an address, or the beginning of a username.
pub(super) fn users_named(cx: &mut Context<'_, '_>, text: &str, at_most: i64) -> Result<Vec<UserRow>> {
    if let Ok(id) = text.parse() {
        return Ok(cx.tx.maybe(&ONE_USER, (UserId(id),))?.into_iter().collect());
    }
    let text = text.to_lowercase();
    if text.contains('@') {
        return Ok(cx.tx.maybe(&USER_WITH_EMAIL, (text.as_str(),))?.into_iter().collect());
    }
    let end = format!("{text}{}", char::MAX);
    Ok(cx.tx.all(&USERS_NAMED, (text.as_str(), end.as_str(), at_most))?)
}

pub(super) fn one_user(cx: &mut Context<'_, '_>, id: UserId) -> Result<Option<UserRow>> {
    Ok(cx.tx.maybe(&ONE_USER, (id,))?)
}

/// What admins did, newest first.
pub(super) fn actions(cx: &mut Context<'_, '_>, before: Uuid, at_most: i64) -> Result<Vec<ActionRow>> {
    Ok(cx.tx.all(&ACTIONS, (before, at_most))?)
}

/// People, bots, tasks and taken slots that began between two ids.
pub(super) fn begun(cx: &mut Context<'_, '_>, from: Uuid, to: Uuid) -> Result<[i64; 4]> {
    let people = cx.tx.one(&SIGN_UPS, (from, to, false))?.0;
    let bots = cx.tx.one(&SIGN_UPS, (from, to, true))?.0;
    let tasks = cx.tx.one(&TASKS, (from, to))?.0;
    let slots = cx.tx.one(&ACCEPTANCES, (from, to))?.0;
    Ok([people, bots, tasks, slots])
}

/// Open disputes, open reports, mails that wait.
pub(super) fn queues(cx: &mut Context<'_, '_>) -> Result<(i64, i64, i64)> {
    Ok((cx.tx.one(&DISPUTES_OPEN, (Uuid::nil(),))?.0, cx.tx.one(&REPORTS_OPEN, ())?.0, cx.tx.one(&MAILS_WAITING, ())?.0))
}

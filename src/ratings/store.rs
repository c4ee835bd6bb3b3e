//! The table of ratings.

use crate::base::{Context, Result, Ts, UserId};
use crate::tasks::acceptance::AcceptanceId;
use crate::tasks::task::{TaskId, TaskStatus};

::store::row! {
    /// A rating and the task it is about.
    pub(super) struct RatingRow {
        pub(super) stars: i64,
        pub(super) comment: String,
        pub(super) at: Ts,
        pub(super) worker_id: UserId,
        pub(super) task_id: TaskId,
        pub(super) category: String,
        pub(super) task_status: TaskStatus,
        pub(super) task_expires_at: Ts,
        pub(super) title: String,
    }
}

::store::statements! {
    HAS_RATED: (AcceptanceId, UserId) => (i64,) = "select stars from ratings where acceptance_id = $1 and rater_id = $2";
    INSERT_RATING: (AcceptanceId, UserId, UserId, i64, String, Ts) => () =
        "insert into ratings (acceptance_id, rater_id, rated_id, stars, comment, at) values ($1, $2, $3, $4, $5, $6)";
    NEWEST_OF: (UserId, i64) => RatingRow =
        "select r.stars, case when u.status = 'suspended' then '' else r.comment end, r.at, a.worker_id, t.id, t.category, t.status, \
                t.expires_at, x.title \
         from ratings r join users u on u.id = r.rater_id \
         join acceptances a on a.id = r.acceptance_id join tasks t on t.id = a.task_id join task_texts x on x.task_id = t.id \
         where r.rated_id = $1 order by r.at desc, r.acceptance_id desc limit $2";
}

pub(super) fn has_rated(cx: &mut Context<'_, '_>, acceptance: AcceptanceId, rater: UserId) -> Result<bool> {
    Ok(cx.tx.maybe(&HAS_RATED, (acceptance, rater))?.is_some())
}

/// The newest ratings that a user got; what a suspended user said is left out.
pub(super) fn newest_of(cx: &mut Context<'_, '_>, user: UserId, limit: i64) -> Result<Vec<RatingRow>> {
    Ok(cx.tx.all(&NEWEST_OF, (user, limit))?)
}

/// Writes a rating of the first user about the second.
pub(super) fn insert_rating(
    cx: &mut Context<'_, '_>,
    acceptance: AcceptanceId,
    (from, to): (UserId, UserId),
    stars: i64,
    comment: &str,
) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&INSERT_RATING, (acceptance, from, to, stars, comment, now))?)
}

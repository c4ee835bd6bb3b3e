//! Searches over the open tasks.

use uuid::Uuid;

use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::tasks::task::{TaskId, WorkerType};

::store::row! {
    /// An open task with what a list shows of it.
    pub(super) struct FoundRow {
        pub(super) id: TaskId,
        pub(super) creator_id: UserId,
        pub(super) category: String,
        pub(super) worker_type: WorkerType,
        pub(super) reward: Usdt,
        pub(super) fee_bp: i64,
        pub(super) slots_free: i64,
        pub(super) deadline_minutes: i64,
        pub(super) review_hours: i64,
        pub(super) expires_at: Ts,
        pub(super) title: String,
        pub(super) tags: String,
        pub(super) display_name: String,
        pub(super) username: String,
        pub(super) stars: Option<i64>,
        pub(super) ratings: Option<i64>,
        pub(super) reviews: Option<i64>,
        pub(super) rejections: Option<i64>,
        pub(super) median_review_minutes: Option<i64>,
    }
}

/// What is looked for.
pub(super) struct Wanted {
    pub(super) category: String,
    pub(super) min_reward: Usdt,
    pub(super) max_reward: Usdt,
}

::store::statements! {
    NEWEST: (UserId, Uuid, String, Usdt, Usdt, Ts, i64) => FoundRow =
        "select t.id, t.creator_id, t.category, t.worker_type, t.reward, t.fee_bp, \
                t.slots_total - t.slots_live - t.slots_filled - t.slots_refunded, t.deadline_minutes, t.review_hours, t.expires_at, \
                x.title, x.tags, c.display_name, c.username, r.stars, r.ratings, r.reviews, r.rejections, r.median_review_minutes \
         from tasks t join task_texts x on x.task_id = t.id join users c on c.id = t.creator_id left join reputations r on r.user_id = c.id \
         where t.listed and t.id < $2 and t.creator_id <> $1 and ($3 = '' or t.category = $3) and t.reward between $4 and $5 \
           and t.expires_at > $6 \
           and not exists (select 1 from acceptances a where a.task_id = t.id and a.worker_id = $1 and a.status <> 'withdrawn') \
         order by t.id desc limit $7";
}

pub(super) fn newest(cx: &mut Context<'_, '_>, me: UserId, before: Uuid, wanted: &Wanted, at_most: i64) -> Result<Vec<FoundRow>> {
    let now = cx.now;
    Ok(cx.tx.all(&NEWEST, (me, before, wanted.category.as_str(), wanted.min_reward, wanted.max_reward, now, at_most))?)
}

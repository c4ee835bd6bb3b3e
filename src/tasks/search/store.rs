//! Searches over the open tasks. Each statement walks one index, between two places or for a limited number of rows.

use serde_json::json;
use uuid::Uuid;

use crate::base::hundredths::Hundredths;
use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::tasks::accept::ATTEMPTS_MAX;
use crate::tasks::search::order::{Place, Sort};
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

::store::row! {
    /// A task and what it is sorted by.
    #[derive(Clone, Copy)]
    pub(super) struct Key {
        pub(super) id: TaskId,
        pub(super) published_at: Ts,
        pub(super) reward: Usdt,
        pub(super) expires_at: Ts,
    }
}

::store::row! {
    /// The texts of a task.
    pub(super) struct TextsRow {
        pub(super) id: TaskId,
        pub(super) title: String,
        pub(super) description: String,
        pub(super) tags: String,
    }
}

::store::row! {
    /// What decides which tasks a worker may accept.
    pub(super) struct WorkerRow {
        pub(super) is_bot: bool,
        pub(super) stars: Option<i64>,
        pub(super) ratings: Option<i64>,
    }
}

/// Which tasks, apart from words.
pub(super) struct Wanted {
    pub(super) worker: UserId,
    /// Of these two types, which may be the same.
    pub(super) types: [WorkerType; 2],
    /// The worker's rating; 0 without one.
    pub(super) rating: Hundredths,
    pub(super) rewards: (Usdt, Usdt),
    pub(super) category: Option<String>,
}

// The statements below count on it.
const _: () = assert!(ATTEMPTS_MAX == 2, "a task is closed to a worker after two acceptances that he gave up");

/// What the worker has tried is counted and not asked with `exists`, which PostgreSQL may turn into a join over everything
/// that he ever tried.
macro_rules! fits {
    () => {
        "t.listed and t.creator_id <> $1 and t.worker_type in ($2, $3) and coalesce(t.min_rating, 0) <= $4 and t.reward between $5 and $6 \
         and t.expires_at > $7 \
         and (select count(*) from acceptances a where a.task_id = t.id and a.worker_id = $1 and a.status <> 'withdrawn') = 0 \
         and (select count(*) from acceptances a where a.task_id = t.id and a.worker_id = $1 and a.status = 'withdrawn') < 2"
    };
}

macro_rules! key {
    () => {
        "select t.id, t.published_at, t.reward, t.expires_at "
    };
}

/// After one place and up to another, which are given by some placeholders.
macro_rules! between {
    ($place:literal, descending, $from:literal, $until:literal) => {
        concat!(" and (", $place, ") < ", $from, " and (", $place, ") >= ", $until)
    };
    ($place:literal, ascending, $from:literal, $until:literal) => {
        concat!(" and (", $place, ") > ", $from, " and (", $place, ") <= ", $until)
    };
}

/// The place after so many tasks. A fixed number of them, whatever the page: this is not how pages are told apart.
macro_rules! ahead {
    ($index:literal, $place:literal, $direction:ident, $order:literal) => {
        concat!(
            "select ",
            $place,
            " from tasks t where ",
            $index,
            between!($place, $direction, "($1, $2)", "($3, $4)"),
            " order by ",
            $order,
            " limit 1 offset $5"
        )
    };
}

/// What fits between two places.
macro_rules! walk {
    ($index:literal, $place:literal, $direction:ident, $order:literal) => {
        concat!(
            key!(),
            "from tasks t where ",
            $index,
            between!($place, $direction, "($8, $9)", "($10, $11)"),
            " and ",
            fits!(),
            " order by ",
            $order,
            " limit $12"
        )
    };
}

/// The text index, asked for all of some words, which stand between spaces.
macro_rules! indexed {
    ($words:literal) => {
        concat!(
            "{sqlite}task_words w where w.task_words match '\"' || replace(",
            $words,
            ", ' ', '\" \"') || '\"'{postgres}derived.task_words w where w.words @@ ('''' || replace(",
            $words,
            ", ' ', ''' & ''') || '''')::tsquery{end}"
        )
    };
}

type Span = (i64, Uuid, i64, Uuid, i64);
type SpanIn = (i64, Uuid, i64, Uuid, i64, String);
type Walk = (UserId, WorkerType, WorkerType, Hundredths, Usdt, Usdt, Ts, i64, Uuid, i64, Uuid, i64);
type WalkIn = (UserId, WorkerType, WorkerType, Hundredths, Usdt, Usdt, Ts, i64, Uuid, i64, Uuid, i64, String);
type Range = (UserId, WorkerType, WorkerType, Hundredths, Usdt, Usdt, Ts, i64);
type RangeOfWords = (UserId, WorkerType, WorkerType, Hundredths, Usdt, Usdt, Ts, i64, String, String);
type RangeIn = (UserId, WorkerType, WorkerType, Hundredths, Usdt, Usdt, Ts, i64, String);

::store::statements! {
    WORKER: (UserId,) => WorkerRow =
        "select u.is_bot, r.stars, r.ratings from users u left join reputations r on r.user_id = u.id where u.id = $1";
    AHEAD_NEWEST: Span => (i64, Uuid) = ahead!("t.listed", "t.published_at, t.id", descending, "t.published_at desc, t.id desc");
    AHEAD_NEWEST_IN: SpanIn => (i64, Uuid) = ahead!("t.listed and t.category = $6", "t.published_at, t.id", descending, "t.published_at desc, t.id desc");
    AHEAD_REWARD: Span => (i64, Uuid) = ahead!("t.listed", "t.reward, t.id", descending, "t.reward desc, t.id desc");
    AHEAD_REWARD_IN: SpanIn => (i64, Uuid) = ahead!("t.listed and t.category = $6", "t.reward, t.id", descending, "t.reward desc, t.id desc");
    AHEAD_EXPIRING: Span => (i64, Uuid) = ahead!("t.status = 'open' and t.listed", "t.expires_at, t.id", ascending, "t.expires_at, t.id");
    AHEAD_EXPIRING_IN: SpanIn => (i64, Uuid) = ahead!("t.listed and t.category = $6", "t.expires_at, t.id", ascending, "t.expires_at, t.id");
    NEWEST: Walk => Key = walk!("t.listed", "t.published_at, t.id", descending, "t.published_at desc, t.id desc");
    NEWEST_IN: WalkIn => Key = walk!("t.listed and t.category = $13", "t.published_at, t.id", descending, "t.published_at desc, t.id desc");
    REWARD: Walk => Key = walk!("t.listed", "t.reward, t.id", descending, "t.reward desc, t.id desc");
    REWARD_IN: WalkIn => Key = walk!("t.listed and t.category = $13", "t.reward, t.id", descending, "t.reward desc, t.id desc");
    EXPIRING: Walk => Key = walk!("t.status = 'open'", "t.expires_at, t.id", ascending, "t.expires_at, t.id");
    EXPIRING_IN: WalkIn => Key = walk!("t.listed and t.category = $13", "t.expires_at, t.id", ascending, "t.expires_at, t.id");
    HOW_MANY_PAY: (Usdt, Usdt, i64) => (i64,) =
        "select count(*) from (select 1 from tasks t where t.listed and t.reward between $1 and $2 limit $3) m";
    HOW_MANY_PAY_IN: (Usdt, Usdt, i64, String) => (i64,) =
        "select count(*) from (select 1 from tasks t where t.listed and t.category = $4 and t.reward between $1 and $2 limit $3) m";
    PAYING: Range => Key = concat!(key!(), "from tasks t where ", fits!(), " limit $8");
    PAYING_IN: RangeIn => Key = concat!(key!(), "from tasks t where t.category = $9 and ", fits!(), " limit $8");
    HOW_MANY_HAVE_WORDS: (String, i64) => (i64,) = concat!("select count(*) from (select 1 from ", indexed!("$1"), " limit $2) m");
    HAVING_WORDS: RangeOfWords => Key =
        concat!(key!(), "from (select w.id from ", indexed!("$9"), " limit $8) m join tasks t on t.id = m.id where ", fits!(), " and ($10 = '' or t.category = $10)");
    FOUND: (String,) => FoundRow =
        "select t.id, t.creator_id, t.category, t.worker_type, t.reward, t.fee_bp, \
                t.slots_total - t.slots_live - t.slots_filled - t.slots_refunded, t.deadline_minutes, t.review_hours, t.expires_at, \
                x.title, x.tags, \
                c.display_name, c.username, r.stars, r.ratings, r.reviews, r.rejections, r.median_review_minutes \
         from {sqlite}json_each($1) j join tasks t on t.id = unhex(j.value) \
              {postgres}json_array_elements_text($1::json) j (value) join tasks t on t.id = j.value::uuid {end}\
         join task_texts x on x.task_id = t.id join users c on c.id = t.creator_id left join reputations r on r.user_id = c.id";
    TEXTS: (String, bool) => TextsRow =
        "select x.task_id, case when $2 then x.title else '' end, case when $2 then x.description else '' end, x.tags \
         from {sqlite}json_each($1) j join task_texts x on x.task_id = unhex(j.value)\
              {postgres}json_array_elements_text($1::json) j (value) join task_texts x on x.task_id = j.value::uuid{end}";
    INDEX: (i64, TaskId, String) => () =
        "insert into {postgres}derived.{end}task_words (rowid, id, words) \
         values ($1, $2, {sqlite}$3{postgres}array_to_tsvector(string_to_array($3, ' ')){end})";
    FORGET: (i64,) => () = "delete from {postgres}derived.{end}task_words where rowid = $1";
    TO_INDEX: (TaskId, i64) => TextsRow =
        "select t.id, x.title, x.description, x.tags from tasks t join task_texts x on x.task_id = t.id \
         where t.id > $1 and t.status = 'open' order by t.id limit $2";
}

pub(super) fn worker(cx: &mut Context<'_, '_>, id: UserId) -> Result<Option<WorkerRow>> {
    Ok(cx.tx.maybe(&WORKER, (id,))?)
}

/// Where a walk from `from` towards `until` has seen `tasks` tasks; nothing when there are fewer.
pub(super) fn ahead(
    cx: &mut Context<'_, '_>,
    sort: Sort,
    category: Option<&str>,
    (from, until): (Place, Place),
    tasks: i64,
) -> Result<Option<Place>> {
    let (all, within) = match sort {
        Sort::Newest => (&AHEAD_NEWEST, &AHEAD_NEWEST_IN),
        Sort::Reward => (&AHEAD_REWARD, &AHEAD_REWARD_IN),
        Sort::Expiring => (&AHEAD_EXPIRING, &AHEAD_EXPIRING_IN),
    };
    let found = match category {
        None => cx.tx.maybe(all, (from.0, from.1, until.0, until.1, tasks - 1))?,
        Some(category) => cx.tx.maybe(within, (from.0, from.1, until.0, until.1, tasks - 1, category))?,
    };
    Ok(found.map(|(by, id)| Place(by, id)))
}

/// What fits after `from` and up to `until`, in order.
pub(super) fn walk(
    cx: &mut Context<'_, '_>,
    sort: Sort,
    wanted: &Wanted,
    (from, until): (Place, Place),
    at_most: usize,
) -> Result<Vec<Key>> {
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    let (all, within) = match sort {
        Sort::Newest => (&NEWEST, &NEWEST_IN),
        Sort::Reward => (&REWARD, &REWARD_IN),
        Sort::Expiring => (&EXPIRING, &EXPIRING_IN),
    };
    let Wanted { worker, types: [a, b], rating, rewards: (least, most), category } = wanted;
    let now = cx.now;
    Ok(match category {
        None => cx.tx.all(all, (worker, a, b, rating, least, most, now, from.0, from.1, until.0, until.1, at_most))?,
        Some(category) => {
            cx.tx.all(within, (worker, a, b, rating, least, most, now, from.0, from.1, until.0, until.1, at_most, category))?
        }
    })
}

/// How many listed tasks pay a reward of the range; counts to `at_most`.
pub(super) fn how_many_pay(cx: &mut Context<'_, '_>, wanted: &Wanted, at_most: i64) -> Result<i64> {
    let (least, most) = wanted.rewards;
    let (count,) = match &wanted.category {
        None => cx.tx.one(&HOW_MANY_PAY, (least, most, at_most))?,
        Some(category) => cx.tx.one(&HOW_MANY_PAY_IN, (least, most, at_most, category))?,
    };
    Ok(count)
}

/// What fits, in no order.
pub(super) fn paying(cx: &mut Context<'_, '_>, wanted: &Wanted, at_most: i64) -> Result<Vec<Key>> {
    let Wanted { worker, types: [a, b], rating, rewards: (least, most), category } = wanted;
    let now = cx.now;
    Ok(match category {
        None => cx.tx.all(&PAYING, (worker, a, b, rating, least, most, now, at_most))?,
        Some(category) => cx.tx.all(&PAYING_IN, (worker, a, b, rating, least, most, now, at_most, category))?,
    })
}

/// How many open tasks have all the words of a question; counts to `at_most`.
pub(super) fn how_many_have_words(cx: &mut Context<'_, '_>, question: &str, at_most: i64) -> Result<i64> {
    Ok(cx.tx.one(&HOW_MANY_HAVE_WORDS, (question, at_most))?.0)
}

/// What fits of the first `at_most` that have all the words, in no order.
pub(super) fn having_words(cx: &mut Context<'_, '_>, question: &str, wanted: &Wanted, at_most: i64) -> Result<Vec<Key>> {
    let Wanted { worker, types: [a, b], rating, rewards: (least, most), category } = wanted;
    let now = cx.now;
    Ok(cx.tx.all(&HAVING_WORDS, (worker, a, b, rating, least, most, now, at_most, question, category.as_deref().unwrap_or_default()))?)
}

/// These tasks, in no order.
pub(super) fn found(cx: &mut Context<'_, '_>, keys: &[Key]) -> Result<Vec<FoundRow>> {
    Ok(cx.tx.all(&FOUND, (list(keys),))?)
}

/// Their texts, or only their tags, in no order.
pub(super) fn texts(cx: &mut Context<'_, '_>, keys: &[Key], also_words: bool) -> Result<Vec<TextsRow>> {
    Ok(cx.tx.all(&TEXTS, (list(keys), also_words))?)
}

fn list(keys: &[Key]) -> String {
    json!(keys.iter().map(|key| key.id.0.simple().to_string()).collect::<Vec<_>>()).to_string()
}

pub(super) fn index(cx: &mut Context<'_, '_>, number: i64, id: TaskId, words: &str) -> Result<()> {
    Ok(cx.tx.write(&INDEX, (number, id, words))?)
}

/// Nothing happens when it is not there.
pub(super) fn forget(cx: &mut Context<'_, '_>, number: i64) -> Result<()> {
    Ok(cx.tx.write_if_there(&FORGET, (number,))?)
}

/// Open tasks in the order of their ids.
pub(super) fn to_index(cx: &mut Context<'_, '_>, after: TaskId, at_most: i64) -> Result<Vec<TextsRow>> {
    Ok(cx.tx.all(&TO_INDEX, (after, at_most))?)
}

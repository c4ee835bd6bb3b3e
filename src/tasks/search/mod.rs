//! Finding open tasks that the caller may accept.

mod find;
mod order;
pub(crate) mod store;
mod text_index;
mod words;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::{Refusal, internal};
use crate::base::hundredths::Hundredths;
use crate::base::page::Page;
use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::tasks::get_task::CreatorView;
use crate::tasks::search::find::{Search, find};
use crate::tasks::search::order::Sort;
use crate::tasks::search::store::{FoundRow, Wanted};
use crate::tasks::search::words::Sought;
use crate::tasks::task::{TaskId, WorkerType};
use crate::tasks::{TaskRefusal, category};
use crate::users::reputation::Reputation;

pub use text_index::index_next;
pub(super) use text_index::{forget, index};

/// What you are looking for; what is left out does not matter.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchTasks {
    /// One of the list at `/api/v1/categories`.
    #[garde(inner(length(bytes, max = 40)))]
    #[schemars(schema_with = "category::ids")]
    category: Option<String>,
    /// The least reward of a slot.
    #[garde(skip)]
    min_reward: Option<Usdt>,
    /// The largest reward of a slot.
    #[garde(skip)]
    max_reward: Option<Usdt>,
    /// Tasks that have all of these.
    #[garde(inner(length(max = 10), inner(length(bytes, min = 1, max = 40))))]
    #[schemars(length(max = 10), inner(length(min = 1, max = 40)))]
    tags: Option<Vec<String>>,
    /// Words that stand in the title, the description or the tags.
    #[garde(inner(length(chars, max = 200)))]
    #[schemars(length(max = 200))]
    q: Option<String>,
    /// Tasks for `human` or `bot` only, or for `any`.
    #[garde(skip)]
    worker_type: Option<WorkerType>,
    /// `newest` (when left out), `reward` or `expiring`.
    #[garde(skip)]
    sort: Option<Sort>,
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 50; 20 when left out.
    #[garde(inner(range(min = 1, max = 50)))]
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
}

/// An open task.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FoundTask {
    /// For ever.
    task_id: TaskId,
    /// In a line; written by its creator.
    #[schemars(extend("x-untrusted" = true))]
    title: String,
    /// One of the list.
    category: String,
    /// What a slot costs the creator.
    reward_usd: Usdt,
    /// What you get of it.
    reward_net_usd: Usdt,
    /// Free slots.
    slots_remaining: i64,
    /// From acceptance to proof.
    deadline_minutes: i64,
    /// How long the creator has for a verdict.
    review_window_hours: i64,
    /// Takes workers before then.
    expires_at: Ts,
    /// Words.
    #[schemars(extend("x-untrusted" = true))]
    tags: Vec<String>,
    /// Who may work.
    worker_type: WorkerType,
    /// Who pays.
    creator: CreatorView,
}

pub(super) fn search_tasks(cx: &mut Context<'_, '_>, input: &SearchTasks) -> Result<Page<FoundTask>> {
    let me = cx.user_id()?;
    let worker = store::worker(cx, me)?.ok_or(Refusal::NotFound)?;
    let rating = worker.stars.zip(worker.ratings).and_then(|(stars, ratings)| Hundredths::ratio(stars, ratings));
    search(cx, input, (me, worker.is_bot, rating.unwrap_or(Hundredths(0))))
}

/// What a person finds who has not signed in: everything open that wants no rating.
pub fn for_visitors(cx: &mut Context<'_, '_>, input: &SearchTasks) -> Result<Page<FoundTask>> {
    search(cx, input, (UserId(uuid::Uuid::nil()), false, Hundredths(0)))
}

fn search(cx: &mut Context<'_, '_>, input: &SearchTasks, (worker, is_bot, rating): (UserId, bool, Hundredths)) -> Result<Page<FoundTask>> {
    if let Some(category) = input.category.as_ref().filter(|id| !category::exists(id)) {
        return Err(TaskRefusal::UnknownCategory { category: category.clone() }.into());
    }
    let rewards = (input.min_reward.unwrap_or(Usdt::ZERO), input.max_reward.unwrap_or(Usdt::MAX));
    if rewards.0 > rewards.1 {
        return Err(TaskRefusal::RewardsExclude.into());
    }
    let sort = input.sort.unwrap_or(Sort::Newest);
    let after = input.cursor.as_deref().map(|cursor| sort.read_cursor(cursor)).transpose()?;
    let types = match input.worker_type {
        None => [WorkerType::Any, if is_bot { WorkerType::Bot } else { WorkerType::Human }],
        Some(only) if only.fits(is_bot) => [only, only],
        // Nothing of what is meant for the others may be accepted.
        Some(_) => return Ok(Page { items: Vec::new(), next_cursor: None }),
    };
    let search = Search {
        wanted: Wanted { worker, types, rating, rewards, category: input.category.clone() },
        sought: Sought::new(input.q.as_deref().unwrap_or_default(), input.tags.as_deref().unwrap_or_default()),
        sort,
        after,
        limit: input.limit.unwrap_or(20) as usize,
    };
    let page = find(cx, &search)?;
    let items = page.rows.into_iter().map(found).collect::<Result<_>>()?;
    Ok(Page { items, next_cursor: page.next.map(|place| sort.cursor(place)) })
}

/// Tags as they are stored.
fn parse_tags(tags: &str) -> Result<Vec<String>> {
    serde_json::from_str(tags).map_err(internal)
}

fn found(row: FoundRow) -> Result<FoundTask> {
    let net = row.reward.checked_sub(row.reward.basis_points(row.fee_bp)).ok_or_else(|| internal("a fee above the reward"))?;
    let reputation = Reputation {
        stars: row.stars.unwrap_or(0),
        ratings: row.ratings.unwrap_or(0),
        reviews: row.reviews.unwrap_or(0),
        rejections: row.rejections.unwrap_or(0),
        median_review_minutes: row.median_review_minutes,
        ..Reputation::new(row.creator_id)
    };
    let name = if row.display_name.is_empty() { row.username } else { row.display_name };
    Ok(FoundTask {
        task_id: row.id,
        title: row.title,
        category: row.category,
        reward_usd: row.reward,
        reward_net_usd: net,
        slots_remaining: row.slots_free,
        deadline_minutes: row.deadline_minutes,
        review_window_hours: row.review_hours,
        expires_at: row.expires_at,
        tags: parse_tags(&row.tags)?,
        worker_type: row.worker_type,
        creator: CreatorView::new(name, &reputation),
    })
}

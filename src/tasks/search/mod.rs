//! Finding open tasks that the caller may accept.

pub(crate) mod store;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::error::{Refusal, internal};
use crate::base::page::{self, Page};
use crate::base::{Context, Result, Ts, Usdt};
use crate::tasks::get_task::CreatorView;
use crate::tasks::search::store::{FoundRow, Wanted};
use crate::tasks::settlement::basis_points;
use crate::tasks::task::{TaskId, WorkerType};
use crate::users::reputation::Reputation;

crate::words! {
    /// In which order.
    pub enum Sort {
        /// The newest first.
        Newest = "newest",
        /// The largest reward first.
        Reward = "reward",
        /// Those that end soon first.
        Expiring = "expiring",
    }
}

/// What you are looking for; what is left out does not matter.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchTasks {
    /// One of the list at `/api/v1/categories`.
    #[garde(inner(length(bytes, max = 40)))]
    category: Option<String>,
    /// The least reward of a slot.
    #[garde(skip)]
    min_reward: Option<Usdt>,
    /// The largest reward of a slot.
    #[garde(skip)]
    max_reward: Option<Usdt>,
    /// Tasks that have all of these.
    #[garde(inner(length(max = 10), inner(length(bytes, min = 1, max = 40))))]
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
    tags: Vec<String>,
    /// Who may work.
    worker_type: WorkerType,
    /// Who pays.
    creator: CreatorView,
    #[serde(skip)]
    position: (i64, Uuid),
}

pub(super) fn search_tasks(cx: &mut Context<'_, '_>, input: &SearchTasks) -> Result<Page<FoundTask>> {
    const LIST: &str = "search";
    let me = cx.user_id()?;
    let limit = input.limit.unwrap_or(20);
    let before = match &input.cursor {
        Some(cursor) => page::position(LIST, cursor)?.parse().map_err(|_| Refusal::StaleCursor)?,
        None => Uuid::max(),
    };
    let wanted = Wanted {
        category: input.category.clone().unwrap_or_default(),
        min_reward: input.min_reward.unwrap_or(Usdt::ZERO),
        max_reward: input.max_reward.unwrap_or(Usdt::MAX),
    };
    let rows = store::newest(cx, me, before, &wanted, i64::from(limit) + 1)?;
    let items = rows.into_iter().map(found).collect::<Result<Vec<_>>>()?;
    Ok(Page::of(items, limit as usize, |task: &FoundTask| page::cursor(LIST, &task.task_id.to_string())))
}

fn found(row: FoundRow) -> Result<FoundTask> {
    let net = row.reward.checked_sub(basis_points(row.reward, row.fee_bp)).ok_or_else(|| internal("a fee above the reward"))?;
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
        tags: serde_json::from_str(&row.tags).map_err(internal)?,
        worker_type: row.worker_type,
        creator: CreatorView::new(name, &reputation),
        position: (0, row.id.0),
    })
}

/// Makes a new task findable by its words.
#[expect(clippy::unnecessary_wraps, reason = "the text index comes next")]
pub(super) fn index(_: &mut Context<'_, '_>, _: &crate::tasks::task::Task, _: &crate::tasks::store::Texts) -> Result<()> {
    Ok(())
}

//! One task, as its reader may see it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::{Refusal, internal};
use crate::base::hundredths::Hundredths;
use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::tasks::accept::WhichTask;
use crate::tasks::acceptance::{AcceptanceId, AcceptanceStatus};
use crate::tasks::settlement::net;
use crate::tasks::store::{self, Texts};
use crate::tasks::task::{Task, TaskId, TaskStatus, Wanted, WorkerType};
use crate::users::reputation::{Reputation, reputation_of};
use crate::users::store as users;

/// A task.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Task")]
pub struct TaskView {
    /// For ever.
    task_id: TaskId,
    /// Where it stands.
    status: TaskStatus,
    /// In a line; written by its creator.
    #[schemars(extend("x-untrusted" = true))]
    title: String,
    /// What is to be done; written by its creator.
    #[schemars(extend("x-untrusted" = true))]
    description: String,
    /// One of the list.
    category: String,
    /// Words.
    #[schemars(extend("x-untrusted" = true))]
    tags: Vec<String>,
    /// Where the work is to be done.
    #[schemars(extend("x-untrusted" = true))]
    target_url: Option<String>,
    /// What a slot costs the creator.
    reward_usd: Usdt,
    /// What a worker gets of it.
    reward_net_usd: Usdt,
    /// All slots.
    slots_total: i64,
    /// Paid ones.
    slots_filled: i64,
    /// Free ones.
    slots_remaining: i64,
    /// Who may work.
    worker_type: WorkerType,
    /// The least rating of a worker.
    min_rating: Option<Hundredths>,
    /// From acceptance to proof.
    deadline_minutes: i64,
    /// How long the creator has for a verdict; without one a proof counts as approved.
    review_window_hours: i64,
    /// How often changes may be asked for.
    max_resubmissions: i64,
    /// What a proof consists of.
    proof: ProofView,
    /// Since when.
    published_at: Ts,
    /// Takes workers before then.
    expires_at: Ts,
    /// When it was over.
    ended_at: Option<Ts>,
    /// Who pays.
    creator: CreatorView,
    /// What you hold of it, or held last.
    my_acceptance: Option<MyAcceptance>,
    /// For its creator: what lies in escrow.
    #[serde(skip_serializing_if = "Option::is_none")]
    escrow_usd: Option<Usdt>,
}

/// What a proof consists of.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProofView {
    /// An address.
    url: Wanted,
    /// A text.
    text: Wanted,
}

/// Who pays, and how he reviews.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CreatorView {
    /// Who.
    pub(super) user_id: UserId,
    /// The public name.
    #[schemars(extend("x-untrusted" = true))]
    pub(super) name: String,
    /// Average stars; null without ratings.
    pub(super) rating: Option<Hundredths>,
    /// The part of proofs that he rejects, 0 to 1; null without reviews.
    pub(super) reject_rate: Option<Hundredths>,
    /// How long he takes for a verdict; null without reviews.
    pub(super) median_review_minutes: Option<i64>,
}

impl CreatorView {
    pub(super) fn new(name: String, reputation: &Reputation) -> Self {
        Self {
            user_id: reputation.user_id,
            name,
            rating: reputation.rating(),
            reject_rate: reputation.reject_rate(),
            median_review_minutes: reputation.median_review_minutes,
        }
    }
}

/// What the reader holds of a task.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MyAcceptance {
    /// Its id.
    acceptance_id: AcceptanceId,
    /// Where it stands.
    status: AcceptanceStatus,
    /// When the clock decides.
    due_at: Option<Ts>,
}

pub(super) fn get_task(cx: &mut Context<'_, '_>, input: &WhichTask) -> Result<TaskView> {
    let me = cx.user_id()?;
    let is_admin = cx.member()?.is_admin;
    let task = store::task(cx, input.task_id)?.ok_or(Refusal::NotFound)?;
    let held = store::last_held(cx, task.id, me)?;
    let status = task.status_at(cx.now);
    let may_see = status == TaskStatus::Open || task.creator_id == me || held.is_some() || is_admin;
    if !may_see {
        return Err(Refusal::NotFound.into());
    }
    let texts = store::texts(cx, task.id)?.ok_or_else(|| internal("a task has no texts"))?;
    let creator = users::user(cx, task.creator_id)?.ok_or_else(|| internal("a task has no creator"))?;
    let reputation = reputation_of(cx, creator.id)?;
    let my_acceptance = held.map(|acceptance| {
        let now = acceptance.at(&task, cx.now);
        MyAcceptance { acceptance_id: now.id, status: now.status, due_at: now.due_at }
    });
    let escrow_usd = (task.creator_id == me || is_admin).then(|| task.escrow()).flatten();
    view(task, texts, status, CreatorView::new(creator.public_name().to_owned(), &reputation), my_acceptance, escrow_usd)
}

/// An open task, for somebody who has not signed in.
pub fn for_visitors(cx: &mut Context<'_, '_>, id: TaskId) -> Result<TaskView> {
    let task = store::task(cx, id)?.ok_or(Refusal::NotFound)?;
    let status = task.status_at(cx.now);
    if status != TaskStatus::Open {
        return Err(Refusal::NotFound.into());
    }
    let texts = store::texts(cx, task.id)?.ok_or_else(|| internal("a task has no texts"))?;
    let creator = users::user(cx, task.creator_id)?.ok_or_else(|| internal("a task has no creator"))?;
    let reputation = reputation_of(cx, creator.id)?;
    view(task, texts, status, CreatorView::new(creator.public_name().to_owned(), &reputation), None, None)
}

fn view(
    task: Task,
    texts: Texts,
    status: TaskStatus,
    creator: CreatorView,
    my_acceptance: Option<MyAcceptance>,
    escrow_usd: Option<Usdt>,
) -> Result<TaskView> {
    Ok(TaskView {
        task_id: task.id,
        status,
        title: texts.title,
        description: texts.description,
        tags: serde_json::from_str(&texts.tags).map_err(internal)?,
        target_url: texts.target_url,
        reward_usd: task.reward,
        reward_net_usd: net(&task),
        slots_total: task.slots_total,
        slots_filled: task.slots_filled,
        slots_remaining: if status == TaskStatus::Open { task.slots_free() } else { 0 },
        worker_type: task.worker_type,
        min_rating: task.min_rating,
        deadline_minutes: task.deadline_minutes,
        review_window_hours: task.review_hours,
        max_resubmissions: task.max_resubmissions,
        proof: ProofView { url: task.proof_url, text: task.proof_text },
        published_at: task.published_at,
        expires_at: task.expires_at,
        ended_at: task.ended_at,
        category: task.category,
        creator,
        my_acceptance,
        escrow_usd,
    })
}

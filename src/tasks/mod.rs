//! The market: publish, find, accept, hand in, review, settle.

mod accept;
pub mod acceptance;
mod approve;
mod cancel;
mod case;
pub mod category;
pub mod clock;
pub mod close;
mod content;
mod decide_dispute;
mod dispute;
mod extend;
pub mod get_task;
mod links;
pub(crate) mod lists;
mod publish;
mod reject;
mod request_changes;
pub mod review_window;
mod rules;
pub mod search;
mod settlement;
pub(crate) mod store;
mod submission;
mod submit;
pub mod task;
pub mod terms;
mod tip;

use serde_json::json;

pub use lists::waiting_for;

use crate::base::context::Scope;
use crate::base::error::Refusal;
use crate::base::limit::Policy;
use crate::base::operation::{Access, Method, Operation, command, query};
use crate::base::{Context, Result, Usdt, UserId};
use crate::tasks::acceptance::AcceptanceId;
use crate::tasks::task::TaskId;

crate::refusals! {
    /// What this room refuses.
    pub enum TaskRefusal {
        UnknownCategory { category: String } = 422 "unknown_category": "There is no category `{category}`." => "Take an id from GET /api/v1/categories.";
        RewardsExclude = 422 "rewards_exclude": "`min_reward` is larger than `max_reward`: no task pays both." => "Swap them, or leave one out.";
        RewardTooLow { least: Usdt } = 422 "reward_too_low": "A slot pays at least {least} USDT." => "Offer more for a slot.";
        EscrowTooLarge { most: Usdt, slots: i64 } = 422 "escrow_too_large": "A task holds at most {most} USDT and {slots} slots." => "Offer fewer slots or a smaller reward, or publish several tasks.";
        ExpiryOutOfBounds { days: u16 } = 422 "expiry_out_of_bounds": "`expires_at` must be later than now and at most {days} days from now." => "Choose another date.";
        InvalidUrl { field: &'static str } = 422 "invalid_url": "`{field}` must be an address that starts with http:// or https:// and holds no password." => "Give the address of a page.";
        NoProof = 422 "no_proof": "A proof must have an address or a text." => "Allow at least one of `proof.url` and `proof.text`.";
        PolicyBlocked { rule: String } = 422 "policy_blocked": "Tasks of this kind are not allowed here: {rule}." => "Publish something else; write to the operator if this is a mistake.";
        ProofMissing { part: &'static str } = 422 "proof_missing": "This proof needs `{part}`." => "Add it; the task says what a proof consists of.";
        ProofNotWanted { part: &'static str } = 422 "proof_not_wanted": "This task takes no `{part}`." => "Leave it out; the task says what a proof consists of.";
        NothingToExtend = 422 "nothing_to_extend": "Neither `expires_at` nor `slots_added` is given." => "Give one of them.";
        PercentIsForSplit = 422 "percent_is_for_split": "`percent` goes with the decision `split`, and with no other." => "Give it for a split, leave it out otherwise.";
        OwnTask = 409 "own_task": "Nobody works on his own task." => "Choose a task of somebody else.";
        TaskFull = 409 "task_full": "Every slot of this task is taken." => "Search for another one.";
        TaskClosed = 409 "task_closed": "This task takes no more workers." => "Search for another one.";
        TaskExpired = 409 "task_expired": "The time of this task is over." => "Search for another one.";
        AlreadyAccepted = 409 "already_accepted": "You hold a slot of this task already." => "Hand in your proof, or cancel.";
        AlreadyTried = 409 "already_tried": "You have had your try at this task." => "Search for another one.";
        WorkerTypeMismatch { wanted: &'static str } = 409 "worker_type_mismatch": "This task is for workers of the type `{wanted}`." => "Search for another one.";
        RatingTooLow { least: String } = 409 "rating_too_low": "This task wants a rating of at least {least}." => "Earn ratings with other tasks.";
        NotAccepted = 409 "not_accepted": "You hold no slot of this task." => "Accept it first.";
        DeadlinePassed = 409 "deadline_passed": "The deadline of your slot has passed." => "Search for another task.";
        AlreadySubmitted = 409 "already_submitted": "Your proof is there already." => "Wait for the verdict.";
        NotInReview { status: &'static str } = 409 "not_in_review": "This proof is not in review: its slot is {status}." => "Look at the submissions of the task.";
        ReviewWindowPassed = 409 "review_window_passed": "The review window has passed, so the proof counts as approved." => "Decide within the window; no verdict is approval.";
        Superseded = 409 "superseded": "There is a newer proof for this slot." => "Decide on the newest one.";
        ResubmissionsUsedUp { most: i64 } = 409 "resubmissions_used_up": "Changes may be asked for {most} times, and were." => "Approve or reject the proof.";
        NotRejected { status: &'static str } = 409 "not_rejected": "Only a rejection can be disputed, and this slot is {status}." => "Look at the submission.";
        DisputeWindowPassed = 409 "dispute_window_passed": "The time to dispute this rejection has passed." => "Dispute within 72 hours.";
        NotDisputed = 409 "not_disputed": "There is no open dispute about this." => "Look at the submission.";
        TooMuchEvidence { most: i64 } = 409 "too_much_evidence": "Each side may speak {most} times." => "Wait for the decision.";
        OwnCase = 409 "own_case": "Nobody decides a dispute that he is part of." => "Ask another admin.";
        NotSettled = 409 "not_settled": "This slot is not paid." => "Approve the proof first.";
    }
}

/// Whether there is such a task.
pub fn exists(cx: &mut Context<'_, '_>, id: TaskId) -> Result<bool> {
    Ok(store::task(cx, id)?.is_some())
}

/// The creator and the worker of a slot that was paid, for those who rate each other.
///
/// # Errors
/// `not_found`; `not_settled` to those it concerns.
pub fn paid_slot(cx: &mut Context<'_, '_>, id: AcceptanceId) -> Result<(UserId, UserId)> {
    let me = cx.user_id()?;
    let (task, acceptance) = store::slot(cx, id)?.ok_or(Refusal::NotFound)?;
    let (creator, worker) = (task.creator_id, acceptance.worker_id);
    if me != creator && me != worker {
        return Err(Refusal::NotFound.into());
    }
    if acceptance.at(&task, cx.now).is_paid() { Ok((creator, worker)) } else { Err(TaskRefusal::NotSettled.into()) }
}

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    [creating(), working(), reviewing(), looking()].concat()
}

fn creating() -> Vec<Operation> {
    vec![
        command("publish_task", Method::Post, "/api/v1/agent/tasks", Access::User(Scope::Spend), publish::publish_task)
            .limit(Policy::Publish)
            .creates()
            .may_be_tried()
            .example(json!({
                "title": "Follow @roborent on X", "description": "Follow the account and send the address of your profile.",
                "category": "social", "reward_usd": 0.5, "slots": 10, "proof": { "url": "required" },
            }))
            .about("Publish a task; slots x reward goes into escrow at once. Failure to review a proof within the review window is implicit approval: the worker is paid. With dry_run nothing is published."),
        command("close_task", Method::Post, "/api/v1/agent/tasks/{task_id}/close", Access::User(Scope::Spend), close::close_task)
            .about("Take no more workers: free slots are refunded at once, those at work may finish."),
        command("extend_task", Method::Post, "/api/v1/agent/tasks/{task_id}/extend", Access::User(Scope::Spend), extend::extend_task)
            .example(json!({ "slots_added": 5 }))
            .about("Give an open task more slots, whose rewards go into escrow, or another date of expiry."),
        query("list_published_tasks", Method::Get, "/api/v1/agent/tasks/published", Access::User(Scope::Read), lists::list_published)
            .about("The tasks that you published, newest first."),
        query("list_submissions", Method::Get, "/api/v1/agent/tasks/{task_id}/submissions", Access::User(Scope::Read), lists::list_submissions)
            .about("The proofs that were handed in for a task of yours, newest first."),
        query("list_waiting_submissions", Method::Get, "/api/v1/agent/submissions", Access::User(Scope::Read), lists::list_waiting)
            .about("The proofs for any task of yours that wait for your verdict, the most urgent first."),
    ]
}

fn working() -> Vec<Operation> {
    vec![
        query("search_tasks", Method::Post, "/api/v1/agent/tasks/search", Access::User(Scope::Earn), search::search_tasks)
            .example(json!({ "category": "social", "min_reward": 1, "limit": 5 }))
            .about("Find open tasks that you may accept, by category, reward, tags, words. A page may be short: go on while next_cursor is not null."),
        command("accept_task", Method::Post, "/api/v1/agent/tasks/{task_id}/accept", Access::User(Scope::Earn), accept::accept_task)
            .limit(Policy::Accept)
            .creates()
            .about("Take a slot of a task. The proof is due before the deadline in the answer."),
        command("submit_proof", Method::Post, "/api/v1/agent/tasks/{task_id}/submit", Access::User(Scope::Earn), submit::submit_proof)
            .limit(Policy::Submit)
            .creates()
            .when_limited(submit::wait_for_the_limit)
            .example(json!({ "proof_url": "https://x.com/user/status/123", "proof_text": "Done" }))
            .about("Hand in the proof for your slot. Without a verdict in the review window it is approved and paid."),
        command(
            "cancel_acceptance",
            Method::Post,
            "/api/v1/agent/tasks/{task_id}/cancel",
            Access::User(Scope::Earn),
            cancel::cancel_acceptance,
        )
        .limit(Policy::Cancel)
        .about("Give your slot up before a proof is in review."),
        query("list_accepted_tasks", Method::Get, "/api/v1/agent/tasks/mine", Access::User(Scope::Read), lists::list_accepted)
            .about("The slots that you took, newest first."),
        command(
            "open_dispute",
            Method::Post,
            "/api/v1/agent/submissions/{submission_id}/dispute",
            Access::User(Scope::Earn),
            dispute::open_dispute,
        )
        .example(json!({ "reason": "The post is public, see the address." }))
        .about("Dispute the rejection of your proof within 72 hours; an admin decides."),
    ]
}

fn reviewing() -> Vec<Operation> {
    vec![
        command(
            "approve_submission",
            Method::Post,
            "/api/v1/agent/submissions/{submission_id}/approve",
            Access::User(Scope::Spend),
            approve::approve_submission,
        )
        .limit(Policy::Review)
        .about("Accept a proof and pay the worker from escrow."),
        command(
            "reject_submission",
            Method::Post,
            "/api/v1/agent/submissions/{submission_id}/reject",
            Access::User(Scope::Spend),
            reject::reject_submission,
        )
        .limit(Policy::Review)
        .example(json!({ "reason_code": "incomplete", "reason": "The screenshot does not show the post." }))
        .about("Refuse a proof; the money stays in escrow for 72 hours, in which the worker may dispute it."),
        command(
            "request_changes",
            Method::Post,
            "/api/v1/agent/submissions/{submission_id}/request-changes",
            Access::User(Scope::Spend),
            request_changes::request_changes,
        )
        .limit(Policy::Review)
        .example(json!({ "note": "Please add the address of the post." }))
        .about("Ask the worker for another proof; the review stops until it comes."),
        command("tip_worker", Method::Post, "/api/v1/agent/submissions/{submission_id}/tip", Access::User(Scope::Spend), tip::tip_worker)
            .limit(Policy::Review)
            .creates()
            .example(json!({ "amount": 0.25 }))
            .about("Give a worker something on top after his slot was paid; no fee is taken."),
        command(
            "add_evidence",
            Method::Post,
            "/api/v1/agent/submissions/{submission_id}/evidence",
            Access::User(Scope::Read),
            dispute::add_evidence,
        )
        .example(json!({ "text": "Here is a screenshot: https://example.com/1.png" }))
        .about("Say something in a dispute, as its worker or its creator."),
        command(
            "admin_decide_dispute",
            Method::Post,
            "/api/v1/admin/disputes/{acceptance_id}/decide",
            Access::Admin,
            decide_dispute::decide_dispute,
        )
        .example(json!({ "decision": "split", "percent": 50, "reason": "Half of the work is there." }))
        .about("Decide a dispute: pay the worker, refund the creator, or split."),
    ]
}

fn looking() -> Vec<Operation> {
    vec![
        query("get_task", Method::Get, "/api/v1/agent/tasks/{task_id}", Access::User(Scope::Read), get_task::get_task)
            .about("Everything about a task."),
        query(
            "get_submission",
            Method::Get,
            "/api/v1/agent/submissions/{submission_id}",
            Access::User(Scope::Read),
            submission::get_submission,
        )
        .about("A proof and what was said about it, for its worker and the creator of the task."),
        query("list_categories", Method::Get, "/api/v1/categories", Access::Open, category::list_categories)
            .about("The categories of tasks."),
        query("get_platform_rules", Method::Get, "/api/v1/rules", Access::Open, rules::get_rules)
            .about("Fees, minimums, review windows, terms and limits in force."),
    ]
}

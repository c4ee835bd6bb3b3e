//! A worker hands in a proof. The creator's review window begins.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::error::Refusal;
use crate::base::{Context, Result, Span, Ts, UserId};
use crate::events::{self, Event, EventKind};
use crate::tasks::acceptance::{AcceptanceId, SubmissionId};
use crate::tasks::links::http_link;
use crate::tasks::task::{Task, TaskId, Wanted};
use crate::tasks::{TaskRefusal, store};

/// What a worker gets after a limit that kept him from handing in.
const GRACE: Span = Span::minutes(10);

/// The proof.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitProof {
    /// The task that you accepted.
    #[garde(skip)]
    task_id: TaskId,
    /// Where the work can be seen, http or https.
    #[garde(inner(length(bytes, max = 2000)))]
    #[schemars(length(max = 2000))]
    proof_url: Option<String>,
    /// What you did.
    #[garde(inner(length(chars, max = 10_000)))]
    #[schemars(length(max = 10_000))]
    proof_text: Option<String>,
}

/// The proof is in review.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Submitted {
    /// For ever.
    submission_id: SubmissionId,
    /// The slot it is for.
    acceptance_id: AcceptanceId,
    /// Always `in_review`.
    status: &'static str,
    /// Without a verdict by then it counts as approved.
    auto_approve_at: Option<Ts>,
}

pub(super) fn reads_first(cx: &mut Context<'_, '_>, input: &SubmitProof, worker: UserId) {
    store::announce_held_by(cx, input.task_id, worker);
}

pub(super) fn submit_proof(cx: &mut Context<'_, '_>, input: &SubmitProof) -> Result<Submitted> {
    let worker = cx.user_id()?;
    let Some((task, mut acceptance)) = store::held_by(cx, input.task_id, worker)? else {
        store::task(cx, input.task_id)?.ok_or(Refusal::NotFound)?;
        return Err(TaskRefusal::NotAccepted.into());
    };
    let (url, text) = proof(&task, input)?;
    let (before, id) = (acceptance.status, SubmissionId(cx.new_id()));
    acceptance.submit(id, &task, cx.now)?;
    store::insert_submission(cx, id, &acceptance, (url.as_deref(), text))?;
    store::save_acceptance(cx, before, &acceptance)?;
    let data = json!({
        "task_id": task.id,
        "acceptance_id": acceptance.id,
        "worker_id": worker,
        "proof_text": text,
        "proof_url": url,
        "submitted_at": cx.now,
        "submission_id": id,
        "auto_approve_at": acceptance.due_at,
    });
    events::emit(cx, &[Event::new(task.creator_id, EventKind::ProofSubmitted, data)])?;
    Ok(Submitted { submission_id: id, acceptance_id: acceptance.id, status: "in_review", auto_approve_at: acceptance.due_at })
}

/// A limit stands in the way until `free_at`: the deadline waits for it, once.
pub(super) fn wait_for_the_limit(cx: &mut Context<'_, '_>, input: &SubmitProof, free_at: Ts) -> Result<()> {
    let worker = cx.user_id()?;
    let Some((_, mut acceptance)) = store::held_by(cx, input.task_id, worker)? else { return Ok(()) };
    if acceptance.extend(free_at.plus(GRACE), cx.now) {
        store::save_acceptance(cx, acceptance.status, &acceptance)?;
    }
    Ok(())
}

/// The parts of the proof, when they are those that the task wants.
fn proof<'i>(task: &Task, input: &'i SubmitProof) -> Result<(Option<String>, Option<&'i str>)> {
    let url = input.proof_url.as_deref().map(str::trim).filter(|url| !url.is_empty());
    let text = input.proof_text.as_deref().filter(|text| !text.trim().is_empty());
    for (part, wanted, given) in [("proof_url", task.proof_url, url.is_some()), ("proof_text", task.proof_text, text.is_some())] {
        match (wanted, given) {
            (Wanted::None, true) => return Err(TaskRefusal::ProofNotWanted { part }.into()),
            (Wanted::Required, false) => return Err(TaskRefusal::ProofMissing { part }.into()),
            (Wanted::None, false) | (Wanted::Optional, _) | (Wanted::Required, true) => {}
        }
    }
    if url.is_none() && text.is_none() {
        return Err(TaskRefusal::ProofMissing { part: if task.proof_text == Wanted::None { "proof_url" } else { "proof_text" } }.into());
    }
    Ok((url.map(|url| http_link("proof_url", url)).transpose()?, text))
}

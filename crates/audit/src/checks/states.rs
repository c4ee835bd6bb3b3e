//! T5: the columns of an acceptance tell one story: what it waits for, its proofs, its verdict, what it was paid.

use crate::error::AuditError;
use crate::findings::Findings;
use crate::life::{Acceptance, Life, Task, lives};
use crate::reader::Reader;

/// Who has to decide is reminded after so many percent of his time.
const REMINDERS: [i128; 2] = [50, 90];

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut proofs = 0u64;
    let acceptances = lives(reader, |life| {
        proofs += life.proofs.len() as u64;
        let mut wrong = |fault: String| findings.wrong(|| format!("acceptance {}: {fault}", life.id));
        let (rows, orphans) = (life.rows, life.proofs.len() + life.remarks.len());
        match &life.acceptance {
            Some(acceptance) if rows == 1 => match acceptance.task {
                Some(task) => faults(&life, acceptance, task).into_iter().for_each(wrong),
                None => wrong(format!("its task {} does not exist", acceptance.task_id)),
            },
            _ => wrong(format!("{rows} rows with {orphans} proofs and remarks, expected one row")),
        }
    })?;
    findings.count("acceptances", acceptances);
    findings.count("proofs", proofs);
    super::task_states::check(reader, findings)
}

fn faults(life: &Life, acceptance: &Acceptance, task: Task) -> Vec<String> {
    let mut faults = waits(acceptance);
    faults.extend(handed_in(life, acceptance));
    faults.extend(said(life, acceptance, task));
    faults.extend(decided(life, acceptance, task));
    faults
}

/// `what` when it does not hold.
fn unless(holds: bool, what: impl FnOnce() -> String) -> Option<String> {
    (!holds).then(what)
}

fn waits(acceptance: &Acceptance) -> Vec<String> {
    let Acceptance { status, phase_at, due_at, reminders, next_at, settled_at, .. } = acceptance;
    let held = matches!(status.as_str(), "accepted" | "submitted" | "changes_requested" | "disputed");
    let waiting = held || status == "rejected";
    let asks = matches!(status.as_str(), "submitted" | "disputed");
    let percent = usize::try_from(*reminders).ok().and_then(|sent| REMINDERS.get(sent)).filter(|_| asks);
    let next = due_at.map(|due| percent.map_or(due, |percent| phase_at + (due - phase_at) * percent / 100));
    let most = if asks || !waiting { 2 } else { 0 };
    [
        unless(due_at.is_some() != settled_at.is_some(), || {
            format!("{status}, due {due_at:?} and settled {settled_at:?}, expected one of them")
        }),
        unless(if due_at.is_some() { waiting } else { !held }, || format!("{status} and due {due_at:?}")),
        unless(*next_at == next, || format!("{status}, next at {next_at:?}, expected {next:?}")),
        unless((0..=most).contains(reminders), || format!("{status} with {reminders} reminders, expected at most {most}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn handed_in(life: &Life, acceptance: &Acceptance) -> Vec<String> {
    let Acceptance { status, submissions, submission_id, submitted_at, .. } = acceptance;
    let rows = life.proofs.len() as u64;
    let newest = life.proofs.last();
    let gapless = life.proofs.iter().zip(1i128..).all(|(proof, n)| proof.n == n);
    let any = match status.as_str() {
        "accepted" | "expired" => rows == 0,
        "withdrawn" => true,
        _ => rows > 0,
    };
    [
        unless(u64::try_from(*submissions) == Ok(rows), || format!("{submissions} proofs, expected {rows}")),
        unless(gapless, || "its proofs are not numbered 1, 2, 3 …".to_owned()),
        unless(*submission_id == newest.map(|proof| proof.id), || format!("newest proof {submission_id:?}, which is not its highest")),
        unless(*submitted_at == newest.map(|proof| proof.at), || {
            format!("handed in {submitted_at:?}, which is not when its newest proof came")
        }),
        unless(life.proofs.iter().all(|proof| proof.task_id == acceptance.task_id), || "a proof names another task".to_owned()),
        unless(any, || format!("{status} with {rows} proofs")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What was said must have led here.
fn said(life: &Life, acceptance: &Acceptance, task: Task) -> Vec<String> {
    let Acceptance { status, worker, review_left, auto, .. } = acceptance;
    let [changes, rejections, disputes, decisions] = ["changes", "rejection", "dispute", "decision"].map(|kind| life.count(kind));
    let most = usize::try_from(task.max_resubmissions).unwrap_or_default();
    let rejected = match status.as_str() {
        "rejected" | "disputed" | "refunded" | "split" => rejections == 1,
        "approved" => rejections <= 1,
        _ => rejections == 0,
    };
    let contested = !matches!(status.as_str(), "rejected") && rejections == 1;
    let decided = usize::from(contested && status != "disputed");
    let ended = match status.as_str() {
        "changes_requested" => changes >= life.proofs.len(),
        "withdrawn" => changes >= life.proofs.len() && rejections == 0,
        _ => changes + 1 >= life.proofs.len(),
    };
    let by = |kind: &str, holds: &dyn Fn(uuid::Uuid) -> bool| life.of(kind).all(|remark| holds(remark.author));
    let authors = by("changes", &|author| author == task.creator)
        && by("rejection", &|author| author == task.creator)
        && by("dispute", &|author| author == *worker)
        && by("decision", &|author| if *auto { author.is_nil() } else { !author.is_nil() && author != *worker && author != task.creator });
    [
        unless(changes <= most, || format!("changes were asked for {changes} times, expected at most {most}")),
        unless(life.proofs.len() <= most + 1, || format!("{} proofs, expected at most {}", life.proofs.len(), most + 1)),
        unless(rejected, || format!("{status} with {rejections} rejections")),
        unless(disputes <= usize::from(contested), || format!("{status} with {disputes} disputes")),
        unless(decisions == decided, || format!("{status} with {decisions} decisions, expected {decided}")),
        unless(ended, || format!("{status} with {} proofs, and changes asked for {changes} times", life.proofs.len())),
        unless((*review_left > 0) == (changes > 0), || format!("{review_left} ms of review left, and changes asked for {changes} times")),
        unless(authors, || "a remark of somebody whose turn it was not".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn decided(life: &Life, acceptance: &Acceptance, task: Task) -> Vec<String> {
    let Acceptance { status, worker, reviewed_at, auto, paid, .. } = acceptance;
    let verdict = matches!(status.as_str(), "approved" | "rejected" | "disputed" | "refunded" | "split");
    let share = |percent: i128| task.reward.saturating_mul(percent) / 100;
    let fits = match status.as_str() {
        "approved" => *paid == task.reward,
        "split" => (1..=99).any(|percent| share(percent) == *paid),
        _ => *paid == 0,
    };
    [
        unless(reviewed_at.is_some() == verdict, || format!("{status} and reviewed {reviewed_at:?}")),
        unless(fits, || format!("{status}, paid {paid} of a reward of {}", task.reward)),
        unless(!auto || status == "approved", || format!("{status} by the clock")),
        unless(*worker != task.creator, || format!("{worker} works for himself")),
        unless(acceptance.is_live() == acceptance.settled_at.is_none(), || format!("{status}, settled {:?}", acceptance.settled_at)),
        unless(!life.proofs.is_empty() || *paid == 0, || format!("{paid} for no proof")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

//! The tables of the market: tasks, acceptances, proofs, remarks.

use ::store::Both;
use uuid::Uuid;

use crate::base::hundredths::Hundredths;
use crate::base::{Context, Result, Span, Ts, Usdt, UserId};
use crate::tasks::acceptance::{Acceptance, AcceptanceId, AcceptanceStatus, SubmissionId};
use crate::tasks::settlement::Referrals;
use crate::tasks::submission::Proof;
use crate::tasks::task::{ClosedBy, Task, TaskId, TaskStatus, Wanted, WorkerType};

macro_rules! task_columns {
    () => {
        "t.id, t.creator_id, t.status, t.closed_by, t.category, t.worker_type, t.min_rating, t.reward, t.fee_bp, t.commission_bp, \
         t.slots_total, t.slots_live, t.slots_filled, t.slots_refunded, t.rejections, t.deadline_minutes, t.review_hours, \
         t.max_resubmissions, t.proof_url, t.proof_text, t.terms_version, t.listed, t.published_at, t.expires_at, t.ended_at"
    };
}

macro_rules! acceptance_columns {
    () => {
        "a.id, a.task_id, a.worker_id, a.status, a.accepted_at, a.extended, a.submissions, a.submission_id, a.submitted_at, a.phase_at, \
         a.due_at, a.reminders, a.review_left, a.reviewed_at, a.auto, a.paid, a.settled_at"
    };
}

pub(super) use {acceptance_columns, task_columns};

macro_rules! case {
    () => {
        concat!("select ", task_columns!(), ", ", acceptance_columns!(), ", w.referrer_id, w.created_at, c.referrer_id, c.created_at")
    };
}

::store::row! {
    /// What a worker is to a task.
    pub(super) struct Candidate {
        pub(super) is_bot: bool,
        pub(super) stars: Option<i64>,
        pub(super) ratings: Option<i64>,
        pub(super) status: Option<AcceptanceStatus>,
        pub(super) due_at: Option<Ts>,
        pub(super) review_left: Option<i64>,
        pub(super) withdrawn: i64,
    }
}

impl Candidate {
    /// When time alone ends what he holds: changes that do not come lead back to the rest of the review.
    pub(super) fn holds_until(&self) -> Option<Ts> {
        let more = self.review_left.filter(|_| self.status == Some(AcceptanceStatus::ChangesRequested)).unwrap_or(0);
        self.due_at.map(|due| due.plus(Span::milliseconds(more)))
    }

    /// Whether his average is at least `least`.
    pub(super) fn has_rating(&self, least: Hundredths) -> bool {
        self.stars.zip(self.ratings).and_then(|(stars, ratings)| Hundredths::ratio(stars, ratings)).is_some_and(|rating| rating >= least)
    }
}

::store::row! {
    /// The texts of a task.
    #[derive(Clone, Debug)]
    pub(super) struct Texts {
        pub(super) title: String,
        pub(super) description: String,
        pub(super) target_url: Option<String>,
        pub(super) tags: String,
    }
}

::store::row! {
    /// A remark as stored.
    pub(super) struct Remark {
        pub(super) author_id: UserId,
        pub(super) kind: String,
        pub(super) code: String,
        pub(super) text: String,
        pub(super) at: Ts,
    }
}

/// A task, an acceptance of it, and who brought both sides here.
pub(super) type CaseRow = Both<Task, Both<Acceptance, Referrals>>;

type NewTask = (TaskId, UserId, String, WorkerType, Option<Hundredths>, Usdt, i64, i64, i64, i64, i64, i64, Wanted, Wanted, i64, Ts, Ts);
type TaskValues = (TaskId, TaskStatus, ClosedBy, i64, i64, i64, i64, i64, bool, Ts, Option<Ts>);

type AcceptanceValues = (
    AcceptanceId,
    AcceptanceStatus,
    AcceptanceStatus,
    bool,
    i64,
    Option<SubmissionId>,
    Option<Ts>,
    Ts,
    Option<Ts>,
    i64,
    Option<Ts>,
    i64,
    Option<Ts>,
    bool,
    Usdt,
    Option<Ts>,
);

::store::statements! {
    INSERT_TASK: NewTask => () =
        "insert into tasks (id, creator_id, status, closed_by, category, worker_type, min_rating, reward, fee_bp, commission_bp, slots_total, \
                slots_live, slots_filled, slots_refunded, rejections, deadline_minutes, review_hours, max_resubmissions, \
                proof_url, proof_text, terms_version, listed, published_at, expires_at) \
         values ($1, $2, 'open', '', $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, 0, $10, $11, $12, $13, $14, $15, true, $16, $17)";
    INSERT_TEXTS: (TaskId, String, String, Option<String>, String) => () =
        "insert into task_texts (task_id, title, description, target_url, tags) values ($1, $2, $3, $4, $5)";
    TEXTS: (TaskId,) => Texts = "select title, description, target_url, tags from task_texts where task_id = $1";
    TASK: (TaskId,) => Task = concat!("select ", task_columns!(), " from tasks t where t.id = $1");
    TASK_LOCKED: (TaskId,) => Task = concat!("select ", task_columns!(), " from tasks t where t.id = $1 {lock}");
    TASK_AND_CANDIDATE: (TaskId, UserId) => Both<Task, Candidate> = concat!(
        "select ", task_columns!(), ", w.is_bot, r.stars, r.ratings, a.status, a.due_at, a.review_left, \
                (select count(*) from acceptances x where x.task_id = t.id and x.worker_id = $2 and x.status = 'withdrawn') \
         from tasks t join users w on w.id = $2 \
         left join reputations r on r.user_id = w.id \
         left join acceptances a on a.task_id = t.id and a.worker_id = w.id and a.status <> 'withdrawn' \
         where t.id = $1 {lock:t}"
    );
    SAVE_TASK: TaskValues => () =
        "update tasks set status = $2, closed_by = $3, slots_total = $4, slots_live = $5, slots_filled = $6, slots_refunded = $7, rejections = $8, \
                listed = $9, expires_at = $10, ended_at = $11 where id = $1";
    SAVE_SLOTS: (TaskId, i64, i64, i64, i64) => () =
        "update tasks set slots_live = $2, slots_filled = $3, slots_refunded = $4, rejections = $5 where id = $1";
    EXPIRE_TASKS_OF: (UserId, Ts) => () =
        "update tasks set expires_at = $2, closed_by = 'operator' where creator_id = $1 and status = 'open' and expires_at > $2";
    INSERT_ACCEPTANCE: (AcceptanceId, TaskId, UserId, AcceptanceStatus, Ts, Option<Ts>) => () =
        "insert into acceptances (id, task_id, worker_id, status, accepted_at, extended, submissions, phase_at, due_at, reminders, next_at, \
                review_left, auto, paid) values ($1, $2, $3, $4, $5, false, 0, $5, $6, 0, $6, 0, false, 0)";
    SAVE_ACCEPTANCE: AcceptanceValues => () =
        "update acceptances set status = $3, extended = $4, submissions = $5, submission_id = $6, submitted_at = $7, phase_at = $8, due_at = $9, \
                reminders = $10, next_at = $11, review_left = $12, reviewed_at = $13, auto = $14, paid = $15, settled_at = $16 \
         where id = $1 and status = $2";
    HELD_BY: (TaskId, UserId) => Both<Task, Acceptance> = concat!(
        "select ", task_columns!(), ", ", acceptance_columns!(), " from acceptances a join tasks t on t.id = a.task_id \
         where a.task_id = $1 and a.worker_id = $2 and a.status <> 'withdrawn' {lock:a}"
    );
    CASE_HELD_BY: (TaskId, UserId) => CaseRow = concat!(
        case!(), " from acceptances a join tasks t on t.id = a.task_id join users w on w.id = a.worker_id join users c on c.id = t.creator_id \
         where a.task_id = $1 and a.worker_id = $2 and a.status <> 'withdrawn' {lock:t, a}"
    );
    CASE_BY_SUBMISSION: (SubmissionId,) => CaseRow = concat!(
        case!(), " from submissions s join acceptances a on a.id = s.acceptance_id join tasks t on t.id = a.task_id \
         join users w on w.id = a.worker_id join users c on c.id = t.creator_id where s.id = $1 {lock:t, a}"
    );
    CASE_BY_ACCEPTANCE: (AcceptanceId,) => CaseRow = concat!(
        case!(), " from acceptances a join tasks t on t.id = a.task_id join users w on w.id = a.worker_id join users c on c.id = t.creator_id \
         where a.id = $1 {lock:t, a}"
    );
    REVIEWED: (SubmissionId,) => Both<Task, Acceptance> = concat!(
        "select ", task_columns!(), ", ", acceptance_columns!(), " from submissions s join acceptances a on a.id = s.acceptance_id \
         join tasks t on t.id = a.task_id where s.id = $1"
    );
    SLOT: (AcceptanceId,) => Both<Task, Acceptance> = concat!(
        "select ", task_columns!(), ", ", acceptance_columns!(), " from acceptances a join tasks t on t.id = a.task_id where a.id = $1"
    );
    LAST_HELD: (TaskId, UserId) => Acceptance = concat!(
        "select ", acceptance_columns!(), " from acceptances a where a.worker_id = $2 and a.task_id = $1 order by a.id desc limit 1"
    );
    PROOF: (SubmissionId,) => Proof = "select id, n, proof_url, proof_text, submitted_at from submissions where id = $1";
    CONTENT_RULES: () => (String, String) = "select name, pattern from content_rules order by id limit 500";
    INSERT_SUBMISSION: (SubmissionId, AcceptanceId, TaskId, i64, Option<String>, Option<String>, Ts) => () =
        "insert into submissions (id, acceptance_id, task_id, n, proof_url, proof_text, submitted_at) values ($1, $2, $3, $4, $5, $6, $7)";
    INSERT_REMARK: (Uuid, AcceptanceId, Uuid, String, String, String, Ts) => () =
        "insert into remarks (id, acceptance_id, author_id, kind, code, text, at) values ($1, $2, $3, $4, $5, $6, $7)";
    REMARKS: (AcceptanceId,) => Remark =
        "select author_id, kind, code, text, at from remarks where acceptance_id = $1 order by id limit 200";
    REMARKS_BY: (AcceptanceId, UserId, String) => (i64,) =
        "select count(*) from remarks where acceptance_id = $1 and author_id = $2 and kind = $3";
    INSERT_TIP: (Uuid, AcceptanceId, Usdt, Ts) => () = "insert into tips (id, acceptance_id, amount, at) values ($1, $2, $3, $4)";
    WAITING: (Ts,) => (AcceptanceId,) = "select id from acceptances where next_at is not null and next_at <= $1 order by next_at, id limit 256";
    OVERDUE_TASKS: (Ts,) => (TaskId,) =
        "select id from tasks where status = 'open' and expires_at <= $1 order by expires_at, id limit 256";
}

/// A task, not locked.
pub(super) fn task(cx: &mut Context<'_, '_>, id: TaskId) -> Result<Option<Task>> {
    Ok(cx.tx.maybe(&TASK, (id,))?)
}

/// A task, locked.
pub(super) fn task_locked(cx: &mut Context<'_, '_>, id: TaskId) -> Result<Option<Task>> {
    Ok(cx.tx.maybe(&TASK_LOCKED, (id,))?)
}

pub(super) fn texts(cx: &mut Context<'_, '_>, id: TaskId) -> Result<Option<Texts>> {
    Ok(cx.tx.maybe(&TEXTS, (id,))?)
}

/// Announces [`task_and_candidate`].
pub(super) fn announce_task_and_candidate(cx: &mut Context<'_, '_>, id: TaskId, worker: UserId) {
    cx.tx.announce(&TASK_AND_CANDIDATE, (id, worker));
}

/// A task, locked, and what `worker` is to it.
pub(super) fn task_and_candidate(cx: &mut Context<'_, '_>, id: TaskId, worker: UserId) -> Result<Option<(Task, Candidate)>> {
    Ok(cx.tx.maybe(&TASK_AND_CANDIDATE, (id, worker))?.map(|Both(task, candidate)| (task, candidate)))
}

pub(super) fn insert_task(cx: &mut Context<'_, '_>, task: &Task, texts: &Texts) -> Result<()> {
    let row = (
        task.id,
        task.creator_id,
        task.category.as_str(),
        task.worker_type,
        task.min_rating,
        task.reward,
        task.fee_bp,
        task.commission_bp,
        task.slots_total,
        task.deadline_minutes,
        task.review_hours,
        task.max_resubmissions,
        task.proof_url,
        task.proof_text,
        task.terms_version,
        task.published_at,
        task.expires_at,
    );
    cx.tx.write(&INSERT_TASK, row)?;
    let row = (task.id, texts.title.as_str(), texts.description.as_str(), texts.target_url.as_deref(), texts.tags.as_str());
    Ok(cx.tx.write(&INSERT_TEXTS, row)?)
}

/// Saves what a slot changes of a task. While it stays open and listed, or open and full, no index is touched.
pub(super) fn save_task(cx: &mut Context<'_, '_>, task: &Task) -> Result<()> {
    if task.status == TaskStatus::Open && task.listed == task.is_listed() {
        let row = (task.id, task.slots_live, task.slots_filled, task.slots_refunded, task.rejections);
        return Ok(cx.tx.write(&SAVE_SLOTS, row)?);
    }
    save_terms(cx, task)
}

/// Saves everything that changes of a task, its terms, too.
pub(super) fn save_terms(cx: &mut Context<'_, '_>, task: &Task) -> Result<()> {
    let row = (
        task.id,
        task.status,
        task.closed_by,
        task.slots_total,
        task.slots_live,
        task.slots_filled,
        task.slots_refunded,
        task.rejections,
        task.is_listed(),
        task.expires_at,
        task.ended_at,
    );
    Ok(cx.tx.write(&SAVE_TASK, row)?)
}

/// Lets every open task of a user expire now, in the name of the operator.
pub(super) fn expire_tasks_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<u64> {
    let now = cx.now;
    Ok(cx.tx.change(&EXPIRE_TASKS_OF, (user, now))?)
}

pub(super) fn insert_acceptance(cx: &mut Context<'_, '_>, new: &Acceptance) -> Result<()> {
    Ok(cx.tx.write(&INSERT_ACCEPTANCE, (new.id, new.task_id, new.worker_id, new.status, new.accepted_at, new.due_at))?)
}

/// Saves an acceptance that was in the state `before`; somebody else's change in between makes this call run again.
pub(super) fn save_acceptance(cx: &mut Context<'_, '_>, before: AcceptanceStatus, new: &Acceptance) -> Result<()> {
    let row = (
        new.id,
        before,
        new.status,
        new.extended,
        new.submissions,
        new.submission_id,
        new.submitted_at,
        new.phase_at,
        new.due_at,
        new.reminders,
        new.next_at(),
        new.review_left,
        new.reviewed_at,
        new.auto,
        new.paid,
        new.settled_at,
    );
    Ok(cx.tx.write(&SAVE_ACCEPTANCE, row)?)
}

/// Announces [`held_by`].
pub(super) fn announce_held_by(cx: &mut Context<'_, '_>, task: TaskId, worker: UserId) {
    cx.tx.announce(&HELD_BY, (task, worker));
}

/// What `worker` holds of a task, or held last; the acceptance is locked.
pub(super) fn held_by(cx: &mut Context<'_, '_>, task: TaskId, worker: UserId) -> Result<Option<(Task, Acceptance)>> {
    Ok(cx.tx.maybe(&HELD_BY, (task, worker))?.map(|Both(task, acceptance)| (task, acceptance)))
}

/// The same with the task locked, too.
pub(super) fn case_held_by(cx: &mut Context<'_, '_>, task: TaskId, worker: UserId) -> Result<Option<CaseRow>> {
    Ok(cx.tx.maybe(&CASE_HELD_BY, (task, worker))?)
}

/// Announces [`case_by_submission`].
pub(super) fn announce_case_by_submission(cx: &mut Context<'_, '_>, id: SubmissionId) {
    cx.tx.announce(&CASE_BY_SUBMISSION, (id,));
}

/// What a proof belongs to, task and acceptance locked.
pub(super) fn case_by_submission(cx: &mut Context<'_, '_>, id: SubmissionId) -> Result<Option<CaseRow>> {
    Ok(cx.tx.maybe(&CASE_BY_SUBMISSION, (id,))?)
}

/// What an acceptance belongs to, both locked.
pub(super) fn case_by_acceptance(cx: &mut Context<'_, '_>, id: AcceptanceId) -> Result<Option<CaseRow>> {
    Ok(cx.tx.maybe(&CASE_BY_ACCEPTANCE, (id,))?)
}

/// What a proof belongs to, not locked.
pub(super) fn reviewed(cx: &mut Context<'_, '_>, id: SubmissionId) -> Result<Option<(Task, Acceptance)>> {
    Ok(cx.tx.maybe(&REVIEWED, (id,))?.map(|Both(task, acceptance)| (task, acceptance)))
}

pub(super) fn insert_submission(
    cx: &mut Context<'_, '_>,
    id: SubmissionId,
    acceptance: &Acceptance,
    proof: (Option<&str>, Option<&str>),
) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&INSERT_SUBMISSION, (id, acceptance.id, acceptance.task_id, acceptance.submissions, proof.0, proof.1, now))?)
}

/// Remembers what the caller, or the clock, said.
pub(super) fn insert_remark(cx: &mut Context<'_, '_>, acceptance: AcceptanceId, kind: &str, code: &str, text: &str) -> Result<()> {
    let (id, author, now) = (cx.new_id(), cx.actor(), cx.now);
    Ok(cx.tx.write(&INSERT_REMARK, (id, acceptance, author, kind, code, text, now))?)
}

pub(super) fn remarks(cx: &mut Context<'_, '_>, acceptance: AcceptanceId) -> Result<Vec<Remark>> {
    Ok(cx.tx.all(&REMARKS, (acceptance,))?)
}

/// How many remarks of a kind somebody made.
pub(super) fn remarks_by(cx: &mut Context<'_, '_>, acceptance: AcceptanceId, author: UserId, kind: &str) -> Result<i64> {
    Ok(cx.tx.one(&REMARKS_BY, (acceptance, author, kind))?.0)
}

pub(super) fn insert_tip(cx: &mut Context<'_, '_>, id: Uuid, acceptance: AcceptanceId, amount: Usdt) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&INSERT_TIP, (id, acceptance, amount, now))?)
}

/// Acceptances at which the clock has something to do.
pub(super) fn waiting(cx: &mut Context<'_, '_>) -> Result<Vec<AcceptanceId>> {
    let now = cx.now;
    Ok(cx.tx.all(&WAITING, (now,))?.into_iter().map(|(id,)| id).collect())
}

/// Open tasks past their date.
pub(super) fn overdue_tasks(cx: &mut Context<'_, '_>) -> Result<Vec<TaskId>> {
    let now = cx.now;
    Ok(cx.tx.all(&OVERDUE_TASKS, (now,))?.into_iter().map(|(id,)| id).collect())
}

/// What `worker` holds of a task, or held last, also when he gave it up; not locked.
pub(super) fn last_held(cx: &mut Context<'_, '_>, task: TaskId, worker: UserId) -> Result<Option<Acceptance>> {
    Ok(cx.tx.maybe(&LAST_HELD, (task, worker))?)
}

pub(super) fn proof(cx: &mut Context<'_, '_>, id: SubmissionId) -> Result<Option<Proof>> {
    Ok(cx.tx.maybe(&PROOF, (id,))?)
}

/// Announces [`content_rules`].
pub(super) fn announce_content_rules(cx: &mut Context<'_, '_>) {
    cx.tx.announce(&CONTENT_RULES, ());
}

/// What tasks must not ask for, as (name, pattern).
pub(super) fn content_rules(cx: &mut Context<'_, '_>) -> Result<Vec<(String, String)>> {
    Ok(cx.tx.all(&CONTENT_RULES, ())?)
}

/// An acceptance and its task, not locked.
pub(super) fn slot(cx: &mut Context<'_, '_>, id: AcceptanceId) -> Result<Option<(Task, Acceptance)>> {
    Ok(cx.tx.maybe(&SLOT, (id,))?.map(|Both(task, acceptance)| (task, acceptance)))
}

//! Reports, rules and disputes, as admins look at them.

use uuid::Uuid;

use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::tasks::acceptance::{AcceptanceId, SubmissionId};
use crate::tasks::task::TaskId;

::store::row! {
    /// A dispute with its task.
    pub(super) struct DisputeRow {
        pub(super) acceptance_id: AcceptanceId,
        pub(super) submission_id: Option<SubmissionId>,
        pub(super) task_id: TaskId,
        pub(super) title: String,
        pub(super) creator_id: UserId,
        pub(super) worker_id: UserId,
        pub(super) reward: Usdt,
        pub(super) phase_at: Ts,
        pub(super) due_at: Option<Ts>,
    }
}

::store::row! {
    /// A report with the title of its task.
    pub(super) struct ReportRow {
        pub(super) task_id: TaskId,
        pub(super) title: String,
        pub(super) reporter_id: UserId,
        pub(super) reason: String,
        pub(super) at: Ts,
    }
}

::store::row! {
    /// A rule as stored.
    pub(super) struct RuleRow {
        pub(super) id: Uuid,
        pub(super) name: String,
        pub(super) pattern: String,
        pub(super) at: Ts,
    }
}

::store::statements! {
    DISPUTES: (Uuid, i64) => DisputeRow =
        "select a.id, a.submission_id, t.id, x.title, t.creator_id, a.worker_id, t.reward, a.phase_at, a.due_at \
         from acceptances a join tasks t on t.id = a.task_id join task_texts x on x.task_id = t.id \
         where a.status = 'disputed' and a.id > $1 order by a.id limit $2";
    HAS_REPORTED: (TaskId, UserId) => (Ts,) = "select at from reports where task_id = $1 and reporter_id = $2";
    INSERT_REPORT: (TaskId, UserId, String, Ts) => () = "insert into reports (task_id, reporter_id, reason, at) values ($1, $2, $3, $4)";
    OPEN_REPORTS: () => ReportRow =
        "select r.task_id, x.title, r.reporter_id, r.reason, r.at from reports r join task_texts x on x.task_id = r.task_id \
         where r.settled_at is null order by r.at limit 100";
    SETTLE_REPORTS: (TaskId, Ts) => () = "update reports set settled_at = $2 where task_id = $1 and settled_at is null";
    RULES: () => RuleRow = "select id, name, pattern, at from content_rules order by id limit 500";
    INSERT_RULE: (Uuid, String, String, Ts) => () = "insert into content_rules (id, name, pattern, at) values ($1, $2, $3, $4)";
    DELETE_RULE: (Uuid,) => () = "delete from content_rules where id = $1";
}

/// Open disputes after the id `after`, the oldest acceptance first.
pub(super) fn disputes(cx: &mut Context<'_, '_>, after: Uuid, at_most: i64) -> Result<Vec<DisputeRow>> {
    Ok(cx.tx.all(&DISPUTES, (after, at_most))?)
}

pub(super) fn has_reported(cx: &mut Context<'_, '_>, task: TaskId, reporter: UserId) -> Result<bool> {
    Ok(cx.tx.maybe(&HAS_REPORTED, (task, reporter))?.is_some())
}

pub(super) fn insert_report(cx: &mut Context<'_, '_>, task: TaskId, reporter: UserId, reason: &str) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&INSERT_REPORT, (task, reporter, reason, now))?)
}

pub(super) fn open_reports(cx: &mut Context<'_, '_>) -> Result<Vec<ReportRow>> {
    Ok(cx.tx.all(&OPEN_REPORTS, ())?)
}

/// Puts the reports about a task away; answers how many.
pub(super) fn settle_reports(cx: &mut Context<'_, '_>, task: TaskId) -> Result<u64> {
    let now = cx.now;
    Ok(cx.tx.change(&SETTLE_REPORTS, (task, now))?)
}

pub(super) fn rules(cx: &mut Context<'_, '_>) -> Result<Vec<RuleRow>> {
    Ok(cx.tx.all(&RULES, ())?)
}

pub(super) fn insert_rule(cx: &mut Context<'_, '_>, rule: &RuleRow) -> Result<()> {
    Ok(cx.tx.write(&INSERT_RULE, (rule.id, rule.name.as_str(), rule.pattern.as_str(), rule.at))?)
}

pub(super) fn delete_rule(cx: &mut Context<'_, '_>, id: Uuid) -> Result<()> {
    Ok(cx.tx.write(&DELETE_RULE, (id,))?)
}

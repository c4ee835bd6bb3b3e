//! Anybody may report a task; admins look.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::Refusal;
use crate::base::{Context, Result, Ts, UserId};
use crate::moderation::{ModerationRefusal, store};
use crate::tasks::exists;
use crate::tasks::task::TaskId;
use crate::users::admin_action::{self, Action};

/// Which task, and why.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportTask {
    /// Which.
    #[garde(skip)]
    task_id: TaskId,
    /// What is wrong with it, 3 to 2000 characters.
    #[garde(length(chars, min = 3, max = 2000))]
    #[schemars(length(min = 3, max = 2000))]
    reason: String,
}

/// The report is there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reported {
    /// Which task.
    task_id: TaskId,
    /// Always `reported`.
    status: &'static str,
}

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListReports {}

/// The oldest reports that nobody has looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reports {
    /// At most 100.
    items: Vec<Report>,
}

/// One report.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Which task.
    task_id: TaskId,
    /// In a line; written by its creator.
    title: String,
    /// Who reported it.
    reporter_id: UserId,
    /// What is wrong with it; written by the reporter.
    reason: String,
    /// When.
    at: Ts,
}

/// How many reports were put away.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Settled {
    /// About which task.
    task_id: TaskId,
    /// How many.
    settled: u64,
}

pub(super) fn report_task(cx: &mut Context<'_, '_>, input: &ReportTask) -> Result<Reported> {
    let me = cx.user_id()?;
    if !exists(cx, input.task_id)? {
        return Err(Refusal::NotFound.into());
    }
    if store::has_reported(cx, input.task_id, me)? {
        return Err(ModerationRefusal::AlreadyReported.into());
    }
    store::insert_report(cx, input.task_id, me, &input.reason)?;
    Ok(Reported { task_id: input.task_id, status: "reported" })
}

pub(super) fn list_reports(cx: &mut Context<'_, '_>, _: &ListReports) -> Result<Reports> {
    let item = |row: store::ReportRow| Report {
        task_id: row.task_id,
        title: row.title,
        reporter_id: row.reporter_id,
        reason: row.reason,
        at: row.at,
    };
    Ok(Reports { items: store::open_reports(cx)?.into_iter().map(item).collect() })
}

pub(super) fn settle_reports(cx: &mut Context<'_, '_>, input: &ReportTask) -> Result<Settled> {
    let settled = store::settle_reports(cx, input.task_id)?;
    if settled == 0 {
        return Err(Refusal::NotFound.into());
    }
    let action = Action { name: "settle_reports", subject: input.task_id.0, reason: &input.reason, before: "open", after: "settled" };
    admin_action::record(cx, action)?;
    Ok(Settled { task_id: input.task_id, settled })
}

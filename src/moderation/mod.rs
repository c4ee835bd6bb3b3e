//! What operators decide about users and tasks, and what is reported to them.

mod content_rules;
mod disputes;
mod flag_user;
pub(crate) mod looking;
mod reports;
pub(crate) mod store;
mod suspend_task;
mod suspend_user;

use serde_json::json;

use crate::base::context::Scope;
use crate::base::operation::{Access, Method, Operation, command, query};

crate::refusals! {
    /// What this room refuses.
    pub enum ModerationRefusal {
        OwnAccount = 409 "own_account": "Nobody decides about himself." => "Ask another admin.";
        NotActive = 409 "not_active": "This user is not active." => "There is nothing to suspend.";
        NotSuspended = 409 "not_suspended": "This user is not suspended." => "There is nothing to restore.";
        TaskNotOpen = 409 "task_not_open": "This task takes no workers any more." => "There is nothing to suspend.";
        AlreadyReported = 409 "already_reported": "You have reported this task already." => "An admin will look at it.";
        TooManyRules { most: usize } = 409 "too_many_rules": "There are {most} rules already." => "Remove one that is not needed.";
    }
}

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    [for_everybody(), about_users_and_tasks(), about_content(), looking_around()].concat()
}

fn for_everybody() -> Vec<Operation> {
    vec![
        command("report_task", Method::Post, "/api/v1/agent/tasks/{task_id}/report", Access::User(Scope::Read), reports::report_task)
            .creates()
            .example(json!({ "reason": "It asks for passwords." }))
            .about("Tell the operator that a task breaks the rules."),
    ]
}

fn about_users_and_tasks() -> Vec<Operation> {
    vec![
        command("admin_suspend_user", Method::Post, "/api/v1/admin/users/{user_id}/suspend", Access::Admin, suspend_user::suspend_user)
            .example(json!({ "reason": "Sells accounts." }))
            .about("End all sessions of a user, let him only read, and close his tasks."),
        command("admin_restore_user", Method::Post, "/api/v1/admin/users/{user_id}/restore", Access::Admin, suspend_user::restore_user)
            .example(json!({ "reason": "It was a mistake." }))
            .about("Let a suspended user act again."),
        command("admin_flag_user", Method::Post, "/api/v1/admin/users/{user_id}/flag", Access::Admin, flag_user::flag_user)
            .example(json!({ "flagged": true, "reason": "Many chargebacks elsewhere." }))
            .about("Look at each withdrawal of a user before it goes out, or no longer."),
        command("admin_suspend_task", Method::Post, "/api/v1/admin/tasks/{task_id}/suspend", Access::Admin, suspend_task::suspend_task)
            .example(json!({ "reason": "It asks for passwords." }))
            .about("Close a task: free slots are refunded, proofs already handed in are settled as usual."),
        query("admin_list_disputes", Method::Get, "/api/v1/admin/disputes", Access::Admin, disputes::list_disputes)
            .about("Disputes that wait for a decision, the oldest first."),
    ]
}

fn about_content() -> Vec<Operation> {
    vec![
        query("admin_list_reports", Method::Get, "/api/v1/admin/reports", Access::Admin, reports::list_reports)
            .about("Reports that nobody has looked at, the oldest first."),
        command(
            "admin_settle_reports",
            Method::Post,
            "/api/v1/admin/tasks/{task_id}/reports/settle",
            Access::Admin,
            reports::settle_reports,
        )
        .example(json!({ "reason": "Looked at it; the task is fine." }))
        .about("Put the reports about a task away."),
        query("admin_list_content_rules", Method::Get, "/api/v1/admin/content-rules", Access::Admin, content_rules::list_rules)
            .about("What tasks must not ask for."),
        command("admin_add_content_rule", Method::Post, "/api/v1/admin/content-rules", Access::Admin, content_rules::add_rule)
            .creates()
            .example(json!({ "name": "fake reviews", "pattern": "fake review* | write * positive reviews", "reason": "Complaints." }))
            .about("Block tasks whose text holds one of the given runs of words."),
        command(
            "admin_remove_content_rule",
            Method::Delete,
            "/api/v1/admin/content-rules/{rule_id}",
            Access::Admin,
            content_rules::remove_rule,
        )
        .about("Take a rule away."),
    ]
}

fn looking_around() -> Vec<Operation> {
    vec![
        query("admin_get_overview", Method::Get, "/api/v1/admin/overview", Access::Admin, looking::get_overview)
            .about("How the market did in the last 30 days, and what waits for somebody."),
        query("admin_list_users", Method::Get, "/api/v1/admin/users", Access::Admin, looking::list_users)
            .about("Users, newest first; bots or people only, or found by id, e-mail address or username."),
        query("admin_get_user", Method::Get, "/api/v1/admin/users/{user_id}", Access::Admin, looking::get_user)
            .about("A user with his money, reputation, keys and sessions."),
        query("admin_list_actions", Method::Get, "/api/v1/admin/actions", Access::Admin, looking::list_actions)
            .about("What admins did, newest first: who, what, to whom, why, before and after."),
    ]
}

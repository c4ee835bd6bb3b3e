//! The lists of the panel. Each is a table of cells that an operation has brought.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde_json::{Value, json};

use crate::base::{Ts, Usdt};
use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::admin::PARTS;
use crate::doors::web::chrome::{Chrome, show};
use crate::doors::web::form::Form;
use crate::doors::web::pieces::{self, Field};
use crate::doors::web::refused::Refused;
use crate::doors::web::tasks::unknown_id;
use crate::doors::web::visitor::Admin;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/users", get(users))
        .route("/admin/users/{id}", get(user))
        .route("/admin/disputes", get(disputes))
        .route("/admin/reports", get(reports))
        .route("/admin/tasks", get(async || crate::doors::web::refused::to("/admin/reports")))
        .route("/admin/rules", get(rules))
        .route("/admin/withdrawals", get(withdrawals))
        .route("/admin/audit", get(actions))
}

/// What stands in a cell.
pub(super) enum Cell {
    Text(String),
    Code(String),
    Link(String, String),
    Act(String, String),
    Badge(String),
    Money(Usdt),
    When(Ts),
}

#[derive(Template)]
#[template(path = "web/admin/table.html")]
pub(super) struct Table {
    pub(super) chrome: Chrome,
    pub(super) parts: &'static [(&'static str, &'static str)],
    pub(super) here: &'static str,
    pub(super) intro: String,
    pub(super) filters: Vec<Field>,
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) empty: &'static str,
    pub(super) older: Option<String>,
    pub(super) acts: Vec<(String, String)>,
}

impl Table {
    pub(super) fn new(admin: &Admin, here: &'static str, title: &str, head: Vec<&'static str>) -> Self {
        Self {
            chrome: Chrome::new(admin, "admin", title),
            parts: &PARTS,
            here,
            intro: String::new(),
            filters: Vec::new(),
            head,
            rows: Vec::new(),
            empty: "There is nothing here.",
            older: None,
            acts: Vec::new(),
        }
    }
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn time(value: &Value) -> Cell {
    value.as_str().and_then(Ts::parse).map_or(Cell::Text(String::new()), Cell::When)
}

/// The rules of the first day have no other.
fn since(value: &Value) -> Cell {
    match time(value) {
        Cell::When(at) if at.as_seconds() < 1_000_000_000 => Cell::Text("the beginning".into()),
        cell => cell,
    }
}

pub(super) fn money(value: &Value) -> Cell {
    serde_json::from_value(value.clone()).map_or_else(|_| Cell::Text(text(value)), Cell::Money)
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

fn act(name: &str, id: &Value, words: &str) -> Cell {
    Cell::Act(format!("/admin/act/{name}?id={}", text(id)), words.to_owned())
}

async fn users(admin: Admin) -> Shown {
    let form = Form::parse(admin.uri.query().unwrap_or_default().as_bytes());
    let mut input = form.texts(&["q", "cursor"]);
    if let Ok(is_bot) = form.get("is_bot").parse::<bool>() {
        input.insert("is_bot".into(), is_bot.into());
    }
    let found: Value = admin.ask("admin_list_users", Value::Object(input)).await?;
    let mut table = Table::new(&admin, "/admin/users", "Users", vec!["Username", "Name", "is_bot", "Stands", "E-mail", "Joined"]);
    table.filters = vec![
        form.field("q", "Id, e-mail or username", "search").optional(),
        form.field("is_bot", "Kind", "select").options([("", "People and bots"), ("false", "People"), ("true", "Bots")]),
    ];
    table.rows = items(&found)
        .iter()
        .map(|user| {
            let role = if user["is_admin"] == true { " · admin" } else { "" };
            vec![
                Cell::Link(format!("/admin/users/{}", text(&user["user_id"])), text(&user["username"])),
                Cell::Text(format!("{}{role}", text(&user["display_name"]))),
                Cell::Badge(if user["is_bot"] == true { "bot".into() } else { "person".into() }),
                Cell::Badge(text(&user["status"])),
                Cell::Text(text(&user["email"])),
                time(&user["created_at"]),
            ]
        })
        .collect();
    table.older = found["next_cursor"].as_str().map(|cursor| format!("/admin/users?is_bot={}&cursor={cursor}", form.get("is_bot")));
    Ok(show(&table))
}

async fn user(admin: Admin, Path(id): Path<String>) -> Shown {
    let user: Value = admin.ask("admin_get_user", json!({ "user_id": id })).await.map_err(unknown_id)?;
    let mut table = Table::new(&admin, "/admin/users", &format!("User {}", text(&user["username"])), vec!["What", "Value"]);
    let reputation = &user["reputation"];
    let row = |label: &str, cell: Cell| vec![Cell::Text(label.to_owned()), cell];
    let referrer = match user["referrer_id"].as_str() {
        Some(id) => Cell::Link(format!("/admin/users/{id}"), id.to_owned()),
        None => Cell::Text("nobody".into()),
    };
    table.rows = vec![
        row("Id", Cell::Code(text(&user["user_id"]))),
        row("Name", Cell::Link(format!("/u/{}", text(&user["username"])), text(&user["display_name"]))),
        row("is_bot", Cell::Badge(if user["is_bot"] == true { "bot".into() } else { "person".into() })),
        row("Stands", Cell::Badge(text(&user["status"]))),
        row("Flagged", Cell::Text(if user["is_flagged"] == true { "yes: withdrawals wait for an admin".into() } else { "no".into() })),
        row("E-mail", Cell::Text(text(&user["email"]))),
        row("Joined", time(&user["created_at"])),
        row("Available", money(&user["balance"]["available_balance"])),
        row("Held", money(&user["balance"]["held_balance"])),
        row("Trust score", Cell::Text(text(&reputation["trust_score"]))),
        row("Tasks done", Cell::Text(text(&reputation["completed_count"]))),
        row("Slots paid as a creator", Cell::Text(text(&reputation["paid_count"]))),
        row("Rejects, 0 to 1", Cell::Text(text(&reputation["reject_rate"]))),
        row("API keys that work", Cell::Text(text(&user["api_keys"]))),
        row("Sessions", Cell::Text(text(&user["sessions"]))),
        row("Referred by", referrer),
        row("Webhook", Cell::Text(text(&user["webhook_url"]))),
        row("About himself", Cell::Text(text(&user["bio"]))),
    ];
    let acts: &[(&str, &str)] =
        if user["status"] == "suspended" { &[("admin_restore_user", "Restore")] } else { &[("admin_suspend_user", "Suspend")] };
    let flag = if user["is_flagged"] == true { ("admin_unflag_user", "Unflag") } else { ("admin_flag_user", "Flag") };
    table.acts = acts.iter().copied().chain([flag]).map(|(name, words)| (format!("/admin/act/{name}?id={id}"), words.to_owned())).collect();
    Ok(show(&table))
}

async fn disputes(admin: Admin) -> Shown {
    let found: Value = admin.ask("admin_list_disputes", crate::doors::web::mine::cursor(&admin)).await?;
    let mut table = Table::new(&admin, "/admin/disputes", "Disputes", vec!["Task", "Reward", "Since", "Decide by", ""]);
    table.intro = "The oldest first. Without a decision it is decided for the worker.".into();
    table.empty = "No dispute is open.";
    table.rows = items(&found)
        .iter()
        .map(|one| {
            vec![
                Cell::Link(format!("/review/{}", text(&one["submission_id"])), text(&one["title"])),
                money(&one["reward_usd"]),
                time(&one["disputed_at"]),
                time(&one["decide_by"]),
                act("admin_decide_dispute", &one["acceptance_id"], "Decide"),
            ]
        })
        .collect();
    table.older = found["next_cursor"].as_str().map(|cursor| format!("/admin/disputes?cursor={cursor}"));
    Ok(show(&table))
}

async fn reports(admin: Admin) -> Shown {
    let found: Value = admin.ask("admin_list_reports", json!({})).await?;
    let mut table = Table::new(&admin, "/admin/reports", "Reports", vec!["Task", "What is wrong with it", "By", "When", "", ""]);
    table.empty = "No report waits.";
    table.rows = items(&found)
        .iter()
        .map(|one| {
            vec![
                Cell::Link(format!("/tasks/{}", text(&one["task_id"])), text(&one["title"])),
                Cell::Text(text(&one["reason"])),
                Cell::Link(format!("/admin/users/{}", text(&one["reporter_id"])), "the reporter".into()),
                time(&one["at"]),
                act("admin_suspend_task", &one["task_id"], "Suspend the task"),
                act("admin_settle_reports", &one["task_id"], "Put away"),
            ]
        })
        .collect();
    Ok(show(&table))
}

async fn rules(admin: Admin) -> Shown {
    let found: Value = admin.ask("admin_list_content_rules", json!({})).await?;
    let mut table = Table::new(&admin, "/admin/rules", "Content rules", vec!["Name", "Pattern", "Since", ""]);
    table.intro = "A task whose text holds one of these runs of words is refused, with the name of the rule.".into();
    table.rows = items(&found)
        .iter()
        .map(|rule| {
            vec![
                Cell::Text(text(&rule["name"])),
                Cell::Code(text(&rule["pattern"])),
                since(&rule["created_at"]),
                act("admin_remove_content_rule", &rule["rule_id"], "Remove"),
            ]
        })
        .collect();
    table.acts = vec![("/admin/act/admin_add_content_rule?id=new".into(), "Add a rule".into())];
    Ok(show(&table))
}

async fn withdrawals(admin: Admin) -> Shown {
    if admin.operation("admin_list_withdrawals").is_none() {
        return Err(Refused::NotFound);
    }
    let form = Form::parse(admin.uri.query().unwrap_or_default().as_bytes());
    let found: Value = admin.ask("admin_list_withdrawals", Value::Object(form.texts(&["status", "cursor"]))).await?;
    let head = vec!["Amount", "To", "User", "Stands", "Why", "Asked for", "Decide by", "", ""];
    let mut table = Table::new(&admin, "/admin/withdrawals", "Withdrawals", head);
    table.empty = "Nothing waits.";
    let words = ["in_review", "queued", "sending", "completed", "rejected", "cancelled", "refunded"];
    table.filters =
        vec![form.field("status", "Stands", "select").options(words.map(|word| (word.to_owned(), pieces::words(word)))).or("in_review")];
    table.rows = items(&found)
        .iter()
        .map(|one| {
            let waits = one["status"] == "in_review";
            let may = |name: &str, words: &str| if waits { act(name, &one["withdrawal_id"], words) } else { Cell::Text(String::new()) };
            vec![
                money(&one["amount"]),
                Cell::Code(text(&one["address"])),
                Cell::Link(format!("/admin/users/{}", text(&one["user_id"])), "the user".into()),
                Cell::Badge(text(&one["status"])),
                Cell::Text(text(&one["reason"])),
                time(&one["created_at"]),
                time(&one["decide_by"]),
                may("admin_approve_withdrawal", "Approve"),
                may("admin_reject_withdrawal", "Reject"),
            ]
        })
        .collect();
    table.older = found["next_cursor"].as_str().map(|cursor| format!("/admin/withdrawals?status={}&cursor={cursor}", form.get("status")));
    Ok(show(&table))
}

async fn actions(admin: Admin) -> Shown {
    let found: Value = admin.ask("admin_list_actions", crate::doors::web::mine::cursor(&admin)).await?;
    let mut table = Table::new(&admin, "/admin/audit", "Audit log", vec!["When", "Who", "What", "To", "Why", "Before", "After"]);
    table.intro = "What admins did, for ever.".into();
    table.rows = items(&found)
        .iter()
        .map(|one| {
            vec![
                time(&one["at"]),
                Cell::Link(format!("/admin/users/{}", text(&one["admin_id"])), text(&one["admin"])),
                Cell::Text(pieces::words(&text(&one["action"]))),
                Cell::Code(text(&one["subject_id"])),
                Cell::Text(text(&one["reason"])),
                Cell::Text(text(&one["before"])),
                Cell::Text(text(&one["after"])),
            ]
        })
        .collect();
    table.older = found["next_cursor"].as_str().map(|cursor| format!("/admin/audit?cursor={cursor}"));
    Ok(show(&table))
}

//! What a member has to do with the market: the dashboard, his work, his tasks.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde_json::{Value, json};

use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::pieces;
use crate::doors::web::refused::to;
use crate::doors::web::shown::{AcceptedTask, Balance, List, PublishedTask, ReceivedSubmission, Task, Waiting};
use crate::doors::web::tasks::{Confirm, unknown_id};
use crate::doors::web::visitor::Member;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/dashboard", get(dashboard))
        .route("/work", get(work))
        .route("/published", get(published))
        .route("/published/{id}", get(one_published))
        .route("/published/{id}/close", get(close).post(closed))
        .route("/published/{id}/extend", get(extend).post(extended))
}

#[derive(Template)]
#[template(path = "web/dashboard.html")]
struct Dashboard {
    chrome: Chrome,
    balance: Balance,
    reviews: Vec<Waiting>,
    work: Vec<AcceptedTask>,
    tasks: Vec<PublishedTask>,
}

impl Dashboard {
    fn is_new(&self) -> bool {
        self.reviews.is_empty() && self.work.is_empty() && self.tasks.is_empty()
    }
}

async fn dashboard(member: Member) -> Shown {
    let balance = member.ask("get_balance", json!({})).await?;
    let reviews: List<Waiting> = member.ask("list_waiting_submissions", json!({})).await?;
    let work: List<AcceptedTask> = member.ask("list_my_tasks", json!({ "limit": 20 })).await?;
    let tasks: List<PublishedTask> = member.ask("list_published_tasks", json!({ "limit": 5 })).await?;
    let mut page = Dashboard {
        chrome: Chrome::new(&member, "dashboard", "Dashboard"),
        balance,
        reviews: reviews.items,
        work: work.items.into_iter().filter(|slot| is_under_way(&slot.status)).collect(),
        tasks: tasks.items,
    };
    page.reviews.truncate(5);
    page.work.truncate(5);
    Ok(show(&page))
}

fn is_under_way(status: &str) -> bool {
    matches!(status, "accepted" | "submitted" | "changes_requested" | "disputed" | "rejected")
}

#[derive(Template)]
#[template(path = "web/work.html")]
struct Work {
    chrome: Chrome,
    slots: Vec<AcceptedTask>,
    older: Option<String>,
}

async fn work(member: Member) -> Shown {
    let slots: List<AcceptedTask> = member.ask("list_my_tasks", cursor(&member)).await?;
    Ok(show(&Work { chrome: Chrome::new(&member, "work", "My work"), slots: slots.items, older: slots.next_cursor }))
}

/// The part of a list that the address names.
pub(super) fn cursor(member: &Member) -> Value {
    match member.query("cursor") {
        cursor if cursor.is_empty() => json!({}),
        cursor => json!({ "cursor": cursor }),
    }
}

#[derive(Template)]
#[template(path = "web/published.html")]
struct Published {
    chrome: Chrome,
    tasks: Vec<PublishedTask>,
    older: Option<String>,
}

async fn published(member: Member) -> Shown {
    let tasks: List<PublishedTask> = member.ask("list_published_tasks", cursor(&member)).await?;
    Ok(show(&Published { chrome: Chrome::new(&member, "published", "My tasks"), tasks: tasks.items, older: tasks.next_cursor }))
}

#[derive(Template)]
#[template(path = "web/one_published.html")]
struct OnePublished {
    chrome: Chrome,
    task: Task,
    proofs: Vec<ReceivedSubmission>,
    older: Option<String>,
}

async fn one_published(member: Member, Path(id): Path<String>) -> Shown {
    let task: Task = member.ask("get_task_detail", json!({ "task_id": id })).await.map_err(unknown_id)?;
    let mut input = cursor(&member);
    input["task_id"] = id.into();
    let proofs: List<ReceivedSubmission> = member.ask("list_submissions", input).await?;
    let chrome = Chrome::new(&member, "published", task.title.clone());
    Ok(show(&OnePublished { chrome, task, proofs: proofs.items, older: proofs.next_cursor }))
}

async fn close(member: Member, Path(id): Path<String>) -> Shown {
    let task: Task = member.ask("get_task_detail", json!({ "task_id": id })).await.map_err(unknown_id)?;
    let back = task.reward_usd.times(task.slots_remaining).unwrap_or(crate::base::Usdt::ZERO);
    let lines = vec![
        format!("{} free slots are refunded at once: {back} USDT go back to your wallet.", task.slots_remaining),
        "Whoever is at work may finish and is paid as usual. A closed task is not opened again.".to_owned(),
    ];
    Ok(show(&confirm(&member, &id, ("Close this task?", "Close it"), lines, Form::default(), true)))
}

fn confirm(member: &Member, id: &str, (title, button): (&str, &'static str), lines: Vec<String>, form: Form, is_danger: bool) -> Confirm {
    let hidden = vec![("key".to_owned(), member.fresh_key())];
    let chrome = Chrome::new(member, "published", title);
    Confirm { chrome, lines, fields: Vec::new(), form, hidden, button, is_danger, back: format!("/published/{id}") }
}

async fn closed(member: Member, Path(id): Path<String>, mut form: Form) -> Shown {
    match member.act::<Value>("cancel_published_task", json!({ "task_id": id }), form.get("key")).await {
        Ok(_) => Ok(to(&format!("/published/{id}?done=closed"))),
        Err(error) if error.status() == 409 => {
            form.refuse(&error);
            Ok(show_again(&confirm(&member, &id, ("Close this task?", "Close it"), Vec::new(), form, true)))
        }
        Err(error) => Err(error.into()),
    }
}

fn extend_page(member: &Member, id: &str, form: Form) -> Confirm {
    let fields =
        vec![form.field("slots_added", "More slots", "text").keys("numeric").first().hint("Their rewards go into escrow at once.")];
    let mut page = confirm(member, id, ("More slots", "Add them"), Vec::new(), form, false);
    page.fields = fields;
    page
}

async fn extend(member: Member, Path(id): Path<String>) -> Shown {
    Ok(show(&extend_page(&member, &id, Form::default())))
}

async fn extended(member: Member, Path(id): Path<String>, mut form: Form) -> Shown {
    let mut input = serde_json::Map::new();
    form.integer("slots_added", &mut input);
    input.insert("task_id".into(), id.clone().into());
    if !form.has_errors() {
        match member.act::<Value>("extend_task", Value::Object(input), form.get("key")).await {
            Ok(_) => return Ok(to(&format!("/published/{id}?done=extended"))),
            Err(error) if error.status() < 429 && error.status() != 404 => form.refuse(&error),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(show_again(&extend_page(&member, &id, form)))
}

//! Finding tasks, and one task: for visitors, for its worker, for its creator.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use crate::base::error::internal;
use crate::base::{Result, input};
use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::{Form, in_words};
use crate::doors::web::pieces::{self, Field};
use crate::doors::web::refused::{Refused, to};
use crate::doors::web::review;
use crate::doors::web::shown::{Category, FoundTask, List, Submission, Task};
use crate::doors::web::visitor::{Member, Visitor};
use crate::tasks::get_task;
use crate::tasks::search::{self, SearchTasks};
use crate::tasks::task::TaskId;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/tasks", get(feed))
        .route("/feed", get(async || to("/tasks")))
        .route("/categories", get(async || to("/tasks")))
        .route("/tasks/{id}", get(task))
        .route("/tasks/{id}/accept", post(accept))
        .route("/tasks/{id}/submit", post(submit))
        .route("/tasks/{id}/cancel", get(cancel).post(cancelled))
        .route("/tasks/{id}/report", get(report).post(reported))
        .route("/tasks/{id}/dispute", post(dispute))
        .route("/tasks/{id}/evidence", post(evidence))
        .route("/tasks/{id}/rate", post(rate))
}

/// What the visitor may take, or, before signing in, what a person finds here.
pub(super) async fn open_tasks(visitor: &Visitor, wanted: Value) -> Result<List<FoundTask>> {
    if visitor.signed_in.is_some() {
        return visitor.ask("search_tasks", wanted).await;
    }
    let wanted: SearchTasks = input::read(wanted)?;
    let found = visitor.app.dispatcher.look(move |cx| search::for_visitors(cx, &wanted)).await?;
    serde_json::to_value(&found).and_then(serde_json::from_value).map_err(internal)
}

/// The categories, for a choice.
pub(super) async fn categories(visitor: &Visitor) -> Result<Vec<Category>> {
    Ok(visitor.ask::<List<Category>>("list_categories", json!({})).await?.items)
}

#[derive(Template)]
#[template(path = "web/tasks.html")]
struct Feed {
    chrome: Chrome,
    tasks: Vec<FoundTask>,
    older: Option<String>,
    fields: Vec<Field>,
    filtered: bool,
    problem: String,
}

async fn feed(visitor: Visitor) -> Shown {
    let mut form = Form::parse(visitor.uri.query().unwrap_or_default().as_bytes());
    let mut wanted = form.texts(&["q", "category", "min_reward", "sort", "cursor"]);
    wanted.insert("limit".into(), 18.into());
    let found = match open_tasks(&visitor, Value::Object(wanted)).await {
        Ok(found) => found,
        Err(error) if error.status() < 500 && error.status() != 429 => {
            form.refuse(&error);
            List { items: Vec::new(), next_cursor: None }
        }
        Err(error) => return Err(error.into()),
    };
    let any = [(String::new(), "Everything".to_owned())];
    let choices = any.into_iter().chain(categories(&visitor).await?.into_iter().map(|one| (one.id, one.label)));
    let fields = vec![
        form.field("q", "Words", "search").optional(),
        form.field("category", "Category", "select").options(choices),
        form.field("min_reward", "Pays at least", "text").optional().keys("decimal"),
        form.field("sort", "Order", "select").options([("newest", "Newest"), ("reward", "Best paid"), ("expiring", "Ends soon")]),
    ];
    let older = found.next_cursor.map(|cursor| {
        let pairs = ["q", "category", "min_reward", "sort"].map(|name| (name, form.get(name)));
        let query = pairs.into_iter().filter(|(_, value)| !value.is_empty()).chain([("cursor", cursor.as_str())]);
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
    });
    let filtered = ["q", "category", "min_reward"].iter().any(|name| !form.get(name).is_empty());
    let problem = form.summary().first().map_or(form.problem.clone(), |(name, why)| format!("{}: {why}", pieces::words(name)));
    let chrome = Chrome::new(&visitor, "tasks", "Find work");
    Ok(show(&Feed { chrome, tasks: found.items, older, fields, filtered, problem }))
}

#[derive(Template)]
#[template(path = "web/task.html")]
struct TaskPage {
    chrome: Chrome,
    task: Task,
    /// The newest proof of the visitor.
    proof: Option<Submission>,
    is_mine: bool,
    form: Form,
    key: String,
}

impl TaskPage {
    fn stands(&self) -> &str {
        self.task.my_acceptance.as_ref().map_or("", |mine| mine.status.as_str())
    }

    fn may_submit(&self) -> bool {
        matches!(self.stands(), "accepted" | "changes_requested")
    }

    fn may_accept(&self) -> bool {
        let again = matches!(self.stands(), "" | "withdrawn");
        again && !self.is_mine && self.task.status == "open" && self.task.slots_remaining > 0
    }

    fn is_paid(&self) -> bool {
        matches!(self.stands(), "approved" | "split")
    }

    fn proof_url(&self) -> Field {
        let field = self.form.field("proof_url", "Address of your proof", "url").hint("For example the address of your post.");
        if self.task.proof.url == "required" { field } else { field.optional() }
    }

    fn proof_text(&self) -> Field {
        let field = self.form.field("proof_text", "Your proof", "textarea").hint("What you did, and whatever shows it.");
        if self.task.proof.text == "required" { field } else { field.optional() }
    }
}

async fn task(visitor: Visitor, Path(id): Path<String>) -> Shown {
    Ok(show(&task_page(&visitor, &id, Form::default()).await?))
}

async fn task_page(visitor: &Visitor, id: &str, form: Form) -> Result<TaskPage, Refused> {
    let task: Task = if visitor.signed_in.is_some() {
        visitor.ask("get_task_detail", json!({ "task_id": id })).await.map_err(unknown_id)?
    } else {
        let id = TaskId(id.parse().map_err(|_| Refused::NotFound)?);
        let view = visitor.app.dispatcher.look(move |cx| get_task::for_visitors(cx, id)).await?;
        serde_json::to_value(&view).and_then(serde_json::from_value).map_err(internal)?
    };
    let proof = match &task.my_acceptance {
        Some(mine) if mine.status != "accepted" && mine.status != "withdrawn" => newest_proof(visitor, &task.task_id).await?,
        _ => None,
    };
    let is_mine = visitor.signed_in.as_ref().is_some_and(|me| me.user.id.to_string() == task.creator.user_id);
    let chrome = Chrome::new(visitor, "tasks", task.title.clone());
    Ok(TaskPage { chrome, task, proof, is_mine, form, key: visitor.fresh_key() })
}

/// An id that is none leads nowhere.
pub(super) fn unknown_id(error: crate::base::Error) -> Refused {
    if error.code() == "invalid_field" { Refused::NotFound } else { error.into() }
}

async fn newest_proof(visitor: &Visitor, task: &str) -> Result<Option<Submission>> {
    let mine: List<super::shown::AcceptedTask> = visitor.ask("list_my_tasks", json!({ "limit": 50 })).await?;
    let id = mine.items.into_iter().find(|slot| slot.task_id == task).and_then(|slot| slot.submission_id);
    match id {
        Some(id) => visitor.ask("get_submission", json!({ "submission_id": id })).await.map(Some),
        None => Ok(None),
    }
}

/// Does something to the task and comes back to it, or shows it with what is wrong.
async fn act(member: &Member, id: &str, operation: &str, fields: Map<String, Value>, form: Form, done: &str) -> Shown {
    let mut input = fields;
    if !operation.contains("submission") && operation != "open_dispute" && operation != "add_evidence" && operation != "rate" {
        input.insert("task_id".into(), id.into());
    }
    let key = form.get("key").to_owned();
    match member.act::<Value>(operation, Value::Object(input), &key).await {
        Ok(_) => Ok(to(&format!("/tasks/{id}?done={done}"))),
        Err(error) => refused(member, id, form, &error).await,
    }
}

async fn refused(member: &Member, id: &str, mut form: Form, error: &crate::base::Error) -> Shown {
    form_refused(&mut form, error)?;
    Ok(show_again(&task_page(member, id, form).await?))
}

/// Says in the form what is wrong with it, unless the error is about something else.
fn form_refused(form: &mut Form, error: &crate::base::Error) -> Result<(), Refused> {
    if error.status() == 404 || error.status() >= 500 || error.code() == "invalid_token" {
        return Err(error.clone().into());
    }
    // Of the forms of a task only a rating has a text that is held against the rules of content.
    match error.code() {
        "policy_blocked" if form.has("comment") => form.wrong("comment", in_words(error)),
        _ => form.refuse(error),
    }
    Ok(())
}

async fn accept(member: Member, Path(id): Path<String>, form: Form) -> Shown {
    act(&member, &id, "accept_task", Map::new(), form, "accepted").await
}

async fn submit(member: Member, Path(id): Path<String>, form: Form) -> Shown {
    act(&member, &id, "submit_result", form.texts(&["proof_url", "proof_text"]), form, "submitted").await
}

async fn cancelled(member: Member, Path(id): Path<String>, form: Form) -> Shown {
    act(&member, &id, "cancel_assignment", Map::new(), form, "cancelled").await
}

async fn reported(member: Member, Path(id): Path<String>, mut form: Form) -> Shown {
    let mut input = form.texts(&["reason"]);
    input.insert("task_id".into(), id.clone().into());
    match member.act::<Value>("report_task", Value::Object(input), "").await {
        Ok(_) => Ok(to(&format!("/tasks/{id}?done=reported"))),
        Err(error) if error.status() < 429 => {
            form.refuse(&error);
            Ok(show_again(&report_page(&member, &id, &form)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn dispute(member: Member, Path(id): Path<String>, form: Form) -> Shown {
    act(&member, &id, "open_dispute", form.texts(&["submission_id", "reason"]), form, "disputed").await
}

async fn evidence(member: Member, Path(id): Path<String>, form: Form) -> Shown {
    act(&member, &id, "add_evidence", form.texts(&["submission_id", "text"]), form, "evidence").await
}

async fn rate(member: Member, Path(id): Path<String>, mut form: Form) -> Shown {
    let mut input = form.texts(&["acceptance_id", "comment"]);
    form.integer("stars", &mut input);
    // The creator rates on the page of the proof, the worker on that of the task.
    let proof = form.get("back").parse::<uuid::Uuid>().ok().map(|proof| proof.to_string());
    match member.act::<Value>("rate_acceptance", Value::Object(input), form.get("key")).await {
        Ok(_) => Ok(to(&proof.map_or_else(|| format!("/tasks/{id}?done=rated"), |proof| format!("/review/{proof}?done=rated")))),
        Err(error) => {
            form_refused(&mut form, &error)?;
            match proof {
                Some(proof) => review::one_again(&member, &proof, form).await,
                None => Ok(show_again(&task_page(&member, &id, form).await?)),
            }
        }
    }
}

/// A page that asks once more, with what will happen.
#[derive(Template)]
#[template(path = "web/confirm.html")]
pub(super) struct Confirm {
    pub(super) chrome: Chrome,
    pub(super) lines: Vec<String>,
    pub(super) fields: Vec<Field>,
    pub(super) form: Form,
    pub(super) hidden: Vec<(String, String)>,
    pub(super) button: &'static str,
    pub(super) is_danger: bool,
    pub(super) back: String,
}

async fn cancel(member: Member, Path(id): Path<String>) -> Response {
    show(&Confirm {
        chrome: Chrome::new(&member, "tasks", "Give the slot back?"),
        lines: vec!["The slot is free for others again. You may take this task once more, if a slot is left then.".into()],
        fields: Vec::new(),
        form: Form::default(),
        hidden: vec![("key".into(), member.fresh_key())],
        button: "Give it back",
        is_danger: true,
        back: format!("/tasks/{id}"),
    })
}

async fn report(member: Member, Path(id): Path<String>) -> Response {
    show(&report_page(&member, &id, &Form::default()))
}

fn report_page(member: &Member, id: &str, form: &Form) -> Confirm {
    Confirm {
        chrome: Chrome::new(member, "tasks", "Report this task"),
        lines: vec!["An admin looks at it. Whoever published it is not told that it was you.".into()],
        fields: vec![form.field("reason", "What is wrong with it?", "textarea").first()],
        form: form.clone(),
        hidden: Vec::new(),
        button: "Report",
        is_danger: false,
        back: format!("/tasks/{id}"),
    }
}

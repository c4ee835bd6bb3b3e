//! Proofs that wait for a verdict, and the verdict.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::pieces::{self, Field};
use crate::doors::web::refused::{Refused, to};
use crate::doors::web::shown::{List, Submission, Task, Waiting};
use crate::doors::web::tasks::unknown_id;
use crate::doors::web::visitor::Member;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/review", get(queue)).route("/review/{id}", get(one)).route("/review/{id}/{verdict}", post(decide))
}

#[derive(Template)]
#[template(path = "web/review.html")]
struct Queue {
    chrome: Chrome,
    proofs: Vec<Waiting>,
}

async fn queue(member: Member) -> Shown {
    let proofs: List<Waiting> = member.ask("list_waiting_submissions", json!({})).await?;
    Ok(show(&Queue { chrome: Chrome::new(&member, "review", "Review"), proofs: proofs.items }))
}

#[derive(Template)]
#[template(path = "web/submission.html")]
struct OneProof {
    chrome: Chrome,
    proof: Submission,
    task: Task,
    is_creator: bool,
    form: Form,
    key: String,
}

impl OneProof {
    fn waits(&self) -> bool {
        self.proof.status == "in_review"
    }

    fn reason(&self) -> Field {
        self.form.field("reason_code", "What is wrong", "select").options([
            ("incomplete", "It is incomplete"),
            ("wrong_target", "It is about something else"),
            ("low_quality", "It is not good enough"),
            ("fraud", "It is not honest"),
            ("other", "Something else"),
        ])
    }

    fn is_paid(&self) -> bool {
        matches!(self.proof.status.as_str(), "approved" | "split")
    }
}

async fn one(member: Member, Path(id): Path<String>) -> Shown {
    Ok(show(&page(&member, &id, Form::default()).await?))
}

/// A form of the page was refused: the page with what was typed and what is wrong.
pub(super) async fn one_again(member: &Member, id: &str, form: Form) -> Shown {
    Ok(show_again(&page(member, id, form).await?))
}

async fn page(member: &Member, id: &str, form: Form) -> Result<OneProof, Refused> {
    let proof: Submission = member.ask("get_submission", json!({ "submission_id": id })).await.map_err(unknown_id)?;
    let task: Task = member.ask("get_task_detail", json!({ "task_id": proof.task_id })).await?;
    let is_creator = member.me.user.id.to_string() == task.creator.user_id;
    let chrome = Chrome::new(member, "review", format!("Proof for {}", task.title));
    Ok(OneProof { chrome, proof, task, is_creator, form, key: member.fresh_key() })
}

async fn decide(member: Member, Path((id, verdict)): Path<(String, String)>, mut form: Form) -> Shown {
    let (operation, fields, done): (_, &[&str], _) = match verdict.as_str() {
        "approve" => ("approve_submission", &[], "approved"),
        "reject" => ("reject_submission", &["reason_code", "reason"], "rejected"),
        "changes" => ("request_changes", &["note"], "changes"),
        "tip" => ("tip_worker", &["amount"], "tipped"),
        "evidence" => ("add_evidence", &["text"], "evidence"),
        _ => return Err(Refused::NotFound),
    };
    let mut input = form.texts(fields);
    input.insert("submission_id".into(), id.clone().into());
    match member.act::<Value>(operation, Value::Object(input), form.get("key")).await {
        Ok(_) if verdict == "approve" => Ok(to("/review?done=approved")),
        Ok(_) => Ok(to(&format!("/review/{id}?done={done}"))),
        Err(error) if error.status() < 429 && error.status() != 404 && error.status() != 401 => {
            form.refuse(&error);
            one_again(&member, &id, form).await
        }
        Err(error) => Err(error.into()),
    }
}

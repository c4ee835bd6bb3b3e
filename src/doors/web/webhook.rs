//! The webhook of a member: where events are sent, whether they arrive, and sending them once more.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::Ts;
use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::chrome::{Chrome, show, show_again};
use crate::doors::web::form::Form;
use crate::doors::web::mine::cursor;
use crate::doors::web::pieces::{self, Field};
use crate::doors::web::refused::{Refused, to};
use crate::doors::web::shown::List;
use crate::doors::web::visitor::Member;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/profile/webhooks", get(webhook).post(saved))
        .route("/profile/webhooks/test", post(tested))
        .route("/profile/webhooks/{event}/redeliver", post(redelivered))
}

/// An event on its way to the webhook.
#[derive(Deserialize)]
struct Delivery {
    event_id: String,
    event: String,
    created_at: Ts,
    status: String,
    attempts: i64,
    next_attempt_at: Option<Ts>,
    last_attempt: Option<Attempt>,
}

/// One attempt to send it.
#[derive(Deserialize)]
struct Attempt {
    duration_ms: i64,
    response_status: Option<i64>,
    #[serde(default)]
    response_head: String,
}

#[derive(Template)]
#[template(path = "web/webhook.html")]
struct WebhookPage {
    chrome: Chrome,
    form: Form,
    has_one: bool,
    /// Shown once, in the answer to the form that made it.
    secret: Option<String>,
    deliveries: Vec<Delivery>,
    older: Option<String>,
}

impl WebhookPage {
    fn address(&self) -> Field {
        self.form.field("webhook_url", "Address", "url").optional().hint("https, on port 443 or 8443. Empty takes the webhook away.")
    }
}

async fn page(member: &Member, form: Option<Form>, secret: Option<String>) -> Result<WebhookPage, Refused> {
    let profile: Value = member.ask("get_profile", json!({})).await?;
    let address = profile["webhook_url"].as_str().unwrap_or_default();
    let form = form.unwrap_or_else(|| {
        let mut form = Form::default();
        form.set("webhook_url", address);
        form
    });
    let sent: List<Delivery> = member.ask("list_webhook_deliveries", cursor(member)).await?;
    Ok(WebhookPage {
        chrome: Chrome::new(member, "profile", "Webhook"),
        form,
        has_one: !address.is_empty(),
        secret,
        deliveries: sent.items,
        older: sent.next_cursor,
    })
}

async fn webhook(member: Member) -> Shown {
    Ok(show(&page(&member, None, None).await?))
}

async fn saved(member: Member, mut form: Form) -> Shown {
    let input = if form.get("rotate").is_empty() {
        let address = form.get("webhook_url");
        json!({ "webhook_url": if address.is_empty() { Value::Null } else { address.into() } })
    } else {
        json!({ "rotate_webhook_secret": true })
    };
    match member.ask::<Value>("update_profile", input).await {
        Ok(after) => Ok(show(&page(&member, None, after["webhook_secret"].as_str().map(str::to_owned)).await?)),
        Err(error) if error.status() < 429 && !matches!(error.status(), 401 | 404) => {
            form.refuse(&error);
            Ok(show_again(&page(&member, Some(form), None).await?))
        }
        Err(error) => Err(error.into()),
    }
}

async fn tested(member: Member) -> Shown {
    let _: Value = member.ask("test_webhook", json!({})).await?;
    Ok(to("/profile/webhooks?done=sent"))
}

async fn redelivered(member: Member, Path(event): Path<String>) -> Shown {
    let _: Value = member.ask("redeliver_webhook", json!({ "event_id": event })).await?;
    Ok(to("/profile/webhooks?done=sent"))
}

//! The documents, made from the table of operations: OpenAPI 3.1 and the reference page.

pub mod agents;
pub mod guide;
mod manual;
mod openapi;
mod reference;

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::base::error::{Facts, Refusal};
use crate::base::operation::Operation;
use crate::doors::App;
use crate::doors::mcp::{McpRefusal, text_file};
use crate::doors::sandbox::SandboxRefusal;
use crate::doors::web::{Visitor, show};
use crate::events::EventRefusal;
use crate::ledger::record::LedgerRefusal;
use crate::moderation::ModerationRefusal;
use crate::ratings::RatingRefusal;
use crate::tasks::TaskRefusal;
use crate::users::UserRefusal;
use crate::wallet::WalletRefusal;

pub use openapi::openapi;

const TEXT: &str = "text/plain; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// The documents' routes.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/openapi.json", get(openapi_json))
        .route("/docs", get(async |visitor: Visitor| show(&reference::page(&visitor))))
        .route("/docs/mcp", get(async |visitor: Visitor| show(&agents::mcp(&visitor))))
        .route("/docs/webhooks", get(async |visitor: Visitor| show(&manual::webhooks(&visitor))))
        .route("/docs/bots", get(async |visitor: Visitor| show(&agents::bots(&visitor))))
        .route(
            "/llms.txt",
            get(|State(app): State<Arc<App>>, headers: HeaderMap| async move { text_file(&headers, TEXT, guide::short(&app)) }),
        )
        .route(
            "/llms-full.txt",
            get(|State(app): State<Arc<App>>, headers: HeaderMap| async move { text_file(&headers, TEXT, guide::full(&app)) }),
        )
        .route(
            "/skill.md",
            get(|State(app): State<Arc<App>>, headers: HeaderMap| async move { text_file(&headers, MARKDOWN, guide::skill(&app)) }),
        )
}

/// Every error code there is, with its status and what to do.
pub fn codes() -> Vec<&'static Facts> {
    let mut codes: Vec<&'static Facts> = [
        Refusal::FACTS,
        UserRefusal::FACTS,
        WalletRefusal::FACTS,
        LedgerRefusal::FACTS,
        EventRefusal::FACTS,
        TaskRefusal::FACTS,
        RatingRefusal::FACTS,
        ModerationRefusal::FACTS,
        SandboxRefusal::FACTS,
        McpRefusal::FACTS,
    ]
    .into_iter()
    .flatten()
    .collect();
    codes.sort_by_key(|facts| (facts.status, facts.code));
    codes
}

/// The schema of an operation's input, whole.
pub fn schema_of_input(operation: &Operation) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let mut schema = (operation.input)(&mut generator).to_value();
    tidy(&mut schema);
    schema
}

/// The schema of an operation's output, whole.
pub fn schema_of_output(operation: &Operation) -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let mut schema = (operation.output)(&mut generator).to_value();
    tidy(&mut schema);
    schema
}

/// Takes away what readers stumble over: number formats that validators do not know, titles that repeat type names.
pub fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let unknown = object
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(|f| f.starts_with("int") || f.starts_with("uint") || f == "double");
            if unknown {
                object.remove("format");
            }
            if object.get("type") == Some(&json!("object")) && !object.contains_key("properties") && !object.contains_key("$ref") {
                object.insert("properties".into(), json!({}));
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn openapi_json(State(app): State<Arc<App>>) -> Response {
    ([(CACHE_CONTROL, "public, max-age=60")], Json(openapi(&app.operations, &app.public_url))).into_response()
}

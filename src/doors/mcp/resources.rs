//! What a model may read beside the tools: the guide, the rules.

use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents};
use serde_json::json;

use crate::base::call::{Call, Credentials};
use crate::doors::App;
use crate::doors::docs::guide;
use crate::doors::mcp::answer;
use crate::doors::mcp::asker::Scene;

const GUIDE: &str = "roborent://guide";
const RULES: &str = "roborent://rules";

/// Both of them.
pub fn list() -> Vec<Resource> {
    let guide = Resource::new(GUIDE, "guide")
        .with_title("Guide for agents")
        .with_description("How to register, earn and spend here, with every tool and path.")
        .with_mime_type("text/markdown");
    let rules = Resource::new(RULES, "rules")
        .with_title("Rules in force")
        .with_description("Fees, minimums, review windows, limits and terms of this server, as get_platform_rules answers them.")
        .with_mime_type("application/json");
    vec![guide, rules]
}

/// The text of one.
pub async fn read(app: &Arc<App>, scene: &Scene, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let (text, media_type) = match uri {
        GUIDE => (guide::short(app), "text/markdown"),
        RULES => (rules(app, scene).await?, "application/json"),
        _ => {
            let known = json!({ "uri": uri, "resources": [GUIDE, RULES] });
            return Err(ErrorData::resource_not_found("There is no such resource. Call resources/list.", Some(known)));
        }
    };
    let contents = ResourceContents::TextResourceContents { uri: uri.to_owned(), mime_type: Some(media_type.into()), text, meta: None };
    Ok(ReadResourceResult::new(vec![contents]))
}

async fn rules(app: &Arc<App>, scene: &Scene) -> Result<String, ErrorData> {
    let operation = app.operations.iter().find(|operation| operation.name == "get_platform_rules").cloned();
    let operation = operation.ok_or_else(|| ErrorData::internal_error("the rules are not an operation here", None))?;
    let call =
        Call { operation, credentials: Credentials::default(), client: scene.asker.client, idempotency_key: None, input: Ok(json!({})) };
    let answer = app.dispatcher.call(call).await.result.map_err(|error| ErrorData::internal_error(answer::text(&error), None))?;
    String::from_utf8(answer.body).map_err(|_| ErrorData::internal_error("the rules are not text", None))
}

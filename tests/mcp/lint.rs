//! What a model reads: names, titles, descriptions, schemas of the tools, and how much of it there is.

use roborent::base::operation::{Access, Effect};
use roborent::doors::mcp::tools::Tools;
use roborent::testing::{Engine, TestApp};
use serde_json::{Value, json};

use crate::client::{post, request};

/// Tools that are mistaken for one another, and so name one another.
const SIBLINGS: [(&str, &str); 11] = [
    ("search_tasks", "list_my_tasks"),
    ("search_tasks", "list_published_tasks"),
    ("list_my_tasks", "list_published_tasks"),
    ("get_task_detail", "search_tasks"),
    ("cancel_assignment", "cancel_published_task"),
    ("approve_submission", "reject_submission"),
    ("approve_submission", "request_changes"),
    ("reject_submission", "request_changes"),
    ("reject_submission", "open_dispute"),
    ("get_transactions", "get_withdrawal"),
    ("get_platform_rules", "get_profile"),
];

async fn list(app: &TestApp, keyed: bool) -> (Vec<Value>, usize) {
    let bot = if keyed { Some(app.bot().await) } else { None };
    let answer = post(app, bot.as_ref(), &request("tools/list", &json!({}))).await.expect(200);
    (answer.json()["result"]["tools"].as_array().unwrap().clone(), answer.body.len())
}

/// Every property of a schema, with its path.
fn properties(schema: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        properties(property, &path, found);
        found.push((path, property.clone()));
    }
}

#[tokio::test]
async fn every_tool_says_what_a_model_needs_and_no_more() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    for keyed in [true, false] {
        let (tools, bytes) = list(&app, keyed).await;
        println!("tools/list {}: {} tools, {bytes} bytes", if keyed { "with a key" } else { "without one" }, tools.len());
        assert!(bytes <= if keyed { 32 * 1024 } else { 35 * 1024 }, "{bytes}");
        for tool in &tools {
            let name = tool["name"].as_str().unwrap();
            assert!(
                name.contains('_') && name.split('_').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase())),
                "{name}"
            );
            let title = tool["title"].as_str().unwrap();
            assert!(!title.is_empty() && title != name, "{name}");
            let description = tool["description"].as_str().unwrap();
            assert!((80..=600).contains(&description.len()), "{name}: {}", description.len());
            for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
                assert!(tool["annotations"][hint].is_boolean(), "{name} {hint}");
            }
            assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
            assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
            assert!(tool["inputSchema"]["properties"].is_object(), "{name}");
            assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
            assert!(!tool["outputSchema"]["properties"].as_object().unwrap().is_empty(), "{name}");
            let mut inputs = Vec::new();
            properties(&tool["inputSchema"], name, &mut inputs);
            for (path, property) in inputs {
                assert!(property["description"].as_str().is_some_and(|text| text.len() > 5), "{path} is not described");
                assert!(property["type"].is_string() || property["type"].is_array(), "{path} has no type: {property}");
            }
            let text = tool.to_string();
            for unwanted in ["\"format\":\"int", "\"format\":\"uint", "\"format\":\"double", "$ref", "$schema", "oneOf"] {
                assert!(!text.contains(unwanted), "{name} holds {unwanted}");
            }
            for stray in ["is_admin", "sandbox", "rr_live_", "rr_test_"] {
                assert!(!text.contains(stray), "{name} holds {stray}");
            }
        }
        let again = list(&app, keyed).await.0;
        assert_eq!(serde_json::to_string(&tools).unwrap(), serde_json::to_string(&again).unwrap(), "the order is always the same");
    }
    app.finish().await;
}

#[tokio::test]
async fn tools_that_are_mistaken_for_one_another_name_one_another() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    let tools = Tools::of(&app.app.operations);
    let about = |name: &str| tools.find(name).map(|entry| entry.operation.tool.unwrap().description);
    for (one, other) in SIBLINGS {
        for (speaker, named) in [(one, other), (other, one)] {
            // One that is not here yet is named by its sibling already, and has to answer when it comes.
            let Some(text) = about(speaker) else { continue };
            assert!(text.contains(named), "{speaker} does not name {named}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_tools_are_the_operations_that_say_so() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    let names: Vec<String> = list(&app, true).await.0.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
    let marked: Vec<&str> =
        app.app.operations.iter().filter(|operation| operation.tool.is_some()).map(|operation| operation.name).collect();
    assert_eq!(names, marked);
    assert!(names.len() <= 28, "more than a model chooses from well: {}", names.len());
    for published in [
        "get_balance",
        "get_transactions",
        "search_tasks",
        "get_task_detail",
        "accept_task",
        "submit_result",
        "cancel_assignment",
        "list_my_tasks",
        "register_agent",
    ] {
        assert!(names.iter().any(|name| name == published), "{published}");
    }
    for operation in &app.app.operations {
        let Some(tool) = operation.tool else { continue };
        assert!(!matches!(operation.access, Access::Admin | Access::Sandbox), "{} is nothing for agents", operation.name);
        assert!(operation.content_type.starts_with("application/json"));
        if operation.effect == Effect::Query {
            assert!(!tool.destroys && !tool.reaches_out, "{} reads", operation.name);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_list_of_tools_is_reviewed() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    let (keyed, open) = (list(&app, true).await.0, list(&app, false).await.0);
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("mcp__tools_with_a_key", keyed);
        insta::assert_json_snapshot!("mcp__tools_without_a_key", open);
    });
    app.finish().await;
}

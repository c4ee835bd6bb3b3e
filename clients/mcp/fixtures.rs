//! What the official conformance suite wants to find, behind the door of the product: tools, prompts and resources that only
//! the suite has a use for. Says where it listens, and serves until it is ended.
#![expect(clippy::unwrap_used, reason = "a program of the tests may stop where it stands")]
#![expect(clippy::print_stdout, reason = "it says where it listens")]
#![expect(deprecated, reason = "the suite asks for what older revisions have")]

use std::net::Ipv4Addr;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, InputRequiredResult, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, LoggingLevel, LoggingMessageNotificationParam,
    PaginatedRequestParams, ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
    ServerCapabilities, ServerConfig, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use roborent::doors::{self, Connections, mcp};
use roborent::testing::{Engine, TestApp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const WAV: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==";
const STATE: &str = "state-of-the-first-round";

const TOOLS: [&str; 23] = [
    "test_simple_text",
    "test_error_handling",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_progress",
    "test_tool_with_logging",
    "test_logging_tool",
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_trigger_tool_change",
    "test_trigger_prompt_change",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
    "test_reconnection",
    "test_custom_headers",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Changed {
    Tools,
    Prompts,
}

#[derive(Clone)]
struct Fixtures(broadcast::Sender<Changed>);

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn says(text: &str) -> CallToolResponse {
    read::<CallToolResult>(json!({ "resultType": "complete", "content": [{ "type": "text", "text": text }] })).into()
}

fn content(content: &Value) -> CallToolResponse {
    read::<CallToolResult>(json!({ "resultType": "complete", "content": content })).into()
}

fn image() -> Value {
    json!({ "type": "image", "data": PNG, "mimeType": "image/png" })
}

fn wants(requests: &Value, state: Option<&str>) -> InputRequiredResult {
    let mut wanted = json!({ "resultType": "input_required", "inputRequests": requests });
    if let Some(state) = state {
        wanted["requestState"] = state.into();
    }
    read(wanted)
}

fn asks(message: &str, field: &str, kind: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { field: { "type": kind } }, "required": [field] });
    json!({ "method": "elicitation/create", "params": { "message": message, "requestedSchema": schema } })
}

fn samples(question: &str) -> Value {
    let messages = json!([{ "role": "user", "content": { "type": "text", "text": question } }]);
    json!({ "method": "sampling/createMessage", "params": { "messages": messages, "maxTokens": 100 } })
}

fn asks_for_roots() -> Value {
    json!({ "method": "roots/list", "params": {} })
}

/// Tools that need something of the client: what they got so far decides what they ask for.
fn rounds(request: &CallToolRequestParams, capabilities: &ClientCapabilities) -> Result<CallToolResponse, ErrorData> {
    let got =
        |name: &str| request.input_responses.as_ref().and_then(|responses| responses.get(name)).filter(|response| response.is_object());
    let state = request.request_state.as_deref();
    let content_of = |name: &str, field: &str| got(name).and_then(|response| response["content"][field].as_str().map(str::to_owned));
    let wanted = match request.name.as_ref() {
        "test_input_required_result_elicitation" => match content_of("user_name", "name") {
            Some(name) => return Ok(says(&format!("Hello, {name}!"))),
            None => wants(&json!({ "user_name": asks("What is your name?", "name", "string") }), None),
        },
        "test_input_required_result_sampling" => match got("capital_question") {
            Some(answer) => return Ok(says(&format!("The client said: {}", answer["content"]["text"]))),
            None => wants(&json!({ "capital_question": samples("What is the capital of France?") }), None),
        },
        "test_input_required_result_list_roots" => match got("client_roots") {
            Some(answer) => return Ok(says(&format!("The roots are: {}", answer["roots"]))),
            None => wants(&json!({ "client_roots": asks_for_roots() }), None),
        },
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => match (got("confirm"), state) {
            (Some(_), Some(STATE)) => return Ok(says("state-ok")),
            (_, Some(other)) if other != STATE => return Err(ErrorData::invalid_params("The state was tampered with.", None)),
            _ => wants(&json!({ "confirm": asks("Please confirm", "ok", "boolean") }), Some(STATE)),
        },
        "test_input_required_result_multiple_inputs" => {
            if state == Some(STATE) && ["user_name", "greeting", "client_roots"].iter().all(|name| got(name).is_some()) {
                return Ok(says("All of them came."));
            }
            let all = json!({ "user_name": asks("What is your name?", "name", "string"), "greeting": samples("Generate a greeting"), "client_roots": asks_for_roots() });
            wants(&all, Some(STATE))
        }
        "test_input_required_result_multi_round" => match (got("step1"), got("step2"), state) {
            (_, Some(_), Some("second")) => return Ok(says("Both steps are done.")),
            (Some(_), _, Some("first")) => {
                wants(&json!({ "step2": asks("Step 2: What is your favorite color?", "color", "string") }), Some("second"))
            }
            _ => wants(&json!({ "step1": asks("Step 1: What is your name?", "name", "string") }), Some("first")),
        },
        _ => {
            let mut possible = json!({});
            if capabilities.sampling.is_some() {
                possible["sampled"] = samples("Say something.");
            }
            if capabilities.elicitation.is_some() {
                possible["asked"] = asks("Say something.", "text", "string");
            }
            wants(&possible, None)
        }
    };
    Ok(wanted.into())
}

#[expect(clippy::disallowed_methods, reason = "the suite wants to see time pass")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

impl Fixtures {
    async fn with_progress(context: &RequestContext<RoleServer>) -> CallToolResponse {
        for progress in [0.0, 50.0, 100.0] {
            if let Some(token) = context.meta.get_progress_token() {
                let told = ProgressNotificationParam::new(token, progress).with_total(100.0);
                context.peer.notify_progress(told).await.unwrap();
            }
            pause().await;
        }
        says("It is done.")
    }

    async fn with_logging(context: &RequestContext<RoleServer>, wanted: bool) -> CallToolResponse {
        for text in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
            if wanted {
                let told = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(text));
                context.peer.notify_logging_message(told).await.unwrap();
            }
            pause().await;
        }
        says("It is done.")
    }
}

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_tools()
                .enable_tool_list_changed()
                .enable_resources()
                .enable_resources_subscribe()
                .enable_prompts()
                .enable_prompts_list_changed()
                .enable_logging()
                .enable_completions()
                .build(),
        )
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListToolsResult, ErrorData> {
        let schema: JsonObject = read(json!({ "type": "object", "properties": {} }));
        Ok(ListToolsResult::with_all_items(
            TOOLS.iter().map(|name| Tool::new(*name, "For the suite.", std::sync::Arc::new(schema.clone()))).collect(),
        ))
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let capabilities = context.client_capabilities().unwrap_or_default();
        let legacy = context.meta.protocol_version().is_none();
        Ok(match request.name.as_ref() {
            "test_simple_text" => says("This is a simple text response for testing."),
            "test_error_handling" => {
                let text = "This tool intentionally returns an error for testing";
                read::<CallToolResult>(json!({ "resultType": "complete", "isError": true, "content": [{ "type": "text", "text": text }] }))
                    .into()
            }
            "test_image_content" => content(&json!([image()])),
            "test_audio_content" => content(&json!([{ "type": "audio", "data": WAV, "mimeType": "audio/wav" }])),
            "test_embedded_resource" => {
                let resource =
                    json!({ "uri": "test://embedded-resource", "mimeType": "text/plain", "text": "This is an embedded resource content." });
                content(&json!([{ "type": "resource", "resource": resource }]))
            }
            "test_multiple_content_types" => {
                let data = json!({ "test": "data", "value": 123 }).to_string();
                let resource = json!({ "uri": "test://mixed-content-resource", "mimeType": "application/json", "text": data });
                content(
                    &json!([{ "type": "text", "text": "Multiple content types test:" }, image(), { "type": "resource", "resource": resource }]),
                )
            }
            "test_tool_with_progress" => Self::with_progress(&context).await,
            "test_tool_with_logging" => Self::with_logging(&context, legacy || context.meta.log_level().is_some()).await,
            "test_logging_tool" => Self::with_logging(&context, context.meta.log_level().is_some()).await,
            "test_missing_capability" if capabilities.sampling.is_none() => {
                return Err(ErrorData::missing_required_client_capability(ClientCapabilities::builder().enable_sampling().build()));
            }
            "test_streaming_elicitation" => wants(&json!({ "asked": asks("Say something.", "text", "string") }), None).into(),
            "test_trigger_tool_change" => {
                drop(self.0.send(Changed::Tools));
                says("The tools have changed.")
            }
            "test_trigger_prompt_change" => {
                drop(self.0.send(Changed::Prompts));
                says("The prompts have changed.")
            }
            name if name.starts_with("test_input_required_result_") => return rounds(&request, &capabilities),
            name if TOOLS.contains(&name) => says("Nothing to do."),
            name => return Err(ErrorData::invalid_params(format!("Unknown tool: {name}"), None)),
        })
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(read(json!({ "resultType": "complete", "resources": [
            { "uri": "test://static-text", "name": "text", "mimeType": "text/plain" },
            { "uri": "test://static-binary", "name": "binary", "mimeType": "image/png" },
            { "uri": "test://watched-resource", "name": "watched", "mimeType": "text/plain" },
        ] })))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let template = json!({ "uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json" });
        Ok(read(json!({ "resultType": "complete", "resourceTemplates": [template] })))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.as_str();
        let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
        let found = match (uri, id) {
            ("test://static-text", _) => {
                json!({ "uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource." })
            }
            ("test://static-binary", _) => json!({ "uri": uri, "mimeType": "image/png", "blob": PNG }),
            ("test://watched-resource", _) => json!({ "uri": uri, "mimeType": "text/plain", "text": "Watched." }),
            (_, Some(id)) => {
                let text = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") }).to_string();
                json!({ "uri": uri, "mimeType": "application/json", "text": text })
            }
            _ => return Err(ErrorData::resource_not_found("Resource not found", Some(json!({ "uri": uri })))),
        };
        Ok(read::<ReadResourceResult>(json!({ "resultType": "complete", "contents": [found] })).into())
    }

    async fn list_prompts(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListPromptsResult, ErrorData> {
        let argument = |name: &str| json!({ "name": name, "description": "For the suite.", "required": true });
        Ok(read(json!({ "resultType": "complete", "prompts": [
            { "name": "test_simple_prompt", "description": "For the suite." },
            { "name": "test_prompt_with_arguments", "description": "For the suite.", "arguments": [argument("arg1"), argument("arg2")] },
            { "name": "test_prompt_with_embedded_resource", "description": "For the suite.", "arguments": [argument("resourceUri")] },
            { "name": "test_prompt_with_image", "description": "For the suite." },
            { "name": "test_input_required_result_prompt", "description": "For the suite." },
        ] })))
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, _: RequestContext<RoleServer>) -> Result<GetPromptResponse, ErrorData> {
        let argument = |name: &str| {
            request.arguments.as_ref().and_then(|arguments| arguments.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let text = |text: &str| json!({ "role": "user", "content": { "type": "text", "text": text } });
        let messages = match request.name.as_str() {
            "test_simple_prompt" => json!([text("This is a simple prompt for testing.")]),
            "test_prompt_with_arguments" => {
                json!([text(&format!("Prompt with arguments: arg1='{}', arg2='{}'", argument("arg1"), argument("arg2")))])
            }
            "test_prompt_with_embedded_resource" => {
                let resource =
                    json!({ "uri": argument("resourceUri"), "mimeType": "text/plain", "text": "Embedded resource content for testing." });
                json!([{ "role": "user", "content": { "type": "resource", "resource": resource } }, text("Please process the embedded resource above.")])
            }
            "test_prompt_with_image" => json!([{ "role": "user", "content": image() }, text("Please analyze the image above.")]),
            "test_input_required_result_prompt" => match request.input_responses {
                Some(_) => json!([text("The context came.")]),
                None => {
                    return Ok(
                        wants(&json!({ "user_context": asks("What context should the prompt use?", "context", "string") }), None).into()
                    );
                }
            },
            name => return Err(ErrorData::invalid_params(format!("Unknown prompt: {name}"), None)),
        };
        Ok(read::<GetPromptResult>(json!({ "resultType": "complete", "messages": messages })).into())
    }

    async fn complete(&self, _: CompleteRequestParams, _: RequestContext<RoleServer>) -> Result<CompleteResult, ErrorData> {
        Ok(read(json!({ "resultType": "complete", "completion": { "values": ["paris", "park", "party"], "total": 3, "hasMore": false } })))
    }

    async fn set_level(&self, _: SetLevelRequestParams, context: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        if context.meta.protocol_version().is_some() {
            return Err(ErrorData::method_not_found::<rmcp::model::SetLevelRequestMethod>());
        }
        Ok(())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut told = self.0.subscribe();
        loop {
            let changed = tokio::select! {
                () = context.cancelled() => return Ok(()),
                changed = told.recv() => changed,
            };
            // What was not asked for is not told; then there is nothing to send.
            match changed {
                Ok(Changed::Tools) => drop(context.sink().notify_tool_list_changed().await),
                Ok(Changed::Prompts) => drop(context.sink().notify_prompt_list_changed().await),
                Err(_) => return Ok(()),
            }
        }
    }
}

#[tokio::main]
async fn main() {
    let generous = |config: &mut roborent::base::config::Config| config.limits.mcp = "1000000/min".parse().unwrap();
    let test = TestApp::start_with(Engine::Sqlite, generous).await.unwrap();
    let fixtures = Fixtures(broadcast::channel(16).0);
    let router = doors::public_router_with(&test.app, mcp::mount(&test.app, fixtures));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    println!("http://{}/api/v1/mcp", listener.local_addr().unwrap());
    doors::serve(listener, router, CancellationToken::new(), Connections::of(&test.app.dispatcher.config.server)).await;
}

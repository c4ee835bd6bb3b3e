//! Both doors say the same: the body over REST is the structured content over MCP, both as published.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use roborent::base::operation::{Access, Idempotency, Method, Operation};
use roborent::doors::docs::{schema_of_input, schema_of_output};
use roborent::doors::mcp::tools::Tools;
use roborent::testing::{Answered, Bot, Engine, TestApp};
use serde_json::{Map, Value, json};

use crate::client::{call, post, tool_call};

/// A call over REST: fields of the path into the path, the key of a repeated call into its header, the others into query or body.
async fn over_rest(app: &TestApp, bot: Option<&Bot>, operation: &Operation, input: &Value) -> Answered {
    let (method, template) = operation.routes[0];
    let mut fields = input.as_object().unwrap().clone();
    let path: Vec<String> = template
        .split('/')
        .map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => {
                fields.shift_remove(name).map_or("00000000-0000-7000-8000-0000000000ff".into(), |v| v.as_str().unwrap().to_owned())
            }
            None => part.to_owned(),
        })
        .collect();
    let mut path = path.join("/");
    let key = fields.shift_remove("idempotency_key");
    let has_body = matches!(method, Method::Post | Method::Patch);
    if !has_body && !fields.is_empty() {
        let query: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", value.to_string().trim_matches('"'))).collect();
        path = format!("{path}?{}", query.join("&"));
    }
    let ask = app.ask(&format!("{method:?}").to_uppercase(), &path).from([8, 8, 8, 8]);
    let ask = if has_body { ask.json(&Value::Object(fields)) } else { ask };
    let ask = match &key {
        Some(key) => ask.header("idempotency-key", key.as_str().unwrap()),
        None => ask,
    };
    match bot {
        Some(bot) => ask.key(bot),
        None => ask,
    }
    .send()
    .await
}

/// What differs although nothing does: ids, keys, times, balances that have moved on.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(object.iter().map(|(name, value)| (name.clone(), shape(value))).collect::<Map<_, _>>()),
        Value::Array(items) => Value::Array(items.iter().take(1).map(shape).collect()),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!(0),
        Value::Bool(_) | Value::Null => value.clone(),
    }
}

struct Stage {
    app: TestApp,
    creator: Bot,
    worker: Bot,
    tools: Tools,
    keys: AtomicU64,
}

impl Stage {
    async fn set() -> Self {
        let app = TestApp::start_with(Engine::Sqlite, |config| {
            let limits = &mut config.limits;
            for limit in [&mut limits.register, &mut limits.accept, &mut limits.submit, &mut limits.publish, &mut limits.withdraw] {
                *limit = "100000/h".parse().unwrap();
            }
            for limit in [&mut limits.read, &mut limits.mcp] {
                *limit = "100000/min".parse().unwrap();
            }
        })
        .await
        .unwrap();
        let (creator, worker) = (app.rich_bot(500).await, app.rich_bot(50).await);
        let tools = Tools::of(&app.app.operations);
        Self { app, creator, worker, tools, keys: AtomicU64::new(1) }
    }

    fn operation(&self, name: &str) -> Arc<Operation> {
        Arc::clone(self.app.app.operations.iter().find(|operation| operation.name == name).unwrap())
    }

    async fn rest(&self, bot: &Bot, name: &str, input: Value) -> Value {
        let operation = self.operation(name);
        over_rest(&self.app, Some(bot), &operation, &input).await.expect(operation.status).json()
    }

    /// A key that no call has had.
    fn fresh_key(&self) -> Value {
        json!(format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed)))
    }

    /// A task with a slot that the worker holds, or has handed a proof in for.
    async fn task(&self, with_proof: bool) -> (Value, Value) {
        let published = self.rest(&self.creator, "publish_task", self.operation("publish_task").example.clone().unwrap()).await;
        let task_id = published["task_id"].clone();
        drop(self.rest(&self.worker, "accept_task", json!({ "task_id": task_id })).await);
        if !with_proof {
            return (task_id, Value::Null);
        }
        let proof = self
            .rest(&self.worker, "submit_result", json!({ "task_id": task_id, "proof_url": "https://x.com/1", "proof_text": "Done" }))
            .await;
        (task_id, proof["submission_id"].clone())
    }

    /// Who calls a tool, and with what, so that it works; fresh each time.
    async fn scene(&self, name: &str) -> (Option<&Bot>, Value) {
        let mut input = self.operation(name).example.clone().unwrap_or_else(|| json!({}));
        let mut bot = &self.creator;
        match name {
            "register_agent" | "get_platform_rules" => return (None, input),
            "get_task_detail" | "list_submissions" => input["task_id"] = self.task(true).await.0,
            "cancel_published_task" => input["task_id"] = self.task(false).await.0,
            "accept_task" => {
                let published = self.rest(&self.creator, "publish_task", self.operation("publish_task").example.clone().unwrap()).await;
                (bot, input["task_id"]) = (&self.worker, published["task_id"].clone());
            }
            "submit_result" | "cancel_assignment" => (bot, input["task_id"]) = (&self.worker, self.task(false).await.0),
            "approve_submission" | "reject_submission" | "request_changes" => input["submission_id"] = self.task(true).await.1,
            "tip_worker" => {
                input["submission_id"] = self.task(true).await.1;
                drop(self.rest(&self.creator, "approve_submission", json!({ "submission_id": input["submission_id"] })).await);
            }
            "open_dispute" => {
                input["submission_id"] = self.task(true).await.1;
                let mut verdict = self.operation("reject_submission").example.clone().unwrap();
                verdict["submission_id"] = input["submission_id"].clone();
                drop(self.rest(&self.creator, "reject_submission", verdict).await);
                bot = &self.worker;
            }
            "create_withdrawal" => input["idempotency_key"] = self.fresh_key(),
            "get_withdrawal" => {
                let mut order = self.operation("create_withdrawal").example.clone().unwrap();
                order["idempotency_key"] = self.fresh_key();
                input["withdrawal_id"] = self.rest(&self.creator, "create_withdrawal", order).await["withdrawal_id"].clone();
            }
            // A cap would end the calls that come after it.
            "update_profile" => input["max_hourly_spend_usd"] = Value::Null,
            "search_tasks" => {
                drop(self.rest(&self.creator, "publish_task", self.operation("publish_task").example.clone().unwrap()).await);
                (bot, input) = (&self.worker, json!({ "category": "social", "limit": 1 }));
            }
            "list_my_tasks" => {
                drop(self.task(false).await);
                bot = &self.worker;
            }
            "list_events" => {
                drop(self.task(true).await);
                self.app.run_jobs().await;
            }
            _ => {}
        }
        (Some(bot), input)
    }
}

fn must_be_valid(schema: &Value, value: &Value, what: &str) {
    let validator = jsonschema::draft202012::new(schema).unwrap_or_else(|error| panic!("{what}: {error}"));
    if let Some(error) = validator.iter_errors(value).next() {
        panic!("{what}: {error} at {} in {value}", error.instance_path());
    }
}

#[tokio::test]
async fn every_tool_answers_what_rest_answers() {
    let stage = Stage::set().await;
    for entry in stage.tools.all() {
        let (name, operation) = (entry.operation.name, &entry.operation);
        let reads = operation.effect == roborent::base::operation::Effect::Query;
        let (bot, input) = stage.scene(name).await;
        let body = over_rest(&stage.app, bot, operation, &input).await.expect(operation.status).json();
        let (bot, input) = if reads { (bot, input) } else { stage.scene(name).await };
        let published = Value::Object((*entry.keyed.input_schema).clone());
        must_be_valid(&published, &input, &format!("input of {name}"));
        // Over REST the key of a repeated call is a header.
        let mut fields = input.clone();
        fields.as_object_mut().unwrap().shift_remove("idempotency_key");
        must_be_valid(&schema_of_input(operation), &fields, &format!("input of {name}"));
        let answer = post(&stage.app, bot, &tool_call(name, &input)).await.expect(200).json();
        let content = answer["result"]["structuredContent"].clone();
        assert_eq!(answer["result"]["isError"], false, "{name}: {answer}");
        if reads {
            assert_eq!(content, body, "{name}");
        } else {
            assert_eq!(shape(&content), shape(&body), "{name}");
        }
        for value in [&body, &content] {
            must_be_valid(&schema_of_output(operation), value, &format!("output of {name}"));
            must_be_valid(&json!(entry.keyed.output_schema), value, &format!("output of {name} as a tool"));
        }
        for path in &entry.untrusted {
            assert!(answer["result"]["_meta"]["roborent/untrusted"].as_array().unwrap().contains(&json!(path)), "{name} {path}");
        }
    }
    stage.app.finish().await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "waiting is what is tested")]
async fn a_call_that_waits_for_events_is_answered_when_one_comes_and_at_its_end() {
    let stage = Stage::set().await;
    let (app, bot) = (&stage.app, &stage.creator);
    let started = Instant::now();
    let nothing = call(app, bot, "list_events", &json!({ "after": 1_000, "wait_seconds": 1 })).await;
    assert_eq!(nothing["items"], json!([]));
    assert!(started.elapsed() >= Duration::from_millis(950));
    let (started, patient) = (Instant::now(), json!({ "wait_seconds": 10 }));
    let telling = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(stage.task(true).await);
        app.run_jobs().await;
    };
    let (found, ()) = tokio::join!(call(app, bot, "list_events", &patient), telling);
    assert_ne!(found["items"], json!([]));
    assert!(started.elapsed() < Duration::from_secs(10), "it did not wait to the end");
    stage.app.finish().await;
}

#[tokio::test]
async fn every_caller_is_treated_alike_by_both_doors() {
    let stage = Stage::set().await;
    let app = &stage.app;
    let scoped = async |scope: &str| {
        let made = app
            .post("/api/v1/agent/keys")
            .key(&stage.creator)
            .json(&json!({ "name": scope, "scopes": [scope] }))
            .send()
            .await
            .expect(201)
            .json();
        Bot { user_id: stage.creator.user_id, key: made["api_key"].as_str().unwrap().to_owned() }
    };
    let suspended = app.bot().await;
    let admin = app.admin("root@example.com").await;
    let path = format!("/api/v1/admin/users/{}/suspend", suspended.user_id.0);
    drop(app.post(&path).bearer(&admin).json(&json!({ "reason": "A test of both doors." })).send().await.expect(200));
    let callers =
        [scoped("read").await, scoped("earn").await, scoped("spend").await, scoped("withdraw").await, suspended, stage.worker.clone()];
    for entry in stage.tools.all().iter().filter(|entry| entry.operation.access != Access::Open) {
        let name = entry.operation.name;
        let mut input = entry.operation.example.clone().unwrap_or_else(|| json!({}));
        for (field, _) in entry.keyed.input_schema["properties"].as_object().unwrap().iter().filter(|(field, _)| field.ends_with("_id")) {
            input[field] = json!("00000000-0000-7000-8000-0000000000ff");
        }
        if name == "publish_task" {
            input["dry_run"] = true.into();
        }
        for (caller, bot) in callers.iter().enumerate() {
            if entry.operation.idempotency == Idempotency::Required {
                input["idempotency_key"] = stage.fresh_key();
            }
            let rest = over_rest(app, Some(bot), &entry.operation, &input).await;
            let mcp = post(app, Some(bot), &tool_call(name, &input)).await.expect(200).json();
            let text = mcp["result"]["content"][0]["text"].as_str().unwrap_or_default();
            if rest.status < 300 {
                assert_eq!(mcp["result"]["isError"], false, "{name}, caller {caller}: {mcp}");
            } else {
                assert_eq!(text.split(':').next().unwrap(), rest.code(), "{name}, caller {caller}");
            }
        }
        let nobody = post(app, None, &tool_call(name, &input)).await.expect(200).json();
        assert!(nobody["result"]["content"][0]["text"].as_str().unwrap().starts_with("authentication_required: "), "{name}");
    }
    stage.app.finish().await;
}

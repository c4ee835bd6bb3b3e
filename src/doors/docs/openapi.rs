//! OpenAPI 3.1, from the table of operations.

use std::sync::Arc;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::base::limit::Policy;
use crate::base::operation::{Access, Idempotency, Method, Operation};
use crate::doors::docs::{schema_of_input, tidy};

/// The whole document.
pub fn openapi(operations: &[Arc<Operation>], public_url: &str) -> Value {
    let mut outputs = generator();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations {
        for (method, path) in &operation.routes {
            let item = paths.entry((*path).to_owned()).or_insert_with(|| json!({}));
            item[method_name(*method)] = describe(operation, *method, path, &mut outputs);
        }
    }
    let mut schemas = outputs.take_definitions(true);
    schemas.insert("Problem".into(), problem_schema());
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "roborent",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A marketplace where people and AI agents post paid micro-tasks for each other and are paid in USDT (TRC-20). Amounts are JSON numbers in USDT with at most 6 decimals; times are RFC 3339 in UTC; errors are problem+json with a stable `code`.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": public_url }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "ApiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                "Bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token from /auth/v1/token, or an API key." },
            },
        },
    });
    tidy(&mut document["components"]["schemas"]);
    document
}

fn generator() -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.into_generator()
}

const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Patch => "patch",
        Method::Delete => "delete",
    }
}

fn describe(operation: &Operation, method: Method, path: &str, outputs: &mut SchemaGenerator) -> Value {
    let input = schema_of_input(operation);
    let properties = input["properties"].as_object().cloned().unwrap_or_default();
    let required: Vec<&str> =
        input["required"].as_array().map(|names| names.iter().filter_map(Value::as_str).collect()).unwrap_or_default();
    let in_path = |name: &str| path.contains(&format!("{{{name}}}"));
    let has_body = matches!(method, Method::Post | Method::Patch);

    let mut parameters: Vec<Value> = Vec::new();
    for (name, schema) in &properties {
        let place = if in_path(name) {
            "path"
        } else if has_body {
            continue;
        } else {
            "query"
        };
        parameters.push(json!({ "name": name, "in": place, "required": place == "path" || required.contains(&name.as_str()), "schema": schema, "description": schema["description"] }));
    }
    if operation.idempotency != Idempotency::Ignored {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": operation.idempotency == Idempotency::Required,
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
            "description": "Your own id of this call. The same key with the same input gives the first answer again and has no second effect.",
        }));
    }
    // The output type differs from JSON for files only.
    let output = (operation.output)(outputs);
    let media = operation.content_type.split(';').next().unwrap_or(operation.content_type);
    let mut described = json!({
        "operationId": if operation.routes[0] == (method, path_of(operation, path)) { operation.name.to_owned() } else { format!("{}_2", operation.name) },
        "summary": operation.about,
        "parameters": parameters,
        "responses": {
            operation.status.to_string(): { "description": "Done.", "content": { media: { "schema": output } } },
            "default": { "description": "Refused or failed; nothing was changed.", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } },
        },
    });
    if has_body {
        let fields: Map<String, Value> = properties.into_iter().filter(|(name, _)| !in_path(name)).collect();
        let required: Vec<&str> = required.into_iter().filter(|name| !in_path(name)).collect();
        let mut schema = json!({ "type": "object", "properties": fields, "additionalProperties": false });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        let mut media = json!({ "schema": schema });
        if let Some(example) = &operation.example {
            media["example"] = example.clone();
        }
        described["requestBody"] = json!({ "required": !required.is_empty(), "content": { "application/json": media } });
    }
    if !matches!(operation.access, Access::Open | Access::Sandbox) {
        described["security"] = json!([{ "ApiKey": [] }, { "Bearer": [] }]);
    }
    if let Some(scope) = access_in_words(operation.access) {
        described["x-access"] = json!(scope);
    }
    if let Some(policy) = operation.limit.map(Policy::name) {
        described["x-limit"] = json!(policy);
    }
    described
}

fn path_of(operation: &Operation, path: &str) -> &'static str {
    operation.routes.iter().find(|(_, known)| *known == path).map_or("", |(_, known)| known)
}

/// Who may call, in words.
pub fn access_in_words(access: Access) -> Option<String> {
    match access {
        Access::Open => None,
        Access::User(scope) => Some(format!("any user; an API key needs the scope {}", scope.name())),
        Access::Keys => Some("a signed-in user, or an API key with all four scopes".into()),
        Access::Admin => Some("admins".into()),
        Access::Sandbox => Some("programs on the same machine, in the sandbox only".into()),
    }
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457, with a stable code.",
        "properties": {
            "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
            "code": { "type": "string", "description": "Stable, for programs; /docs lists them all." },
            "detail": { "type": "string", "description": "What is wrong." },
            "hint": { "type": "string", "description": "What to do next." },
            "request_id": { "type": "string" },
        },
        "required": ["type", "title", "status", "code", "detail", "hint", "request_id"],
    })
}

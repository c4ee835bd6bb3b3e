//! The reference page: every operation with a curl line that works, every error code, every limit.

use askama::Template;
use serde_json::Value;

use crate::base::Usdt;
use crate::base::hundredths::Hundredths;
use crate::base::limit::Policy;
use crate::base::operation::{Idempotency, Method, Operation};
use crate::doors::docs::guide::your_key;
use crate::doors::docs::openapi::access_in_words;
use crate::doors::docs::{codes, schema_of_input};
use crate::doors::web::{Chrome, Visitor, pieces};
use crate::tasks::{review_window, terms};

/// What the template draws.
#[derive(Template)]
#[template(path = "docs.html")]
pub struct Reference {
    chrome: Chrome,
    tab: &'static str,
    operations: Vec<Entry>,
    errors: Vec<ErrorEntry>,
    limits: Vec<(&'static str, String)>,
    fee: Hundredths,
    terms: &'static str,
    windows: Vec<(Usdt, i64)>,
}

struct Entry {
    name: &'static str,
    about: &'static str,
    places: Vec<String>,
    access: String,
    limit: &'static str,
    idempotency: &'static str,
    fields: Vec<Field>,
    curl: String,
}

struct Field {
    name: String,
    kind: String,
    required: bool,
    description: String,
}

struct ErrorEntry {
    status: u16,
    code: &'static str,
    hint: &'static str,
}

/// The page of this installation.
pub fn page(visitor: &Visitor) -> Reference {
    let app = &visitor.app;
    let config = &app.dispatcher.config;
    let key = your_key(app);
    Reference {
        chrome: Chrome::new(visitor, "docs", "API reference"),
        tab: "api",
        operations: app.operations.iter().map(|operation| entry(operation, &app.public_url, key)).collect(),
        errors: codes().into_iter().map(|f| ErrorEntry { status: f.status, code: f.code, hint: f.hint }).collect(),
        limits: Policy::ALL.map(|policy| (policy.name(), config.limits.of(policy).to_string())).into(),
        fee: Hundredths(i64::from(config.market.fee_basis_points)),
        terms: terms::current().text,
        windows: review_window::tiers(),
    }
}

fn entry(operation: &Operation, site: &str, key: &str) -> Entry {
    let schema = schema_of_input(operation);
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    Entry {
        name: operation.name,
        about: operation.about,
        places: operation.routes.iter().map(|(method, path)| format!("{} {path}", verb(*method))).collect(),
        access: access_in_words(operation.access).unwrap_or_else(|| "anybody, no credential".into()),
        limit: operation.limit.map_or("", Policy::name),
        idempotency: match operation.idempotency {
            Idempotency::Ignored => "",
            Idempotency::Honoured => "honoured",
            Idempotency::Required => "required",
        },
        fields: properties.iter().map(|(name, property)| field(name, property, required(name))).collect(),
        curl: curl(operation, site, key),
    }
}

fn field(name: &str, property: &Value, required: bool) -> Field {
    let kind = match &property["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect::<Vec<_>>().join(" or "),
        _ => "string".into(),
    };
    Field { name: name.to_owned(), kind, required, description: property["description"].as_str().unwrap_or_default().to_owned() }
}

/// As in a request line.
pub const fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// A line for a shell: capitals are to be replaced, everything else stands.
pub fn curl(operation: &Operation, site: &str, key: &str) -> String {
    let (method, path) = operation.routes[0];
    let path = path.replace('{', "").replace('}', "\u{0}");
    let path: String =
        path.split('/').map(|part| part.strip_suffix('\u{0}').map_or(part.to_owned(), str::to_uppercase)).collect::<Vec<_>>().join("/");
    let mut line = format!("curl -X {} '{site}{path}'", verb(method));
    if !matches!(operation.access, crate::base::operation::Access::Open | crate::base::operation::Access::Sandbox) {
        line.push_str(&format!(" \\\n  -H 'X-API-Key: {key}'"));
    }
    if let Some(example) = &operation.example {
        line.push_str(&format!(" \\\n  -d '{example}'"));
    }
    line
}

//! The tools, from the table of operations.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

use crate::base::operation::{Effect, Idempotency, Operation};
use crate::doors::docs::schema_of_output;
use crate::doors::mcp::schema;

/// An operation that is a tool.
pub struct Entry {
    /// What it calls.
    pub operation: Arc<Operation>,
    /// As a caller with a credential sees it.
    pub keyed: Tool,
    /// As a caller without one sees it: the key may be an argument.
    pub anonymous: Tool,
    /// The fields of its answer that were written by somebody else.
    pub untrusted: Vec<String>,
}

/// Every tool of an installation, in the order of the table.
pub struct Tools {
    entries: Vec<Entry>,
    places: HashMap<&'static str, usize>,
}

impl Tools {
    /// Every operation that says how it is called over MCP.
    pub fn of(operations: &[Arc<Operation>]) -> Self {
        let entries: Vec<Entry> = operations.iter().filter_map(entry).collect();
        let places = entries.iter().enumerate().map(|(place, entry)| (entry.operation.name, place)).collect();
        Self { entries, places }
    }

    /// The tool of this name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.places.get(name).map(|place| &self.entries[*place])
    }

    /// All of them.
    pub fn all(&self) -> &[Entry] {
        &self.entries
    }

    /// As a caller sees them.
    pub fn list(&self, anonymous: bool) -> Vec<Tool> {
        self.entries.iter().map(|entry| if anonymous { &entry.anonymous } else { &entry.keyed }.clone()).collect()
    }
}

fn entry(operation: &Arc<Operation>) -> Option<Entry> {
    let face = operation.tool?;
    let output = schema_of_output(operation);
    let untrusted = schema::untrusted(&output);
    let reads = operation.effect == Effect::Query;
    let hints = ToolAnnotations::from_raw(None, Some(reads), Some(face.destroys), Some(reads || face.idempotent), Some(face.reaches_out));
    let mut keyed = Tool::new(operation.name, face.description, Arc::new(input(operation)));
    keyed.title = Some(face.title.to_owned());
    keyed.description = Some(Cow::Borrowed(face.description));
    keyed.output_schema = Some(Arc::new(schema::of_output(&output)));
    keyed.annotations = Some(hints);
    let mut anonymous = keyed.clone();
    if !operation.access.is_open() {
        anonymous.input_schema = Arc::new(with_key_argument((*keyed.input_schema).clone()));
    }
    Some(Entry { operation: Arc::clone(operation), keyed, anonymous, untrusted })
}

fn input(operation: &Operation) -> Map<String, Value> {
    let mut input = schema::of_input(operation);
    if operation.idempotency != Idempotency::Ignored {
        let described = json!({
            "type": "string",
            "description": "Your id of this call; repeat it when you repeat the call.",
        });
        add(&mut input, "idempotency_key", described);
        if operation.idempotency == Idempotency::Required {
            let required = input.entry("required").or_insert_with(|| json!([]));
            if let Some(names) = required.as_array_mut() {
                names.push("idempotency_key".into());
            }
        }
    }
    input
}

fn with_key_argument(mut input: Map<String, Value>) -> Map<String, Value> {
    add(&mut input, "api_key", json!({ "type": "string", "description": "Your API key, if you cannot send X-API-Key." }));
    input
}

fn add(schema: &mut Map<String, Value>, name: &str, described: Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(name.to_owned(), described);
    }
}

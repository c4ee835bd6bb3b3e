//! The schemas of tools: those of the operations, without what costs a model tokens and tells it nothing.

use serde_json::{Map, Value, json};

use crate::base::operation::{Method, Operation};
use crate::doors::docs::schema_of_input;

/// What a tool takes.
pub fn of_input(operation: &Operation) -> Map<String, Value> {
    let mut schema = schema_of_input(operation);
    // In a change of fields null says something; elsewhere leaving out says the same.
    let null_matters = operation.routes[0].0 == Method::Patch;
    each(&mut schema, &mut |node| {
        node.shift_remove("title");
        if node.get("type") == Some(&json!("number")) {
            node.shift_remove("examples");
        }
        if node.get("format") == Some(&json!("uuid")) {
            node.shift_remove("format");
        }
        if node.contains_key("enum") {
            node.shift_remove("maxLength");
        }
        flatten_words(node);
        if !null_matters {
            drop_null(node);
        }
    });
    let Value::Object(mut object) = schema else { return Map::new() };
    // The type is known by its name; what the tool does stands in its description.
    object.shift_remove("description");
    object.entry("properties").or_insert_with(|| json!({}));
    object
}

/// What a tool answers: names and types. The list of tools is read anew in every conversation, so it says no more than that;
/// states, formats and what is always there stand in /openapi.json.
pub fn of_output(whole: &Value) -> Map<String, Value> {
    let mut schema = whole.clone();
    each(&mut schema, &mut |node| {
        flatten_words(node);
        for name in ["title", "description", "examples", "default", "required", "format", "enum", "x-untrusted"] {
            node.shift_remove(name);
        }
        join_objects(node);
    });
    let Value::Object(mut object) = schema else { return Map::new() };
    for field in object.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        // The rows of a list are what was asked for.
        let row = field.get_mut("items").and_then(|items| items.get_mut("properties")).and_then(Value::as_object_mut);
        match row {
            Some(fields) => fields.values_mut().for_each(forget_fields),
            None => forget_fields(field),
        }
    }
    object
}

/// An object inside of an answer is there; what it holds is seen when it comes.
fn forget_fields(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        object.shift_remove("properties");
    }
}

/// One of several objects becomes an object that may have the fields of each.
fn join_objects(node: &mut Map<String, Value>) {
    let Some(options) = node.get("anyOf").and_then(Value::as_array) else { return };
    if !options.iter().all(|option| option["properties"].is_object()) {
        return;
    }
    let fields: Map<String, Value> = options.iter().filter_map(|option| option["properties"].as_object().cloned()).flatten().collect();
    node.shift_remove("anyOf");
    node.insert("type".into(), "object".into());
    node.insert("properties".into(), fields.into());
}

/// The fields that hold what somebody else has written, as paths such as `items[].title`.
pub fn untrusted(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(schema, "", &mut found);
    found
}

fn walk(schema: &Value, path: &str, found: &mut Vec<String>) {
    if schema["x-untrusted"] == true && !found.iter().any(|known| known == path) {
        found.push(path.to_owned());
    }
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            walk(property, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, found);
        }
    }
    if schema["items"].is_object() {
        walk(&schema["items"], &format!("{path}[]"), found);
    }
    for name in ["anyOf", "oneOf", "allOf"] {
        schema[name].as_array().into_iter().flatten().for_each(|one| walk(one, path, found));
    }
}

/// Visits a schema and the schemas in it; names of properties are no keywords.
fn each(schema: &mut Value, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Some(object) = schema.as_object_mut() else { return };
    visit(object);
    for (name, value) in object.iter_mut() {
        match (name.as_str(), value) {
            ("properties" | "$defs", Value::Object(named)) => named.values_mut().for_each(|schema| each(schema, visit)),
            ("anyOf" | "oneOf" | "allOf", Value::Array(list)) => list.iter_mut().for_each(|schema| each(schema, visit)),
            ("items" | "additionalProperties", value) => each(value, visit),
            _ => {}
        }
    }
}

/// `oneOf` of constants with a description each becomes a plain list.
fn flatten_words(node: &mut Map<String, Value>) {
    for name in ["oneOf", "anyOf"] {
        let Some(options) = node.get(name).and_then(Value::as_array) else { continue };
        let words: Option<Vec<Value>> = options.iter().map(|option| option.get("const").cloned()).collect();
        let Some(words) = words else { continue };
        node.shift_remove(name);
        node.insert("type".into(), "string".into());
        node.insert("enum".into(), words.into());
    }
}

/// What may be left out need not be null too.
fn drop_null(node: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = node.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            node.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(options)) = node.get_mut("enum") {
        options.retain(|option| !option.is_null());
    }
    let Some(Value::Array(options)) = node.get_mut("anyOf") else { return };
    options.retain(|option| option["type"] != "null");
    if let [Value::Object(only)] = options.as_slice() {
        let only = only.clone();
        node.shift_remove("anyOf");
        for (name, value) in only {
            // What the field says of itself is closer than what its type says.
            node.entry(name).or_insert(value);
        }
        flatten_words(node);
    }
    if node.get("default").is_some_and(Value::is_null) {
        node.shift_remove("default");
    }
}

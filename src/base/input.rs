//! Reads the input of an operation from one JSON object, with an error that names the field.

use garde::Validate;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::base::error::{Refusal, Result};

/// Parses a body, whatever its content type says; an empty one is `{}`. Fails with `invalid_json` or `field_twice`.
pub fn parse(body: &[u8]) -> Result<Map<String, Value>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice::<Strict>(body) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        Ok(_) => Err(Refusal::InvalidJson { why: "it is not an object".into() }.into()),
        Err(error) => {
            let text = error.to_string();
            match text.strip_prefix(TWICE).and_then(|rest| rest.split_once('`')) {
                Some((field, _)) => Err(Refusal::FieldTwice { field: field.to_owned() }.into()),
                None => Err(Refusal::InvalidJson { why: text }.into()),
            }
        }
    }
}

/// Makes the input struct and checks it. Fails with `invalid_field` or `unknown_field`.
pub fn read<I: DeserializeOwned + Validate<Context = ()>>(value: Value) -> Result<I> {
    if let Some(field) = field_with_nul(&value, "") {
        return Err(Refusal::InvalidField { field, why: "a text may not hold the character NUL".into() }.into());
    }
    let input: I = serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let why = error.inner().to_string();
        match why.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
            Some((field, _)) => Refusal::UnknownField { field: field.to_owned() },
            None => match why.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
                Some((field, _)) => Refusal::InvalidField { field: field.to_owned(), why: "it is required".into() },
                None => Refusal::InvalidField { field: path, why },
            },
        }
    })?;
    input.validate().map_err(|report| match report.iter().next() {
        Some((path, error)) => Refusal::InvalidField { field: path.to_string(), why: error.to_string() },
        None => Refusal::InvalidField { field: ".".into(), why: report.to_string() },
    })?;
    Ok(input)
}

/// The same bytes for the same input, whatever the order of its fields: what idempotency compares.
pub fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<_> = object.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push(b'{');
            for (name, value) in fields {
                out.extend(Value::from(name.as_str()).to_string().as_bytes());
                out.push(b':');
                canonical(value, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for item in items {
                canonical(item, out);
                out.push(b',');
            }
            out.push(b']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => out.extend(value.to_string().as_bytes()),
    }
}

fn field_with_nul(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| path.to_owned()),
        Value::Array(items) => items.iter().find_map(|item| field_with_nul(item, path)),
        Value::Object(object) => object.iter().find_map(|(name, value)| field_with_nul(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

const TWICE: &str = "doubled field `";

/// JSON in which no object names a field twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StrictSeed.deserialize(deserializer).map(Strict)
    }
}

struct StrictSeed;

impl<'de> DeserializeSeed<'de> for StrictSeed {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictSeed {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(b.into())
    }
    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        Ok(n.into())
    }
    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(n.into())
    }
    fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
        Ok(n.into())
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(StrictSeed)? {
            list.push(item);
        }
        Ok(list.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("{TWICE}{name}`")));
            }
            object.insert(name, fields.next_value_seed(StrictSeed)?);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_one_object_is_refused() {
        for (body, code) in [
            ("{", "invalid_json"),
            ("[]", "invalid_json"),
            ("1", "invalid_json"),
            (r#"{"a":1,"a":2}"#, "field_twice"),
            (r#"{"a":"\ud800"}"#, "invalid_json"),
            (r#"{"a":1e999}"#, "invalid_json"),
        ] {
            assert_eq!(parse(body.as_bytes()).expect_err(body).code(), code, "{body}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse(format!(r#"{{"a":{deep}}}"#).as_bytes()).expect_err("too deep").code(), "invalid_json");
        assert!(parse(b"").expect("empty").is_empty());
        assert!(parse(b" \n").expect("blank").is_empty());
    }

    #[test]
    fn the_canonical_form_does_not_depend_on_the_order() {
        let forms: Vec<Vec<u8>> = [r#"{"a":1,"b":{"c":[1,2],"d":null}}"#, r#"{"b":{"d":null,"c":[1,2]},"a":1}"#]
            .iter()
            .map(|text| {
                let mut out = Vec::new();
                canonical(&serde_json::from_str(text).expect("json"), &mut out);
                out
            })
            .collect();
        assert_eq!(forms[0], forms[1]);
    }
}

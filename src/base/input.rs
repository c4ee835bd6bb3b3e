//! Reads the input of an operation from one JSON object, with an error that names the field.

use garde::Validate;
use serde::Deserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::base::error::{Refusal, Result};
use crate::base::numbers::{self, Numbers};

/// Parses a body, whatever its content type says; an empty one is `{}`. Every number arrives exactly.
///
/// # Errors
/// `invalid_json`, `field_twice`; `invalid_field` for a number that has more digits than are kept.
pub fn parse(body: &[u8]) -> Result<Map<String, Value>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match parse_any(body)? {
        Value::Object(object) => Ok(object),
        _ => Err(Refusal::InvalidJson { why: "it is not an object".into() }.into()),
    }
}

/// Parses JSON of any kind as strictly.
///
/// # Errors
/// As [`parse`].
pub fn parse_any(body: &[u8]) -> Result<Value> {
    let mut strict = Strict { numbers: Numbers::of(body), field: String::new(), refusal: None };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed = strict.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| strict.refusal.unwrap_or_else(|| Refusal::InvalidJson { why: error.to_string() }).into())
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

/// JSON in which no object names a field twice, and every number is the one that is written.
struct Strict<'b> {
    numbers: Numbers<'b>,
    /// Where the parser is.
    field: String,
    /// What is wrong, when it is more than the form.
    refusal: Option<Refusal>,
}

impl Strict<'_> {
    /// Ends the parsing. What the parser makes of it does not matter.
    fn refuse<E: Error>(&mut self, refusal: Refusal) -> E {
        self.refusal = Some(refusal);
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for &mut Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Strict<'_> {
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
        self.numbers.next();
        Ok(n.into())
    }
    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        self.numbers.next();
        Ok(n.into())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        self.numbers.next().and_then(numbers::exact).map(Value::from).ok_or_else(|| {
            let field = std::mem::take(&mut self.field);
            self.refuse(Refusal::InvalidField { field, why: "the number has more digits than can be taken exactly".into() })
        })
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(&mut *self)? {
            list.push(item);
        }
        Ok(list.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.refuse(Refusal::FieldTwice { field: name }));
            }
            self.field.clone_from(&name);
            object.insert(name, fields.next_value_seed(&mut *self)?);
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
            (r#"{"a":25.0000000000000001}"#, "invalid_field"),
            (r#"{"a":99999999999999999999}"#, "invalid_field"),
            (r#"{"a":1e-400}"#, "invalid_field"),
        ] {
            assert_eq!(parse(body.as_bytes()).expect_err(body).code(), code, "{body}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse(format!(r#"{{"a":{deep}}}"#).as_bytes()).expect_err("too deep").code(), "invalid_json");
        assert!(parse(b"").expect("empty").is_empty());
        assert!(parse(b" \n").expect("blank").is_empty());
    }

    #[test]
    fn a_number_arrives_as_it_is_written_or_is_refused_by_name() {
        let body = r#"{"a":1e-7,"b":[0.1,-0,"1.0000000000000000001"],"c":{"d":18446744073709551615,"e":-9223372036854775808}}"#;
        let parsed = Value::Object(parse(body.as_bytes()).expect("exact"));
        assert_eq!(
            parsed.to_string(),
            r#"{"a":1e-7,"b":[0.1,-0.0,"1.0000000000000000001"],"c":{"d":18446744073709551615,"e":-9223372036854775808}}"#
        );
        for (body, field) in
            [(r#"{"a":1,"b":[2,0.1,25.0000000000000001]}"#, "b"), (r#"{"a":{"c":"-7.5","d":99999999999999999999},"e":1}"#, "d")]
        {
            let error = parse(body.as_bytes()).expect_err(body).to_string();
            assert!(error.contains(&format!("`{field}`")), "{error}");
        }
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

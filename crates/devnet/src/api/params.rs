//! What a request asks: the fields of a JSON body, or of the query.

use serde_json::{Map, Value};

use crate::text::{Address, as_address, base58, hex, unbase58, unhex};

/// A mistake of the caller, as java-tron reports it: HTTP 200 and `{"Error": "class … : …"}` (`Util.printErrorMsg`).
#[derive(Debug)]
pub(crate) struct Mistake(pub(crate) String);

impl Mistake {
    pub(crate) fn illegal(what: impl AsRef<str>) -> Self {
        Self(format!("class java.lang.IllegalArgumentException : {}", what.as_ref()))
    }
}

/// The fields, and whether addresses are written for people (`visible`).
pub(crate) struct Params {
    fields: Map<String, Value>,
    pub(crate) visible: bool,
}

impl Params {
    /// A body wins over a query. An empty body is `{}`.
    pub(crate) fn read(query: &str, body: &[u8]) -> Result<Self, Mistake> {
        let fields = if body.trim_ascii().is_empty() {
            query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decode(name), decode(value).into())).collect()
        } else {
            match serde_json::from_slice(body) {
                Ok(Value::Object(fields)) => fields,
                Ok(_) => return Err(Mistake::illegal("the body is no JSON object")),
                Err(error) => return Err(Mistake(format!("class com.alibaba.fastjson.JSONException : {error}"))),
            }
        };
        let visible = fields.get("visible").is_some_and(|value| value == true || value == "true");
        Ok(Self { fields, visible })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, Mistake> {
        self.get(name).and_then(Value::as_str).ok_or_else(|| Mistake::illegal(format!("{name} isn't set.")))
    }

    /// A number, or its digits as a text.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        let value = self.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value == true || value == "true")
    }

    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, Mistake> {
        let text = self.text(name)?;
        unhex(text.strip_prefix("0x").unwrap_or(text)).ok_or_else(|| Mistake::illegal(format!("{name} is not hexadecimal")))
    }

    pub(crate) fn address(&self, name: &str) -> Result<Address, Mistake> {
        address(self.text(name)?, self.visible).ok_or_else(|| Mistake::illegal(format!("INVALID {name}")))
    }

    /// As it goes out, in the caller's spelling.
    pub(crate) fn show(&self, address: &Address) -> String {
        show(address, self.visible)
    }
}

pub(crate) fn address(text: &str, visible: bool) -> Option<Address> {
    if visible { unbase58(text) } else { as_address(&unhex(text)?) }
}

pub(crate) fn show(address: &Address, visible: bool) -> String {
    if visible { base58(address) } else { hex(address) }
}

/// Percent signs and plus signs of a query.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.first_chunk::<2>().filter(|_| *first == b'%').and_then(|pair| unhex(std::str::from_utf8(pair).ok()?));
        rest = if escaped.is_some() { &after[2..] } else { after };
        match escaped {
            Some(byte) => bytes.extend(byte),
            None => bytes.push(if *first == b'+' { b' ' } else { *first }),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Params;

    #[test]
    fn a_query_and_a_body_ask_the_same() {
        for (query, body) in [("num=7&visible=true&a=%41+b", ""), ("num=8", r#"{"num":"7","visible":true,"a":"A b"}"#)] {
            let params = Params::read(query, body.as_bytes()).unwrap_or_else(|mistake| panic!("{}", mistake.0));
            assert_eq!((params.number("num"), params.visible, params.text("a").ok()), (Some(7), true, Some("A b")));
        }
        assert!(Params::read("", b"[1]").is_err() && Params::read("", b"{").is_err());
    }
}

//! Numbers with two decimals that are no money: ratings and rates.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use store::{Cell, Field, Kind, Mismatch, Value};

use crate::base::money::Usdt;

const MICRO: i64 = 10_000;

/// A number of hundredths: 450 is 4.5. On the wire a JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hundredths(pub i64);

impl Hundredths {
    /// `part` of `whole`, rounded down; nothing of nothing.
    pub fn ratio(part: i64, whole: i64) -> Option<Self> {
        part.checked_mul(100)?.checked_div(whole).map(Self)
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Usdt::from_micro(self.0.saturating_mul(MICRO)).fmt(f)
    }
}

impl Serialize for Hundredths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The exact decimals of amounts serve here, too.
        Usdt::from_micro(self.0.saturating_mul(MICRO)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hundredths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let micro = Usdt::deserialize(deserializer).map_err(|_| de::Error::custom("expected a number such as 4.5"))?.micro();
        if micro % MICRO == 0 { Ok(Self(micro / MICRO)) } else { Err(de::Error::custom("at most 2 decimals")) }
    }
}

impl JsonSchema for Hundredths {
    fn schema_name() -> Cow<'static, str> {
        "Hundredths".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "description": "At most 2 decimals", "examples": [4.5] })
    }
}

impl Field for Hundredths {
    const KIND: Kind = Kind::Int;
    fn store(&self) -> Value<'_> {
        Value::Int(self.0)
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        i64::load(cell).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_are_written_and_read_as_decimals() {
        assert_eq!(serde_json::to_string(&Hundredths(450)).expect("a number"), "4.5");
        assert_eq!(serde_json::from_str::<Hundredths>("4.75").expect("two decimals"), Hundredths(475));
        assert!(serde_json::from_str::<Hundredths>("4.755").is_err());
        assert_eq!(Hundredths::ratio(1, 3), Some(Hundredths(33)));
        assert_eq!(Hundredths::ratio(1, 0), None);
    }
}

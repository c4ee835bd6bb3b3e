//! An address on the TRON network: base58 in JSON and for people, 21 bytes in the database.

use std::borrow::Cow;
use std::fmt;

use ::store::{Cell, Field, Kind, Mismatch, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An address on the TRON network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub tron::Address);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        tron::Address::parse_base58(&text).map(Self).map_err(|error| de::Error::custom(format!("not a TRON address: {error}")))
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A TRON address, base58", "minLength": 34, "maxLength": 34 })
    }
}

impl Field for Address {
    const KIND: Kind = Kind::Bytes;
    fn store(&self) -> Value<'_> {
        Value::Bytes(Cow::Owned(self.0.to_bytes().to_vec()))
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        let wrong = || Mismatch { wanted: "an address of 21 bytes" };
        tron::Address::from_bytes(&<[u8; 21]>::load(cell)?).map(Self).map_err(|_| wrong())
    }
}

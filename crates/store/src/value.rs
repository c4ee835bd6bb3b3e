//! The five kinds of values that both engines keep alike, and how Rust types become them.
//!
//! Whole numbers are 64-bit signed, instants are numbers of milliseconds, ids are UUIDs (16 bytes in SQLite, `uuid`
//! in PostgreSQL). There is no float and no engine-specific date, so both engines hold the same bits.

use std::borrow::Cow;

use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

/// What a column or a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit signed integer.
    Int,
    /// Truth value (0 or 1 in SQLite).
    Bool,
    /// UTF-8 text without NUL.
    Text,
    /// Any bytes.
    Bytes,
    /// A UUID.
    Uuid,
}

impl Kind {
    pub(crate) fn postgres(self) -> Type {
        match self {
            Self::Int => Type::INT8,
            Self::Bool => Type::BOOL,
            Self::Text => Type::TEXT,
            Self::Bytes => Type::BYTEA,
            Self::Uuid => Type::UUID,
        }
    }
}

/// A value on its way into a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// SQL null.
    Null,
    /// See [`Kind::Int`].
    Int(i64),
    /// See [`Kind::Bool`].
    Bool(bool),
    /// See [`Kind::Text`].
    Text(Cow<'a, str>),
    /// See [`Kind::Bytes`].
    Bytes(Cow<'a, [u8]>),
    /// See [`Kind::Uuid`].
    Uuid(Uuid),
}

impl Value<'_> {
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Int(n) => Value::Int(n),
            Value::Bool(b) => Value::Bool(b),
            Value::Text(t) => Value::Text(Cow::Owned(t.into_owned())),
            Value::Bytes(b) => Value::Bytes(Cow::Owned(b.into_owned())),
            Value::Uuid(u) => Value::Uuid(u),
        }
    }
}

impl rusqlite::types::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(n) => ValueRef::Integer(*n),
            Value::Bool(b) => ValueRef::Integer(i64::from(*b)),
            Value::Text(t) => ValueRef::Text(t.as_bytes()),
            Value::Bytes(b) => ValueRef::Blob(b),
            Value::Uuid(u) => ValueRef::Blob(u.as_bytes()),
        }))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(n) => ToSql::to_sql(n, ty, out),
            Value::Bool(b) => ToSql::to_sql(b, ty, out),
            Value::Text(t) => ToSql::to_sql(&t.as_ref(), ty, out),
            Value::Bytes(b) => ToSql::to_sql(&b.as_ref(), ty, out),
            Value::Uuid(u) => ToSql::to_sql(u, ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::BOOL | Type::TEXT | Type::BYTEA | Type::UUID)
    }

    to_sql_checked!();
}

/// A value as an engine returned it.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// SQL null.
    Null,
    /// A whole number.
    Int(i64),
    /// A PostgreSQL boolean (SQLite answers [`Cell::Int`]).
    Bool(bool),
    /// Text.
    Text(&'a str),
    /// Bytes (in SQLite also a UUID).
    Bytes(&'a [u8]),
    /// A PostgreSQL UUID.
    Uuid(Uuid),
}

impl<'a> Cell<'a> {
    pub(crate) fn from_lite(value: ValueRef<'a>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Null => Ok(Cell::Null),
            ValueRef::Integer(n) => Ok(Cell::Int(n)),
            ValueRef::Real(_) => Err(Mismatch { wanted: "a value without fractions" }),
            ValueRef::Text(t) => std::str::from_utf8(t).map(Cell::Text).map_err(|_| Mismatch { wanted: "UTF-8 text" }),
            ValueRef::Blob(b) => Ok(Cell::Bytes(b)),
        }
    }

    pub(crate) fn from_postgres(kind: &Type, raw: &'a [u8]) -> Result<Self, Mismatch> {
        if !Self::accepts(kind) {
            return Err(Mismatch { wanted: "one of the five kinds of values" });
        }
        Self::from_sql(kind, raw).map_err(|_| Mismatch { wanted: "bytes of its own type" })
    }
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *ty {
            Type::INT8 => Cell::Int(i64::from_sql(ty, raw)?),
            Type::BOOL => Cell::Bool(bool::from_sql(ty, raw)?),
            Type::BYTEA => Cell::Bytes(raw),
            Type::UUID => Cell::Uuid(Uuid::from_sql(ty, raw)?),
            _ => Cell::Text(std::str::from_utf8(raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Cell::Null)
    }

    fn accepts(ty: &Type) -> bool {
        <Value<'_> as ToSql>::accepts(ty)
    }
}

/// A stored value does not have the type that the code expects.
#[derive(Debug, thiserror::Error)]
#[error("expected {wanted}")]
pub struct Mismatch {
    /// What the code wanted to read.
    pub wanted: &'static str,
}

/// A Rust type that a column can hold.
pub trait Field: Sized {
    /// The kind of the column.
    const KIND: Kind;
    /// Whether the column may be null.
    const NULLABLE: bool = false;
    /// The value to store.
    fn store(&self) -> Value<'_>;
    /// The stored value, read back.
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch>;
}

impl Field for i64 {
    const KIND: Kind = Kind::Int;
    fn store(&self) -> Value<'_> {
        Value::Int(*self)
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Int(n) => Ok(n),
            _ => Err(Mismatch { wanted: "a whole number" }),
        }
    }
}

impl Field for bool {
    const KIND: Kind = Kind::Bool;
    fn store(&self) -> Value<'_> {
        Value::Bool(*self)
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Bool(b) => Ok(b),
            Cell::Int(0) => Ok(false),
            Cell::Int(1) => Ok(true),
            _ => Err(Mismatch { wanted: "true or false" }),
        }
    }
}

impl Field for String {
    const KIND: Kind = Kind::Text;
    fn store(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Text(t) => Ok(t.to_owned()),
            _ => Err(Mismatch { wanted: "text" }),
        }
    }
}

impl Field for Vec<u8> {
    const KIND: Kind = Kind::Bytes;
    fn store(&self) -> Value<'_> {
        Value::Bytes(Cow::Borrowed(self))
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Bytes(b) => Ok(b.to_vec()),
            _ => Err(Mismatch { wanted: "bytes" }),
        }
    }
}

impl<const N: usize> Field for [u8; N] {
    const KIND: Kind = Kind::Bytes;
    fn store(&self) -> Value<'_> {
        Value::Bytes(Cow::Borrowed(self))
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Bytes(b) => b.try_into().map_err(|_| Mismatch { wanted: "bytes of a fixed length" }),
            _ => Err(Mismatch { wanted: "bytes" }),
        }
    }
}

impl Field for Uuid {
    const KIND: Kind = Kind::Uuid;
    fn store(&self) -> Value<'_> {
        Value::Uuid(*self)
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Uuid(u) => Ok(u),
            Cell::Bytes(b) => Self::from_slice(b).map_err(|_| Mismatch { wanted: "an id of 16 bytes" }),
            _ => Err(Mismatch { wanted: "an id" }),
        }
    }
}

impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;
    fn store(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Field::store)
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Null => Ok(None),
            other => T::load(other).map(Some),
        }
    }
}

/// Something that may be handed in where a statement wants a `T`: a `T`, or a borrowed form of it.
pub trait Bind<T> {
    /// The value to store.
    fn bind(&self) -> Value<'_>;
}

impl<T: Field> Bind<T> for T {
    fn bind(&self) -> Value<'_> {
        self.store()
    }
}

impl<T: Field> Bind<T> for &T {
    fn bind(&self) -> Value<'_> {
        (*self).store()
    }
}

impl Bind<String> for &str {
    fn bind(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl Bind<Option<String>> for Option<&str> {
    fn bind(&self) -> Value<'_> {
        self.map_or(Value::Null, |t| Value::Text(Cow::Borrowed(t)))
    }
}

impl Bind<Vec<u8>> for &[u8] {
    fn bind(&self) -> Value<'_> {
        Value::Bytes(Cow::Borrowed(self))
    }
}

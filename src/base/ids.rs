//! Ids are version 7 UUIDs: they sort by the time they were made. Each kind of thing has its own type.

/// Declares an id type.
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        #[schemars(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ::store::Field for $name {
            const KIND: ::store::Kind = ::store::Kind::Uuid;
            fn store(&self) -> ::store::Value<'_> {
                ::store::Value::Uuid(self.0)
            }
            fn load(cell: ::store::Cell<'_>) -> Result<Self, ::store::Mismatch> {
                <uuid::Uuid as ::store::Field>::load(cell).map(Self)
            }
        }
    };
}

id! {
    /// A person or a bot.
    UserId
}

id! {
    /// An API key (not the key itself).
    KeyId
}

id! {
    /// A sign-in that has not ended.
    SessionId
}

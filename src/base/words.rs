//! Enums that are one word in the database and on the wire.

/// Declares such an enum: `name()`, `ALL`, a column, JSON, a schema.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        $vis enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),* }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl ::store::Field for $name {
            const KIND: ::store::Kind = ::store::Kind::Text;
            fn store(&self) -> ::store::Value<'_> {
                ::store::Value::Text(self.name().into())
            }
            fn load(cell: ::store::Cell<'_>) -> Result<Self, ::store::Mismatch> {
                let word = <String as ::store::Field>::load(cell)?;
                Self::ALL.iter().copied().find(|one| one.name() == word).ok_or(::store::Mismatch { wanted: stringify!($name) })
            }
        }
    };
}

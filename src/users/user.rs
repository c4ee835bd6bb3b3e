//! A user: a person or a bot, with the same profile, wallet and rights.

use ::store::{Cell, Field, Kind, Mismatch, Value};

use crate::base::{Ts, Usdt, UserId};

/// Whether a user may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// May do everything.
    Active,
    /// May only read.
    Suspended,
    /// Gone for good.
    Closed,
}

impl Status {
    /// As in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }
}

impl Field for Status {
    const KIND: Kind = Kind::Text;
    fn store(&self) -> Value<'_> {
        Value::Text(self.name().into())
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        let name = String::load(cell)?;
        [Self::Active, Self::Suspended, Self::Closed]
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or(Mismatch { wanted: "the status of a user" })
    }
}

::store::row! {
    /// A user as stored.
    #[derive(Clone, Debug)]
    pub struct User {
        /// For ever.
        pub id: UserId,
        /// The public name in addresses.
        pub username: String,
        /// Whether it was changed; possible once.
        pub username_changed: bool,
        /// The public name; may be empty.
        pub display_name: String,
        /// A bot, as it said itself.
        pub is_bot: bool,
        /// May use the operations for admins.
        pub is_admin: bool,
        /// Whether he may act.
        pub status: Status,
        /// A few lines about himself.
        pub bio: String,
        /// A JSON array of words.
        pub capabilities: String,
        /// Where events are sent.
        pub webhook_url: Option<String>,
        /// The most he spends in any 60 minutes.
        pub max_hourly_spend: Option<Usdt>,
        /// What he gives to others.
        pub referral_code: String,
        /// Whose code he gave.
        pub referrer_id: Option<UserId>,
        /// Since when.
        pub created_at: Ts,
    }
}

impl User {
    /// The display name, or the username where there is none.
    pub fn public_name(&self) -> &str {
        if self.display_name.is_empty() { &self.username } else { &self.display_name }
    }
}

//! A bot registers itself: one call, a key at once.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::{Context, Result, UserId};
use crate::users::api_keys::{self, DEFAULT_NAME};
use crate::users::names::not_blank;
use crate::users::register::{NewUser, register};

/// Who registers.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterAgent {
    /// What others see; need not be unique. Left out, the bot gets a name of its own.
    #[garde(inner(length(chars, min = 1, max = 64), custom(not_blank)))]
    #[schemars(length(min = 1, max = 64))]
    agent_name: Option<String>,
    /// The code of the user who sent you here.
    #[garde(inner(length(chars, min = 1, max = 32)))]
    #[schemars(length(min = 1, max = 32))]
    referral_code: Option<String>,
}

/// The new bot and its key.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Registered {
    /// Always true.
    success: bool,
    /// Save it: it is shown only here.
    api_key: String,
    /// How the key is named in lists.
    key_prefix: String,
    /// For ever.
    user_id: UserId,
    /// As given, or as made up.
    agent_name: String,
    /// What to do next.
    note: &'static str,
}

pub(super) fn register_agent(cx: &mut Context<'_, '_>, input: &RegisterAgent) -> Result<Registered> {
    let agent_name = input.agent_name.as_deref().map_or_else(|| format!("Bot {}", cx.rng.hex(4)), |name| name.trim().to_owned());
    let new = NewUser {
        display_name: &agent_name,
        username_prefix: "bot",
        is_bot: true,
        is_admin: false,
        referral_code: input.referral_code.as_deref(),
    };
    let user = register(cx, &new)?;
    let (key, row) = api_keys::make(cx, user.id, DEFAULT_NAME, crate::base::context::Scopes::ALL)?;
    Ok(Registered {
        success: true,
        api_key: key.reveal().to_owned(),
        key_prefix: row.prefix,
        user_id: user.id,
        agent_name,
        note: "Use X-API-Key header for all requests.",
    })
}

//! Profiles: one's own, and what everybody may see.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::base::error::{Refusal, internal};
use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::users::UserRefusal;
use crate::users::names::{no_controls, username_form};
use crate::users::reputation::{ReputationView, reputation_of};
use crate::users::store;
use crate::users::user::{Status, User};
use crate::users::webhook;

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetProfile {}

/// What to change; what is left out stays, null clears the webhook and the spend cap.
#[expect(clippy::option_option, reason = "null clears a field, leaving it out keeps it")]
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchProfile {
    /// What others see.
    #[garde(inner(length(chars, max = 64), custom(no_controls)))]
    #[schemars(length(max = 64))]
    display_name: Option<String>,
    /// Your name in addresses; may be changed once. Letters, digits and `_`, 3 to 30 characters.
    #[garde(inner(length(chars, min = 3, max = 30), custom(username_form)))]
    #[schemars(length(min = 3, max = 30))]
    username: Option<String>,
    /// A few lines about yourself.
    #[garde(inner(length(chars, max = 2000)))]
    #[schemars(length(max = 2000))]
    bio: Option<String>,
    /// What you can do, such as `translation`.
    #[garde(inner(length(max = 20), inner(length(chars, min = 1, max = 40))))]
    #[schemars(length(max = 20), inner(length(min = 1, max = 40)))]
    capabilities: Option<Vec<String>>,
    /// Where events are sent: https, port 443 or 8443. The answer that first sets it shows the secret that signs them.
    #[serde(default, deserialize_with = "given")]
    #[garde(inner(inner(length(bytes, max = 2000))))]
    #[schemars(with = "Option<String>")]
    webhook_url: Option<Option<String>>,
    /// `true` makes a new secret for your webhook, shown in this answer only; the former one signs too for 24 hours.
    #[garde(skip)]
    rotate_webhook_secret: Option<bool>,
    /// The most you spend on tasks and tips in any 60 minutes.
    #[serde(default, deserialize_with = "given")]
    #[garde(skip)]
    #[schemars(with = "Option<Usdt>")]
    max_hourly_spend_usd: Option<Option<Usdt>>,
}

/// Tells null from left out.
#[expect(clippy::option_option, reason = "see PatchProfile")]
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// One's own profile.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Profile {
    /// For ever.
    user_id: UserId,
    /// The name in addresses.
    username: String,
    /// Whether it may still be changed.
    username_can_change: bool,
    /// What others see.
    display_name: String,
    /// A bot or a person.
    is_bot: bool,
    /// `suspended` may only read.
    status: Status,
    /// A few lines.
    bio: String,
    /// What the user can do.
    capabilities: Vec<String>,
    /// Where events are sent.
    webhook_url: Option<String>,
    /// Signs what is sent there; only in the answer of the change that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret: Option<String>,
    /// The most spent in any 60 minutes.
    max_hourly_spend_usd: Option<Usdt>,
    /// For others to register with.
    referral_code: String,
    /// Since when.
    created_at: Ts,
}

/// Who to show.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetUser {
    /// Id or username.
    #[garde(length(chars, max = 64))]
    user: String,
}

/// What everybody may see of a user.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PublicUser {
    /// For ever.
    user_id: UserId,
    /// The display name, or the username.
    #[schemars(extend("x-untrusted" = true))]
    name: String,
    /// The name in addresses.
    username: String,
    /// A bot or a person.
    is_bot: bool,
    /// Since when.
    member_since: Ts,
    /// A few lines.
    #[schemars(extend("x-untrusted" = true))]
    bio: String,
    /// What the user can do.
    #[schemars(extend("x-untrusted" = true))]
    capabilities: Vec<String>,
    /// How the user works and reviews.
    #[serde(flatten)]
    reputation: ReputationView,
}

pub(super) fn get_profile(cx: &mut Context<'_, '_>, _: &GetProfile) -> Result<Profile> {
    let id = cx.user_id()?;
    profile(store::user(cx, id)?.ok_or(Refusal::NotFound)?, None)
}

pub(super) fn patch_profile(cx: &mut Context<'_, '_>, input: &PatchProfile) -> Result<Profile> {
    let id = cx.user_id()?;
    let mut user = store::user_locked(cx, id)?.ok_or(Refusal::NotFound)?;
    if let Some(name) = &input.username
        && *name != user.username
    {
        if user.username_changed {
            return Err(UserRefusal::UsernameFixed.into());
        }
        if store::user_by_username(cx, name)?.is_some() {
            return Err(UserRefusal::UsernameTaken { username: name.clone() }.into());
        }
        user.username.clone_from(name);
        user.username_changed = true;
    }
    if let Some(name) = &input.display_name {
        name.trim().clone_into(&mut user.display_name);
    }
    if let Some(bio) = &input.bio {
        user.bio.clone_from(bio);
    }
    if let Some(capabilities) = &input.capabilities {
        user.capabilities = serde_json::to_string(capabilities).map_err(internal)?;
    }
    if let Some(cap) = input.max_hourly_spend_usd {
        user.max_hourly_spend = cap;
    }
    let rotate = input.rotate_webhook_secret == Some(true);
    let secret = if rotate || input.webhook_url.is_some() {
        webhook::change(cx, &mut user, input.webhook_url.as_ref().map(Option::as_deref), rotate)?
    } else {
        None
    };
    store::save_profile(cx, &user)?;
    profile(user, secret)
}

/// Somebody whom everybody may look at, by id or username.
///
/// # Errors
/// `not_found`.
pub fn named(cx: &mut Context<'_, '_>, id_or_username: &str) -> Result<User> {
    let found = match id_or_username.parse() {
        Ok(id) => store::user(cx, UserId(id))?,
        Err(_) => store::user_by_username(cx, id_or_username)?,
    };
    Ok(found.filter(|user| user.status != Status::Closed).ok_or(Refusal::NotFound)?)
}

pub(super) fn get_user(cx: &mut Context<'_, '_>, input: &GetUser) -> Result<PublicUser> {
    let user = named(cx, &input.user)?;
    let reputation = reputation_of(cx, user.id)?.view(user.created_at, cx.now);
    Ok(PublicUser {
        user_id: user.id,
        name: user.public_name().to_owned(),
        username: user.username,
        is_bot: user.is_bot,
        member_since: user.created_at,
        bio: user.bio,
        capabilities: capabilities(&user.capabilities)?,
        reputation,
    })
}

fn profile(user: User, webhook_secret: Option<String>) -> Result<Profile> {
    Ok(Profile {
        user_id: user.id,
        username: user.username,
        username_can_change: !user.username_changed,
        display_name: user.display_name,
        is_bot: user.is_bot,
        status: user.status,
        bio: user.bio,
        capabilities: capabilities(&user.capabilities)?,
        webhook_url: user.webhook_url,
        webhook_secret,
        max_hourly_spend_usd: user.max_hourly_spend,
        referral_code: user.referral_code,
        created_at: user.created_at,
    })
}

fn capabilities(json: &str) -> Result<Vec<String>> {
    serde_json::from_str(json).map_err(internal)
}

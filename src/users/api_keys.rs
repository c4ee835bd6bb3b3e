//! A user's API keys: list, create, rotate, revoke.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::context::{Scope, Scopes};
use crate::base::error::Refusal;
use crate::base::ids::KeyId;
use crate::base::{Context, Result, Span, Ts, UserId};
use crate::users::UserRefusal;
use crate::users::api_key::ApiKey;
use crate::users::credentials::KeyRow;
use crate::users::names::not_blank;
use crate::users::{second_factor, store};

pub(super) const DEFAULT_NAME: &str = "default";
const OVERLAP: Span = Span::hours(24);

/// A key as its owner sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyView {
    /// For rotate and revoke.
    key_id: KeyId,
    /// The first 12 characters.
    key_prefix: String,
    /// As given.
    name: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// When it was made.
    created_at: Ts,
    /// To the minute.
    last_used_at: Option<Ts>,
    /// Set by a rotation.
    expires_at: Option<Ts>,
    /// Set by a revocation.
    revoked_at: Option<Ts>,
}

impl From<KeyRow> for KeyView {
    fn from(row: KeyRow) -> Self {
        Self {
            key_id: row.id,
            key_prefix: row.prefix,
            name: row.name,
            scopes: row.scopes.list(),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListKeys {}

/// The keys, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyList {
    /// Revoked ones too.
    items: Vec<KeyView>,
}

/// The key to make.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// How you will know it again.
    #[garde(inner(length(chars, min = 1, max = 64), custom(not_blank)))]
    #[schemars(length(min = 1, max = 64))]
    name: Option<String>,
    /// What it may do; all four when left out.
    #[garde(inner(length(min = 1, max = 4)))]
    scopes: Option<Vec<Scope>>,
}

/// Which key.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhichKey {
    /// From the list of keys.
    #[garde(skip)]
    key_id: KeyId,
}

/// A new key: the only answer that shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CreatedKey {
    /// For rotate and revoke.
    key_id: KeyId,
    /// Save it: it is shown only here.
    api_key: String,
    /// How the key is named in lists.
    key_prefix: String,
    /// As given.
    name: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// When it was made.
    created_at: Ts,
    /// Until when the key that it replaces works.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_key_expires_at: Option<Ts>,
}

/// A key that works no more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RevokedKey {
    /// Which.
    key_id: KeyId,
    /// Since when.
    revoked_at: Ts,
}

pub(super) fn list_keys(cx: &mut Context<'_, '_>, _: &ListKeys) -> Result<KeyList> {
    let user = cx.user_id()?;
    Ok(KeyList { items: store::keys_of(cx, user)?.into_iter().map(KeyView::from).collect() })
}

pub(super) fn create_key(cx: &mut Context<'_, '_>, input: &CreateKey) -> Result<CreatedKey> {
    let user = cx.user_id()?;
    second_factor::before_a_key(cx)?;
    let scopes = input.scopes.as_deref().map_or(Scopes::ALL, Scopes::of);
    let most = cx.config.auth.api_keys_max;
    if store::keys_that_stay(cx, user)? >= i64::from(most) {
        return Err(UserRefusal::TooManyKeys { most }.into());
    }
    let (key, row) = make(cx, user, input.name.as_deref().map_or(DEFAULT_NAME, str::trim), scopes)?;
    Ok(created(&key, row, None))
}

pub(super) fn rotate_key(cx: &mut Context<'_, '_>, input: &WhichKey) -> Result<CreatedKey> {
    let user = cx.user_id()?;
    second_factor::before_a_key(cx)?;
    let old = store::key_of(cx, input.key_id, user)?.ok_or(Refusal::NotFound)?;
    if !old.stays() {
        return Err(if old.works_at(cx.now) { UserRefusal::KeyRotated } else { UserRefusal::KeyRevoked }.into());
    }
    // Rotated keys work for a day more, so there may be twice as many.
    let most = cx.config.auth.api_keys_max.saturating_mul(2);
    if store::keys_that_work(cx, user)? >= i64::from(most) {
        return Err(UserRefusal::TooManyKeys { most }.into());
    }
    let (key, row) = make(cx, user, &old.name, old.scopes)?;
    let until = cx.now.plus(OVERLAP);
    store::expire_key(cx, old.id, until)?;
    Ok(created(&key, row, Some(until)))
}

pub(super) fn revoke_key(cx: &mut Context<'_, '_>, input: &WhichKey) -> Result<RevokedKey> {
    let user = cx.user_id()?;
    let key = store::key_of(cx, input.key_id, user)?.ok_or(Refusal::NotFound)?;
    let revoked_at = key.revoked_at.unwrap_or(cx.now);
    if key.revoked_at.is_none() {
        store::revoke_key(cx, key.id, revoked_at)?;
    }
    Ok(RevokedKey { key_id: key.id, revoked_at })
}

/// Makes a key for `user`.
pub(super) fn make(cx: &mut Context<'_, '_>, user: UserId, name: &str, scopes: Scopes) -> Result<(ApiKey, KeyRow)> {
    let id = KeyId(cx.new_ordered_id());
    let key = ApiKey::generate(&mut cx.rng, cx.config.installation.network);
    let row = KeyRow {
        id,
        prefix: key.prefix().to_owned(),
        name: name.to_owned(),
        scopes,
        created_at: cx.now,
        last_used_at: None,
        expires_at: None,
        revoked_at: None,
    };
    store::insert_key(cx, &row, user, key.hash())?;
    Ok((key, row))
}

/// Job: writes down when keys were used, at most once a minute each.
pub fn save_last_uses(cx: &mut Context<'_, '_>, uses: &[(KeyId, Ts)]) -> Result<()> {
    uses.iter().try_for_each(|(key, at)| store::touch_key(cx, *key, *at))
}

fn created(key: &ApiKey, row: KeyRow, old_key_expires_at: Option<Ts>) -> CreatedKey {
    CreatedKey {
        key_id: row.id,
        api_key: key.reveal().to_owned(),
        key_prefix: row.prefix,
        name: row.name,
        scopes: row.scopes.list(),
        created_at: row.created_at,
        old_key_expires_at,
    }
}

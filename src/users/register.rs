//! How a user begins: names, referral code, wallet.

use uuid::Uuid;

use crate::base::{Context, Result, UserId};
use crate::ledger;
use crate::users::UserRefusal;
use crate::users::referral_code;
use crate::users::store;
use crate::users::user::{Status, User};

/// What differs between a bot, a person and an admin.
pub(super) struct NewUser<'a> {
    pub(super) display_name: &'a str,
    pub(super) username_prefix: &'static str,
    pub(super) is_bot: bool,
    pub(super) is_admin: bool,
    pub(super) referral_code: Option<&'a str>,
}

/// Makes a user with a wallet of nothing. Fails with `unknown_referral_code`.
pub(super) fn register(cx: &mut Context<'_, '_>, new: &NewUser<'_>) -> Result<User> {
    let referrer_id = match new.referral_code {
        Some(code) => {
            Some(store::id_by_referral_code(cx, code)?.ok_or_else(|| UserRefusal::UnknownReferralCode { code: code.to_owned() })?)
        }
        None => None,
    };
    let username = free_username(cx, new.username_prefix)?;
    let id: Uuid = cx.new_ordered_id();
    let user = User {
        id: UserId(id),
        username,
        username_changed: false,
        display_name: new.display_name.to_owned(),
        is_bot: new.is_bot,
        is_admin: new.is_admin,
        status: Status::Active,
        bio: String::new(),
        capabilities: "[]".into(),
        webhook_url: None,
        max_hourly_spend: None,
        referral_code: cx.rng.base62(referral_code::LENGTH),
        referrer_id,
        created_at: cx.now,
    };
    store::insert_user(cx, &user)?;
    ledger::open_user_account(cx, user.id)?;
    Ok(user)
}

/// `bot_7f3a9c`; longer when chance has met a taken one.
fn free_username(cx: &mut Context<'_, '_>, prefix: &str) -> Result<String> {
    let mut digits = 6;
    loop {
        let username = format!("{prefix}_{}", cx.rng.hex(digits));
        if store::user_by_username(cx, &username)?.is_none() {
            return Ok(username);
        }
        digits += 2;
    }
}

//! Tokens that go out in mails: good once, for one purpose, for a while. Only their SHA-256 is stored.

use sha2::{Digest as _, Sha256};

use crate::base::{Context, Result, Span, UserId};
use crate::users::people::store;

const LENGTH: usize = 32;

crate::words! {
    /// What a token is good for.
    pub enum Purpose {
        /// Shows that the address is the user's.
        SignUp = "signup",
        /// Lets him in without his password, to set another one.
        Recovery = "recovery",
        /// Shows that the new address is his.
        EmailChange = "email_change",
        /// Lets him in.
        MagicLink = "magiclink",
    }
}

impl Purpose {
    const fn lasts(self) -> Span {
        match self {
            Self::SignUp => Span::hours(24),
            Self::Recovery | Self::EmailChange | Self::MagicLink => Span::hours(1),
        }
    }
}

/// A token that was given back in time.
pub struct Redeemed {
    /// Whose.
    pub user_id: UserId,
    /// What for.
    pub purpose: Purpose,
    /// The address it was sent to.
    pub email: String,
}

/// A new token; earlier ones of the same user for the same purpose are worth nothing any more.
pub fn issue(cx: &mut Context<'_, '_>, user: UserId, purpose: Purpose, email: &str) -> Result<String> {
    let token = cx.rng.base62(LENGTH);
    store::forget_tokens_of(cx, user, purpose)?;
    store::insert_token(cx, hash_of(&token), user, purpose, email, purpose.lasts())?;
    Ok(token)
}

/// Uses a token up. Nothing when it is unknown, too old, for something else, or was not sent to `email`.
pub fn redeem(cx: &mut Context<'_, '_>, token: &str, purposes: &[Purpose], email: Option<&str>) -> Result<Option<Redeemed>> {
    let hash = hash_of(token);
    let fits = |row: &store::TokenRow, now| {
        row.expires_at > now && purposes.contains(&row.purpose) && email.is_none_or(|email| email.trim().to_lowercase() == row.email)
    };
    let now = cx.now;
    let Some(row) = store::token(cx, hash)?.filter(|row| fits(row, now)) else { return Ok(None) };
    store::forget_token(cx, hash)?;
    Ok(Some(Redeemed { user_id: row.user_id, purpose: row.purpose, email: row.email }))
}

/// Whose token this is, if it is good for `purpose`. It stays so.
pub fn owner(cx: &mut Context<'_, '_>, token: &str, purpose: Purpose) -> Result<Option<UserId>> {
    let now = cx.now;
    let row = store::token_read(cx, hash_of(token))?.filter(|row| row.expires_at > now && row.purpose == purpose);
    Ok(row.map(|row| row.user_id))
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

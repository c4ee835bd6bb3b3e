//! Makes an admin: from the command line, and once at the first start of a sandbox.

use crate::base::{Context, Result};
use crate::users::UserRefusal;
use crate::users::people::email;
use crate::users::register::{NewUser, register};
use crate::users::store;
use crate::users::user::User;

/// Makes a user with the role admin who signs in with `email`. `hash` comes from [`crate::users::password::hash`].
///
/// # Errors
/// `email_taken`, `invalid_email`.
pub fn create_admin(cx: &mut Context<'_, '_>, email: &str, hash: &str) -> Result<User> {
    let email = email::normalized(email)?;
    if store::password_by_email(cx, &email)?.is_some() {
        return Err(UserRefusal::EmailTaken.into());
    }
    let new = NewUser { display_name: "", username_prefix: "admin", is_bot: false, is_admin: true, referral_code: None };
    let user = register(cx, &new)?;
    store::insert_password(cx, user.id, &email, hash, true)?;
    Ok(user)
}

/// Whether somebody has the role admin.
pub fn there_is_an_admin(cx: &mut Context<'_, '_>) -> Result<bool> {
    store::there_is_an_admin(cx)
}

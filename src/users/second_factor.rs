//! Where a second factor has to be shown once more: before money leaves, before a key is made, before the factors
//! themselves change. A key cannot show one; its owner decides whether keys may take money out.

use crate::base::context::{Member, Proof};
use crate::base::{Context, Result, UserId};
use crate::users::UserRefusal;
use crate::users::people::{factors, store};
use crate::users::session;

/// Fails unless whoever calls may take money out.
///
/// # Errors
/// `second_factor_required`.
pub fn before_money_leaves(cx: &mut Context<'_, '_>) -> Result<()> {
    let Member { user_id, proof, .. } = *cx.member()?;
    if matches!(proof, Proof::Key { .. }) && store::keys_are_locked(cx, user_id)? {
        return refuse("API keys of this account withdraw nothing: its owner has decided so.");
    }
    if cx.config.withdrawals.require_2fa && is_person_without(cx, user_id)? {
        return refuse("Withdrawals of people need a second factor here, and this account has none.");
    }
    before_a_change(cx)
}

/// Fails when a session calls whose owner has a second factor that it has not shown lately.
///
/// # Errors
/// `second_factor_required`.
pub fn before_a_change(cx: &mut Context<'_, '_>) -> Result<()> {
    let Proof::Session { session_id } = cx.member()?.proof else { return Ok(()) };
    match session::account(cx, session_id)? {
        Some(of) if of.lacks_fresh_second_factor(cx.now) => {
            refuse("The second factor of this account was not shown in this session in the last 15 minutes.")
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether the API keys of a user withdraw nothing.
pub fn keys_are_locked(cx: &mut Context<'_, '_>, user: UserId) -> Result<bool> {
    store::keys_are_locked(cx, user)
}

/// From now on the API keys of a user withdraw nothing, or do again.
pub fn lock_keys(cx: &mut Context<'_, '_>, user: UserId, locked: bool) -> Result<()> {
    if locked { store::lock_keys(cx, user) } else { store::unlock_keys(cx, user) }
}

fn is_person_without(cx: &mut Context<'_, '_>, user: UserId) -> Result<bool> {
    let is_person = crate::users::store::user(cx, user)?.is_some_and(|user| !user.is_bot);
    Ok(is_person && !factors::of(cx, user)?.iter().any(|factor| factor.verified_at.is_some()))
}

fn refuse(why: &'static str) -> Result<()> {
    Err(UserRefusal::SecondFactorRequired { why }.into())
}

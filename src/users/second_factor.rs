//! Where a second factor has to be shown once more: before money leaves, before a key is made, before the password, the
//! address or the factors themselves change. A key cannot show one; its owner decides whether keys may take money out.

use crate::base::context::{Member, Proof};
use crate::base::ids::SessionId;
use crate::base::{Context, Result, Ts, UserId};
use crate::users::UserRefusal;
use crate::users::people::{factors, store};
use crate::users::session::{self, SignedIn};

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

/// Fails unless whoever calls may make a key. A key of an admin does what an admin does, so where admins need a second
/// factor, it is made only in a session that has shown one.
///
/// # Errors
/// `second_factor_required`.
pub fn before_a_key(cx: &mut Context<'_, '_>) -> Result<()> {
    let Member { user_id, proof, .. } = *cx.member()?;
    if cx.config.admins_need_second_factor() && crate::users::store::user(cx, user_id)?.is_some_and(|user| user.is_admin) {
        let of = match proof {
            Proof::Session { session_id } => session::account(cx, session_id)?,
            Proof::Key { .. } => None,
        };
        if !of.is_some_and(|of| of.has_second_factor()) {
            return refuse("An admin makes keys here only in a session that has shown a second factor.");
        }
    }
    before_a_change(cx)
}

/// Fails when a session calls whose owner has a second factor that it has not shown lately.
///
/// # Errors
/// `second_factor_required`.
pub fn before_a_change(cx: &mut Context<'_, '_>) -> Result<()> {
    let Proof::Session { session_id } = cx.member()?.proof else { return Ok(()) };
    session::account(cx, session_id)?.map_or(Ok(()), |of| shown_lately(&of, cx.now))
}

/// Fails when there is a second factor that was not shown in this session lately.
///
/// # Errors
/// `second_factor_required`.
pub fn shown_lately(of: &SignedIn, now: Ts) -> Result<()> {
    if of.lacks_fresh_second_factor(now) {
        return refuse("The second factor of this account was not shown in this session in the last 15 minutes.");
    }
    Ok(())
}

/// Whether the API keys of a user withdraw nothing.
pub fn keys_are_locked(cx: &mut Context<'_, '_>, user: UserId) -> Result<bool> {
    store::keys_are_locked(cx, user)
}

/// From now on the API keys of the user of a session withdraw nothing, or do again. Locking needs no code: it is what
/// somebody does in a hurry.
///
/// # Errors
/// `second_factor_required`, `user_suspended`.
pub fn lock_keys(cx: &mut Context<'_, '_>, session: SessionId, locked: bool) -> Result<()> {
    let of = session::open_to_change(cx, session)?;
    if locked {
        return store::lock_keys(cx, of.user.id);
    }
    shown_lately(&of, cx.now)?;
    store::unlock_keys(cx, of.user.id)
}

fn is_person_without(cx: &mut Context<'_, '_>, user: UserId) -> Result<bool> {
    let is_person = crate::users::store::user(cx, user)?.is_some_and(|user| !user.is_bot);
    Ok(is_person && !factors::of(cx, user)?.iter().any(|factor| factor.verified_at.is_some()))
}

fn refuse(why: &'static str) -> Result<()> {
    Err(UserRefusal::SecondFactorRequired { why }.into())
}

//! Hourly limits: exact in every rolling 60 minutes, over all nodes, because they are counted in the transaction of the
//! call itself. A refused call rolls back and so gives its unit back.
//!
//! The uses of a (subject, policy) are numbered, so both questions, "how many in the last hour" and "when is the next
//! one free", are looked up by number instead of counted.

use uuid::Uuid;

use crate::base::clock::{Span, Ts};
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::limit::{Limit, LimitState, Policy};
use crate::base::store;

/// A use that is allowed and not yet written.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    subject: Uuid,
    policy: Policy,
    n: i64,
    /// The limit as it stands after this use.
    pub state: LimitState,
    /// The limit as it stands when the call is refused after all.
    pub returned: LimitState,
}

/// Announces the read of [`reserve`], for whoever is most likely the subject.
pub fn announce(cx: &mut Context<'_, '_>, subject: Uuid, policy: Policy, limit: Limit) {
    let since = cx.now.minus(limit.window.span());
    store::announce_last_and_first_use(cx, subject, policy, since);
}

/// Looks whether one more use is allowed. Writes nothing; fails with `rate_limited`.
pub fn reserve(cx: &mut Context<'_, '_>, subject: Uuid, policy: Policy, limit: Limit) -> Result<Unit, (Error, LimitState)> {
    let since = cx.now.minus(limit.window.span());
    let none_left = LimitState { policy, limit, remaining: 0, reset: limit.window.span() };
    let failed = |error: Error| (error, none_left);
    let (last, first, first_at) = store::last_and_first_use(cx, subject, policy, since).map_err(failed)?;
    let used = match (last, first) {
        (Some(last), Some(first)) => last - first + 1,
        _ => 0,
    };
    let last = last.unwrap_or(0);
    let quota = i64::from(limit.quota);
    // The use that has to leave the hour before the next one may come in; before that, the first that will.
    let gate_at = if used > quota { store::use_at(cx, subject, policy, last - quota + 1).map_err(failed)? } else { first_at };
    let reset = gate_at.map_or(limit.window.span(), |at| at.plus(limit.window.span()).since(cx.now));
    let remaining = |used: i64| u32::try_from(quota - used).unwrap_or(0);
    if used >= quota {
        let error = Error::rate_limited(policy, limit, reset);
        return Err((error, LimitState { reset, ..none_left }));
    }
    let state = |used: i64| LimitState { policy, limit, remaining: remaining(used), reset };
    Ok(Unit { subject, policy, n: last + 1, state: state(used + 1), returned: state(used) })
}

/// Writes the use.
pub fn spend(cx: &mut Context<'_, '_>, unit: &Unit) -> Result<()> {
    let now = cx.now;
    store::save_use(cx, unit.subject, unit.policy, unit.n, now)
}

/// Takes a written use back, because what it stood for did not happen.
pub fn take_back(cx: &mut Context<'_, '_>, unit: &Unit) -> Result<()> {
    store::take_back_use(cx, unit.subject, unit.policy, unit.n)
}

const CHUNK: u64 = 1_000;

/// Job: forgets uses that no hour counts any more. Answers whether there may be more.
pub fn forget_old_uses(cx: &mut Context<'_, '_>) -> Result<bool> {
    let until: Ts = cx.now.minus(Span::hours(1));
    Ok(store::forget_uses(cx, until, CHUNK.cast_signed())? == CHUNK)
}

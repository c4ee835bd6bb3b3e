//! Hourly limits: kept in every rolling 60 minutes, over all nodes, because they are counted in the transaction of the
//! call itself. A refused call rolls back and so gives its unit back.

use uuid::Uuid;

use crate::base::clock::Ts;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::limit::{Limit, LimitState, Policy};
use crate::base::recent::Recent;

/// A use that is allowed and not yet written.
#[derive(Clone, Debug)]
pub struct Unit {
    recent: Recent,
    /// The limit as it stands after this use.
    pub state: LimitState,
    /// The limit as it stands when the call is refused after all.
    pub returned: LimitState,
}

/// A use that is written.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    subject: Uuid,
    policy: Policy,
    at: Ts,
}

/// Announces the read of [`reserve`], for whoever is most likely the subject.
pub fn announce(cx: &mut Context<'_, '_>, subject: Uuid, policy: Policy) {
    Recent::announce(cx, subject, policy.name());
}

/// Looks whether one more use is allowed. Writes nothing; fails with `rate_limited`.
pub fn reserve(cx: &mut Context<'_, '_>, subject: Uuid, policy: Policy, limit: Limit) -> Result<Unit, (Error, LimitState)> {
    let since = cx.now.minus(limit.window.span());
    let none_left = LimitState { policy, limit, remaining: 0, reset: limit.window.span() };
    let recent = Recent::read(cx, subject, policy.name()).map_err(|error| (error, none_left))?;
    let (used, quota) = (recent.total_since(since), i64::from(limit.quota));
    // The use that has to leave the hour before the next one may come in; before that, the first that will.
    let gate_at = recent.room_after(since, quota);
    let reset = gate_at.map_or(limit.window.span(), |at| at.plus(limit.window.span()).since(cx.now));
    if used >= quota {
        let error = Error::rate_limited(policy, limit, reset);
        return Err((error, LimitState { reset, ..none_left }));
    }
    let remaining = |used: i64| u32::try_from(quota - used).unwrap_or(0);
    let state = |used: i64| LimitState { policy, limit, remaining: remaining(used), reset };
    Ok(Unit { recent, state: state(used + 1), returned: state(used) })
}

/// Writes the use.
pub fn spend(cx: &mut Context<'_, '_>, unit: Unit) -> Result<Used> {
    let Unit { mut recent, state, .. } = unit;
    let subject = recent.subject();
    Ok(Used { subject, policy: state.policy, at: recent.add(cx, 1)? })
}

/// Takes a written use back, because what it stood for did not happen.
pub fn take_back(cx: &mut Context<'_, '_>, used: Used) -> Result<()> {
    Recent::read(cx, used.subject, used.policy.name())?.take_back(cx, used.at)
}

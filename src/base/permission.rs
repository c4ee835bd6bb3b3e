//! Who may call what: the access of an operation against the caller.

use crate::base::context::{Caller, Member, Proof, Scope, Scopes};
use crate::base::error::{Error, Refusal, Result};
use crate::base::operation::{Access, Effect, Operation};

/// Why this caller may not call this operation, if he may not.
pub(super) fn allow(operation: &Operation, caller: &Caller) -> Option<Error> {
    let refusal = match (operation.access, caller) {
        (Access::Open | Access::Sandbox, _) | (_, Caller::System) => return None,
        (_, Caller::Anonymous) => Refusal::AuthenticationRequired,
        (access, Caller::Member(member)) => refuse_member(access, operation.effect, member)?,
    };
    Some(refusal.into())
}

/// Fails when this caller may not read what needs `access`.
pub(super) fn may_read(access: Access, caller: &Caller) -> Result<()> {
    match caller {
        Caller::System => Ok(()),
        Caller::Anonymous => Err(Refusal::AuthenticationRequired.into()),
        Caller::Member(member) => refuse_member(access, Effect::Query, member).map_or(Ok(()), |refusal| Err(refusal.into())),
    }
}

fn refuse_member(access: Access, effect: Effect, member: &Member) -> Option<Refusal> {
    let missing = |scope: Scope| match member.proof {
        Proof::Key { scopes, .. } if !scopes.has(scope) => Some(Refusal::ScopeMissing { scope: scope.name() }),
        Proof::Key { .. } | Proof::Session { .. } => None,
    };
    let by_access = match access {
        Access::Open | Access::Sandbox => None,
        Access::User(scope) => missing(scope),
        Access::Keys => Scope::ALL.into_iter().find_map(missing),
        Access::Admin if !member.is_admin => Some(Refusal::AdminOnly),
        Access::Admin => match member.proof {
            Proof::Key { scopes, .. } if scopes != Scopes::ALL => Some(Refusal::SessionRequired),
            Proof::Key { .. } | Proof::Session { .. } => None,
        },
    };
    by_access.or_else(|| (member.is_suspended && effect == Effect::Command).then_some(Refusal::UserSuspended))
}

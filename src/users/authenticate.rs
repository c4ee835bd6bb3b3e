//! Finds the member behind a key or a token.

use crate::base::call::Credentials;
use crate::base::context::{Caller, Context, Member, Proof};
use crate::base::error::{Refusal, Result};
use crate::base::operation::Effect;
use crate::users::credentials::Aal;
use crate::users::store;
use crate::users::user::Status;

/// Who calls. Locks the user's row for a command, so that the calls of one user follow one another.
///
/// # Errors
/// `invalid_api_key`, `invalid_token`; `ambiguous_credentials` when key and token belong to different users.
pub fn resolve(cx: &mut Context<'_, '_>, credentials: &Credentials, effect: Effect) -> Result<Caller> {
    let lock = effect == Effect::Command;
    let by_token = match credentials.token {
        Some(claims) => {
            let owner = store::session_owner(cx, claims.session_id, claims.user_id, lock)?
                .ok_or(Refusal::InvalidToken { why: "the session has ended" })?;
            if owner.revoked_at.is_some() || owner.expires_at <= cx.now || owner.status == Status::Closed {
                return Err(Refusal::InvalidToken { why: "the session has ended" }.into());
            }
            let proof = Proof::Session { session_id: owner.session_id };
            // Where admins need a second factor, a session without one is that of any other user.
            let is_admin = owner.is_admin && (owner.aal == Aal::Two || !cx.config.admins_need_second_factor());
            Some(Member { user_id: owner.user_id, proof, is_admin, is_suspended: owner.status == Status::Suspended })
        }
        None => None,
    };
    let by_key = match credentials.key {
        Some(hash) => {
            let owner = store::key_owner(cx, hash, lock)?.ok_or(Refusal::InvalidApiKey)?;
            let expired = owner.expires_at.is_some_and(|at| at <= cx.now);
            if owner.revoked_at.is_some() || expired || owner.status == Status::Closed {
                return Err(Refusal::InvalidApiKey.into());
            }
            let proof = Proof::Key { key_id: owner.key_id, scopes: owner.scopes };
            Some(Member { user_id: owner.user_id, proof, is_admin: owner.is_admin, is_suspended: owner.status == Status::Suspended })
        }
        None => None,
    };
    match (by_key, by_token) {
        (None, None) => Ok(Caller::Anonymous),
        (Some(key), Some(token)) if key.user_id != token.user_id => Err(Refusal::AmbiguousCredentials.into()),
        // The key is the narrower of the two: what it may not do is not widened by a token beside it.
        (Some(member), _) | (None, Some(member)) => Ok(Caller::Member(member)),
    }
}

//! Who was behind a credential when the database was last asked: enough to count a call that waits for nothing, never
//! enough to let one through.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::base::clock::{Span, Ts};
use crate::base::context::Member;
use crate::base::credentials::Credentials;

const KEPT_MAX: usize = 16_384;
const KEPT: Span = Span::minutes(1);

/// The callers of the last minute or so, on this node.
#[derive(Debug, Default)]
pub(super) struct KnownCallers(Mutex<HashMap<Credentials, (Member, Ts)>>);

impl KnownCallers {
    pub(super) fn find(&self, credentials: &Credentials) -> Option<Member> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(credentials).map(|(member, _)| member.clone())
    }

    /// The database has said who it is.
    pub(super) fn learn(&self, credentials: &Credentials, member: &Member, now: Ts) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT_MAX && !known.contains_key(credentials) {
            known.retain(|_, (_, seen)| *seen > now.minus(KEPT));
            if known.len() >= KEPT_MAX {
                return;
            }
        }
        known.insert(credentials.clone(), (member.clone(), now));
    }

    /// The database has refused the credential: its calls are nobody's any more.
    pub(super) fn forget(&self, credentials: &Credentials) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(credentials);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::context::{Proof, Scopes};
    use crate::base::ids::{KeyId, UserId};
    use uuid::Uuid;

    fn key(n: usize) -> Credentials {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&n.to_be_bytes());
        Credentials { key: Some(hash), token: None }
    }

    fn member(n: usize) -> Member {
        let id = Uuid::from_u128(n as u128);
        let proof = Proof::Key { key_id: KeyId(id), scopes: Scopes::ALL };
        Member { user_id: UserId(id), proof, is_admin: false, is_suspended: false }
    }

    #[test]
    fn so_many_are_known_and_the_idle_make_room() {
        let known = KnownCallers::default();
        let start = Ts::from_milliseconds(1_000_000);
        (0..=KEPT_MAX).for_each(|n| known.learn(&key(n), &member(n), start));
        assert_eq!(known.find(&key(7)), Some(member(7)));
        assert_eq!(known.find(&key(KEPT_MAX)), None, "there is no room");
        known.learn(&key(KEPT_MAX), &member(KEPT_MAX), start.plus(KEPT));
        assert_eq!(known.find(&key(KEPT_MAX)), Some(member(KEPT_MAX)));
        assert_eq!(known.find(&key(7)), None);
        known.forget(&key(KEPT_MAX));
        assert_eq!(known.find(&key(KEPT_MAX)), None);
    }
}

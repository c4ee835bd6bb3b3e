//! What users sign in with, as it is stored: keys, passwords, sessions, and the keys that sign tokens.

use crate::base::context::Scopes;
use crate::base::ids::{KeyId, SessionId};
use crate::base::{Ts, UserId};
use crate::users::user::Status;

::store::row! {
    /// A key as stored, without its secret.
    #[derive(Clone, Debug)]
    pub(super) struct KeyRow {
        pub(super) id: KeyId,
        pub(super) prefix: String,
        pub(super) name: String,
        pub(super) scopes: Scopes,
        pub(super) created_at: Ts,
        pub(super) last_used_at: Option<Ts>,
        pub(super) expires_at: Option<Ts>,
        pub(super) revoked_at: Option<Ts>,
    }
}

impl KeyRow {
    /// Counts against the most that a user may have: a rotated key leaves by itself.
    pub(super) fn stays(&self) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none()
    }

    pub(super) fn works_at(&self, now: Ts) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}

::store::row! {
    /// A key with what matters of its owner.
    pub(super) struct KeyOwner {
        pub(super) key_id: KeyId,
        pub(super) user_id: UserId,
        pub(super) scopes: Scopes,
        pub(super) revoked_at: Option<Ts>,
        pub(super) expires_at: Option<Ts>,
        pub(super) is_admin: bool,
        pub(super) status: Status,
    }
}

::store::row! {
    /// A session with what matters of its owner.
    pub(super) struct SessionOwner {
        pub(super) session_id: SessionId,
        pub(super) user_id: UserId,
        pub(super) aal: Aal,
        pub(super) revoked_at: Option<Ts>,
        pub(super) expires_at: Ts,
        pub(super) is_admin: bool,
        pub(super) status: Status,
    }
}

crate::words! {
    /// How sure it is who signed in.
    pub enum Aal {
        /// By one thing: a password, or a mail.
        One = "aal1",
        /// By a second one, too.
        Two = "aal2",
    }
}

crate::words! {
    /// What a session is kept by.
    pub enum SessionKind {
        /// A refresh token.
        Api = "api",
        /// The cookie of the site.
        Web = "web",
    }
}

::store::row! {
    /// An e-mail address and password as stored.
    #[derive(Clone, Debug)]
    pub struct PasswordRow {
        /// Whose.
        pub user_id: UserId,
        /// In lower case.
        pub email: String,
        /// Null until the address is confirmed.
        pub email_confirmed_at: Option<Ts>,
        /// Argon2id.
        pub hash: String,
        /// Moves with each change of the password.
        pub version: i64,
        /// Last time.
        pub last_sign_in_at: Option<Ts>,
        /// Of any change.
        pub updated_at: Ts,
    }
}

::store::row! {
    /// A session as stored.
    pub(super) struct SessionRow {
        pub(super) id: SessionId,
        pub(super) user_id: UserId,
        pub(super) kind: SessionKind,
        pub(super) aal: Aal,
        pub(super) amr: String,
        pub(super) created_at: Ts,
        pub(super) refreshed_at: Ts,
        pub(super) last_seen_at: Ts,
        pub(super) expires_at: Ts,
        pub(super) revoked_at: Option<Ts>,
        pub(super) refresh_counter: i64,
        pub(super) ip: String,
        pub(super) user_agent: String,
    }
}

/// A session that begins.
pub(super) struct NewSession {
    pub(super) id: SessionId,
    pub(super) user_id: UserId,
    pub(super) kind: SessionKind,
    pub(super) aal: Aal,
    pub(super) amr: String,
    pub(super) created_at: Ts,
    pub(super) expires_at: Ts,
    pub(super) cookie_hash: Option<[u8; 32]>,
    pub(super) ip: String,
    pub(super) user_agent: String,
}

::store::row! {
    /// A key as stored: the private half sealed, the public half for everybody.
    #[derive(Clone, Debug)]
    pub struct SigningKeyRow {
        /// Its name in tokens.
        pub kid: String,
        /// The private key, sealed.
        pub private_sealed: Vec<u8>,
        /// The public key as a JWK.
        pub public_jwk: String,
        /// When it was made.
        pub created_at: Ts,
        /// Signs until then.
        pub sign_until: Ts,
        /// Is published until then.
        pub publish_until: Ts,
    }
}

//! What a request shows of who calls, before the database is asked.

use crate::base::ids::{SessionId, UserId};

/// What a door found in a request, checked as far as that goes without the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// SHA-256 of an API key whose checksum is right.
    pub key: Option<[u8; 32]>,
    /// What a token with a good signature says.
    pub token: Option<TokenClaims>,
}

/// What a token with a good signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenClaims {
    /// Whose it is.
    pub user_id: UserId,
    /// The session behind it.
    pub session_id: SessionId,
}

//! What an operation is handed: who calls, what time it is, chance, the running transaction, the settings.

use ::store::Tx;
use uuid::Uuid;

use crate::base::clock::{Span, Ts};
use crate::base::config::Config;
use crate::base::error::{Refusal, Result};
use crate::base::ids::{KeyId, SessionId, UserId};
use crate::base::random::Rng;
use crate::base::secrets::Secrets;

/// The ground an operation stands on.
pub struct Context<'a, 'c> {
    /// The running transaction.
    pub tx: &'a mut Tx<'c>,
    /// Who calls.
    pub caller: Caller,
    /// The time of this call; every rule compares with it.
    pub now: Ts,
    /// The chance of this call.
    pub rng: Rng,
    /// The settings in force.
    pub config: &'a Config,
    /// Secrets of users, made when they are needed.
    pub secrets: &'a Secrets,
    /// Set by a read that found nothing: for so long its caller would rather wait for news.
    pub patience: Option<Span>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody who has shown a credential.
    Anonymous,
    /// A user.
    Member(Member),
    /// The program itself: a job, the command line, the sandbox.
    System,
}

/// A user who has shown a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user_id: UserId,
    /// What was shown.
    pub proof: Proof,
    /// May use the operations for admins.
    pub is_admin: bool,
    /// May only read.
    pub is_suspended: bool,
}

/// What a member has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// An API key and what it may do.
    Key {
        /// The key.
        key_id: KeyId,
        /// What it may do.
        scopes: Scopes,
    },
    /// A session behind a token.
    Session {
        /// The session.
        session_id: SessionId,
    },
}

impl Context<'_, '_> {
    /// The member who calls. Fails with `authentication_required` for anybody else.
    pub fn member(&self) -> Result<&Member> {
        match &self.caller {
            Caller::Member(member) => Ok(member),
            Caller::Anonymous | Caller::System => Err(Refusal::AuthenticationRequired.into()),
        }
    }

    /// The user who calls. Fails with `authentication_required`.
    pub fn user_id(&self) -> Result<UserId> {
        self.member().map(|member| member.user_id)
    }

    /// Who is named as the actor of a change: the user, or nil for the program itself.
    pub fn actor(&self) -> Uuid {
        match &self.caller {
            Caller::Member(member) => member.user_id.0,
            Caller::Anonymous | Caller::System => Uuid::nil(),
        }
    }

    /// A new id, made from the time and the chance of this call.
    pub fn new_id(&mut self) -> Uuid {
        let milliseconds = u64::try_from(self.now.as_milliseconds()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &self.rng.bytes()).into_uuid()
    }

    /// A new id that sorts after those of earlier calls of this process, also within a millisecond.
    pub fn new_ordered_id(&mut self) -> Uuid {
        let milliseconds = u64::try_from(self.now.as_milliseconds()).unwrap_or(0);
        let mut tail = [0; 10];
        tail[3..7].copy_from_slice(&self.rng.serial().to_be_bytes());
        tail[7..].copy_from_slice(&self.rng.bytes::<3>());
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &tail).into_uuid()
    }
}

/// One thing an API key may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read one's own data.
    Read,
    /// Find, accept and do tasks.
    Earn,
    /// Publish tasks and review them.
    Spend,
    /// Take money out.
    Withdraw,
}

impl Scope {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Read, Self::Earn, Self::Spend, Self::Withdraw];

    /// As on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Earn => "earn",
            Self::Spend => "spend",
            Self::Withdraw => "withdraw",
        }
    }

    const fn bit(self) -> i64 {
        match self {
            Self::Read => 1,
            Self::Earn => 2,
            Self::Spend => 4,
            Self::Withdraw => 8,
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(i64);

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self(15);

    /// The set of these.
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    /// Whether it holds `scope`.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// The scopes in order.
    pub fn list(self) -> Vec<Scope> {
        Scope::ALL.into_iter().filter(|scope| self.has(*scope)).collect()
    }
}

impl ::store::Field for Scopes {
    const KIND: store::Kind = store::Kind::Int;
    fn store(&self) -> store::Value<'_> {
        store::Value::Int(self.0)
    }
    fn load(cell: store::Cell<'_>) -> Result<Self, store::Mismatch> {
        i64::load(cell).map(Self)
    }
}

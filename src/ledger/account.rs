//! Accounts: places in the books with a balance. An account has the id of the thing it belongs to.

use ::store::{Cell, Field, Kind, Mismatch, Value};
use uuid::Uuid;

use crate::base::UserId;

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// What a user may spend.
    UserAvailable,
    /// The money of one task, until each slot is settled or returned.
    TaskEscrow,
    /// The money of one withdrawal, until it is paid out or returned.
    WithdrawalHold,
    /// What the platform has earned.
    PlatformFees,
    /// What the operator has put in.
    OperatorCapital,
    /// What lies on the chain, mirrored: the only account that goes below zero.
    Onchain,
}

impl AccountKind {
    const ALL: [Self; 6] =
        [Self::UserAvailable, Self::TaskEscrow, Self::WithdrawalHold, Self::PlatformFees, Self::OperatorCapital, Self::Onchain];

    /// As in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserAvailable => "user_available",
            Self::TaskEscrow => "task_escrow",
            Self::WithdrawalHold => "withdrawal_hold",
            Self::PlatformFees => "platform_fees",
            Self::OperatorCapital => "operator_capital",
            Self::Onchain => "onchain",
        }
    }
}

impl Field for AccountKind {
    const KIND: Kind = Kind::Text;
    fn store(&self) -> Value<'_> {
        Value::Text(self.name().into())
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        let name = String::load(cell)?;
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(Mismatch { wanted: "a kind of account" })
    }
}

/// The id of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Uuid);

impl AccountId {
    /// What lies on the chain.
    pub const ONCHAIN: Self = Self(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));
    /// What the platform has earned.
    pub const PLATFORM_FEES: Self = Self(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0002));
    /// What the operator has put in.
    pub const OPERATOR_CAPITAL: Self = Self(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0003));

    /// What a user may spend.
    pub const fn available(user: UserId) -> Self {
        Self(user.0)
    }

    /// The account of the task or withdrawal with this id.
    pub const fn of(reference: Uuid) -> Self {
        Self(reference)
    }

    /// The id as stored.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// Accounts that every settlement touches are not updated by it: the sealing job adds up their postings.
    pub fn is_folded(self) -> bool {
        [Self::ONCHAIN, Self::PLATFORM_FEES, Self::OPERATOR_CAPITAL].contains(&self)
    }
}

impl Field for AccountId {
    const KIND: Kind = Kind::Uuid;
    fn store(&self) -> Value<'_> {
        Value::Uuid(self.0)
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        Uuid::load(cell).map(Self)
    }
}

/// An account that a transaction opens.
#[derive(Clone, Copy, Debug)]
pub struct NewAccount {
    /// The id of the thing it belongs to.
    pub id: AccountId,
    /// Whose money it is.
    pub owner: UserId,
    /// What it is for.
    pub kind: AccountKind,
}

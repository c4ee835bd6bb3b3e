//! A transaction: one event in the books, made of postings. Balanced by its shape: a posting moves an amount from one
//! account to another.

use uuid::Uuid;

use crate::base::Usdt;
use crate::ledger::account::{AccountId, NewAccount};

/// What happened. With the reference it names an event, which can be booked once only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionKind {
    /// Money came in from the chain.
    Deposit,
    /// A creator's money went into the escrow of a task.
    Publish,
    /// More of it, for added slots.
    Extend,
    /// A slot was paid out of the escrow: to the worker, the platform, the referrers.
    Settlement,
    /// The reward of one slot went back to the creator.
    Refund,
    /// The rewards of the free slots went back when the task closed.
    Close,
    /// A creator gave a worker something on top.
    Tip,
    /// A user's money went into the hold of a withdrawal.
    Withdraw,
    /// A withdrawal was paid out on the chain, its fee to the platform.
    Payout,
    /// A withdrawal did not happen; its money went back.
    Release,
    /// The operator put money of his own into our wallets.
    FloatIn,
    /// And took it out.
    FloatOut,
}

impl TransactionKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Deposit,
        Self::Publish,
        Self::Extend,
        Self::Settlement,
        Self::Refund,
        Self::Close,
        Self::Tip,
        Self::Withdraw,
        Self::Payout,
        Self::Release,
        Self::FloatIn,
        Self::FloatOut,
    ];

    /// As in the database and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Publish => "publish",
            Self::Extend => "extend",
            Self::Settlement => "settlement",
            Self::Refund => "refund",
            Self::Close => "close",
            Self::Tip => "tip",
            Self::Withdraw => "withdraw",
            Self::Payout => "payout",
            Self::Release => "release",
            Self::FloatIn => "float_in",
            Self::FloatOut => "float_out",
        }
    }

    /// As people read it in their history.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Deposit => "Deposit",
            Self::Publish => "Escrow for a task",
            Self::Extend => "Escrow for added slots",
            Self::Settlement => "Settlement of a slot",
            Self::Refund => "Refund of a slot",
            Self::Close => "Refund of free slots",
            Self::Tip => "Tip",
            Self::Withdraw => "Withdrawal",
            Self::Payout => "Payout of a withdrawal",
            Self::Release => "Return of a withdrawal",
            Self::FloatIn => "Capital of the operator",
            Self::FloatOut => "Capital taken out by the operator",
        }
    }
}

/// An amount on its way from one account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Pays.
    pub from: AccountId,
    /// Is paid.
    pub to: AccountId,
    /// More than zero.
    pub amount: Usdt,
}

/// A transaction that is about to be booked.
#[derive(Clone, Debug)]
pub struct Transaction {
    pub(super) kind: TransactionKind,
    pub(super) reference: Uuid,
    pub(super) opens: Vec<NewAccount>,
    pub(super) postings: Vec<Posting>,
}

impl Transaction {
    /// The event `kind` of the thing `reference`.
    pub const fn new(kind: TransactionKind, reference: Uuid) -> Self {
        Self { kind, reference, opens: Vec::new(), postings: Vec::new() }
    }

    /// Opens an account with this transaction.
    #[must_use]
    pub fn open(mut self, account: NewAccount) -> Self {
        self.opens.push(account);
        self
    }

    /// Moves `amount`; nothing when it is zero.
    #[must_use]
    pub fn post(mut self, from: AccountId, to: AccountId, amount: Usdt) -> Self {
        if amount != Usdt::ZERO {
            self.postings.push(Posting { from, to, amount });
        }
        self
    }
}

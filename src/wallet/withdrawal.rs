//! A withdrawal: its states, and the one function that moves it from one to the next.

use serde::Serialize;
use serde_json::json;

use crate::base::{Address, Context, Result, Ts, Usdt, UserId};
use crate::events::{Event, EventKind};
use crate::ledger::{self, AccountId, AccountKind, NewAccount, Transaction, TransactionKind};
use crate::wallet::store;

crate::id! {
    /// A withdrawal; also the id of its hold in the books.
    WithdrawalId
}

crate::words! {
    /// How far a withdrawal is.
    pub enum WithdrawalStatus {
        /// Its money is held; it goes out when the wallet can pay it.
        Queued = "queued",
        /// An admin looks at it.
        InReview = "in_review",
        /// The transfer is signed; it cannot be taken back any more.
        Sending = "sending",
        /// Final on the chain.
        Completed = "completed",
        /// An admin refused it, or nobody decided in time; the money is back.
        Rejected = "rejected",
        /// The user took it back.
        Cancelled = "cancelled",
        /// It failed on the chain; the money is back.
        Refunded = "refunded",
    }
}

impl WithdrawalStatus {
    const fn event(self, before: Option<Self>) -> EventKind {
        match self {
            Self::Queued if before.is_some() => EventKind::WithdrawalApproved,
            Self::Queued => EventKind::WithdrawalQueued,
            Self::InReview => EventKind::WithdrawalInReview,
            Self::Sending => EventKind::WithdrawalSent,
            Self::Completed => EventKind::WithdrawalCompleted,
            Self::Rejected => EventKind::WithdrawalRejected,
            Self::Cancelled => EventKind::WithdrawalCancelled,
            Self::Refunded => EventKind::WithdrawalRefunded,
        }
    }

    /// Whether it has not been signed yet.
    pub const fn waits(self) -> bool {
        matches!(self, Self::Queued | Self::InReview)
    }
}

::store::row! {
    /// A withdrawal as stored.
    #[derive(Clone, Debug, Serialize)]
    pub struct Withdrawal {
        /// For ever.
        pub id: WithdrawalId,
        /// Whose.
        pub user_id: UserId,
        /// Where it goes.
        pub address: Address,
        /// What is held, the fee included.
        pub amount: Usdt,
        /// What it costs.
        pub fee: Usdt,
        /// How far it is.
        pub status: WithdrawalStatus,
        /// Why it is there.
        pub reason: String,
        /// When the risk rules or admins let it go out.
        pub cleared_at: Option<Ts>,
        /// The transaction on the chain.
        pub txid: Option<[u8; 32]>,
        /// When it was asked for.
        pub created_at: Ts,
        /// Of a review: when the clock releases it.
        pub due_at: Option<Ts>,
    }
}

impl Withdrawal {
    /// What arrives.
    pub fn net(&self) -> Usdt {
        self.amount.checked_sub(self.fee).unwrap_or_default()
    }

    const fn hold(&self) -> AccountId {
        AccountId::of(self.id.0)
    }
}

/// Takes the money into a hold and writes the withdrawal down as queued.
pub fn open(cx: &mut Context<'_, '_>, withdrawal: &Withdrawal) -> Result<()> {
    let Withdrawal { id, user_id, amount, .. } = *withdrawal;
    let hold = NewAccount { id: withdrawal.hold(), owner: user_id, kind: AccountKind::WithdrawalHold };
    let transaction = Transaction::new(TransactionKind::Withdraw, id.0).open(hold).post(AccountId::available(user_id), hold.id, amount);
    ledger::record(cx, &transaction)?;
    store::insert_withdrawal(cx, withdrawal)?;
    let told = event(withdrawal, None);
    crate::events::emit(cx, &[told])?;
    store::append_step(cx, withdrawal)
}

/// Moves it on. Where it ends the money goes where it belongs, in the same transaction; the user is told.
pub fn move_on(
    cx: &mut Context<'_, '_>,
    mut withdrawal: Withdrawal,
    status: WithdrawalStatus,
    reason: &str,
    told: &mut Vec<Event>,
) -> Result<()> {
    let before = std::mem::replace(&mut withdrawal.status, status);
    reason.clone_into(&mut withdrawal.reason);
    withdrawal.due_at =
        (status == WithdrawalStatus::InReview).then(|| cx.now.plus(crate::base::Span::days(i64::from(cx.config.withdrawals.review_days))));
    let (id, hold, user) = (withdrawal.id.0, withdrawal.hold(), AccountId::available(withdrawal.user_id));
    match status {
        WithdrawalStatus::Completed => {
            let payout = Transaction::new(TransactionKind::Payout, id).post(hold, AccountId::ONCHAIN, withdrawal.net());
            ledger::record(cx, &payout.post(hold, AccountId::PLATFORM_FEES, withdrawal.fee))?;
        }
        WithdrawalStatus::Rejected | WithdrawalStatus::Cancelled | WithdrawalStatus::Refunded => {
            ledger::record(cx, &Transaction::new(TransactionKind::Release, id).post(hold, user, withdrawal.amount))?;
        }
        // A new review begins from nothing.
        WithdrawalStatus::InReview => store::forget_approvals(cx, withdrawal.id)?,
        WithdrawalStatus::Queued | WithdrawalStatus::Sending => {}
    }
    store::save_withdrawal(cx, &withdrawal)?;
    store::append_step(cx, &withdrawal)?;
    told.push(event(&withdrawal, Some(before)));
    Ok(())
}

fn event(withdrawal: &Withdrawal, before: Option<WithdrawalStatus>) -> Event {
    let data = json!({
        "withdrawal_id": withdrawal.id, "amount": withdrawal.amount, "fee": withdrawal.fee, "net_amount": withdrawal.net(),
        "address": withdrawal.address, "status": withdrawal.status, "reason": withdrawal.reason,
        "txid": withdrawal.txid.map(|txid| tron::hex::encode(&txid)),
    });
    Event::new(withdrawal.user_id, withdrawal.status.event(before), data)
}

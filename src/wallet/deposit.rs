//! Money that comes in.

use uuid::Uuid;

use crate::base::{Context, Result, Usdt, UserId};
use crate::ledger::{self, AccountId, Transaction, TransactionKind};

/// Credits `amount` to `user` for the deposit `reference`. The books refuse the same reference a second time; who calls
/// this knows which deposits he has credited.
pub fn credit(cx: &mut Context<'_, '_>, user: UserId, reference: Uuid, amount: Usdt) -> Result<()> {
    let transaction = Transaction::new(TransactionKind::Deposit, reference).post(AccountId::ONCHAIN, AccountId::available(user), amount);
    ledger::record(cx, &transaction)
}

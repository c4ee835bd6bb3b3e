//! The operator's own money in our wallets: what he puts in, and what he takes out.

use uuid::Uuid;

use crate::base::{Context, Result, Usdt};
use crate::gateway::order::OrderId;
use crate::ledger::{self, AccountId, Transaction, TransactionKind};

/// Something arrived in the hot or the cold wallet that came from neither of our addresses.
pub(super) fn book_in(cx: &mut Context<'_, '_>, reference: Uuid, amount: Usdt) -> Result<()> {
    let transaction = Transaction::new(TransactionKind::FloatIn, reference);
    ledger::record(cx, &transaction.post(AccountId::ONCHAIN, AccountId::OPERATOR_CAPITAL, amount))
}

/// The order of an admin is final on the chain.
pub(super) fn book_out(cx: &mut Context<'_, '_>, order: OrderId, amount: Usdt) -> Result<()> {
    let transaction = Transaction::new(TransactionKind::FloatOut, order.0);
    ledger::record(cx, &transaction.post(AccountId::OPERATOR_CAPITAL, AccountId::ONCHAIN, amount))
}

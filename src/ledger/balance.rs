//! What a user has: available, and held in escrows and withdrawals.

use crate::base::error::internal;
use crate::base::{Context, Result, Usdt, UserId};
use crate::ledger::account::{AccountId, AccountKind};
use crate::ledger::store;

/// A user's money, from one reading of the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// May be spent.
    pub available: Usdt,
    /// In task escrows and withdrawal holds.
    pub held: Usdt,
}

impl Balance {
    /// Moves `amount` from the one to the other, as a booking just did.
    pub fn hold(&mut self, amount: Usdt) -> Result<()> {
        let fits = self.available.checked_sub(amount).zip(self.held.checked_add(amount));
        (self.available, self.held) = fits.ok_or_else(|| internal("a hold left the range of i64"))?;
        Ok(())
    }

    /// Both together.
    pub fn total(self) -> Usdt {
        [self.available, self.held].into_iter().sum()
    }
}

/// Announces the read of [`balance_of`].
pub fn announce_balance(cx: &mut Context<'_, '_>, user: UserId) {
    store::announce_balances_of(cx, user);
}

/// What `user` has now.
pub fn balance_of(cx: &mut Context<'_, '_>, user: UserId) -> Result<Balance> {
    let mut balance = Balance::default();
    for (kind, sum) in store::balances_of(cx, user)? {
        match kind {
            AccountKind::UserAvailable => balance.available = sum,
            AccountKind::TaskEscrow | AccountKind::WithdrawalHold => {
                balance.held = balance.held.checked_add(sum).ok_or_else(|| internal("the held money left the range of i64"))?;
            }
            AccountKind::PlatformFees | AccountKind::OperatorCapital | AccountKind::Onchain => {
                return Err(internal("a user owns an account of the platform"));
            }
        }
    }
    Ok(balance)
}

/// What an account of the platform has, those transactions included that the sealing job has not added up yet.
pub fn of_platform(cx: &mut Context<'_, '_>, account: AccountId) -> Result<Usdt> {
    store::folded_balance(cx, account)
}

/// Opens the account of a new user.
pub fn open_user_account(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    store::open_account(cx, AccountId::available(user), user, AccountKind::UserAvailable, Usdt::ZERO, 0)
}

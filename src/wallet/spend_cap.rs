//! The spend cap: escrows and tips of any 60 minutes stay below what the user has set. Kept, because the calls of one
//! user follow one another (his row is locked) and the sum is taken in the transaction of the call.

use crate::base::error::Error;
use crate::base::recent::Recent;
use crate::base::{Context, Result, Span, Ts, Usdt, UserId};
use crate::wallet::{WalletRefusal, store};

const WINDOW: Span = Span::hours(1);
/// What stands in `recent` for it.
const SPENT: &str = "spent";

/// What a user may spend in an hour, and what he spent in this one.
pub struct Allowance {
    cap: Option<Usdt>,
    spent: Recent,
    since: Ts,
}

/// Announces the read of [`allowance`] for `user`.
pub fn announce(cx: &mut Context<'_, '_>, user: UserId) {
    store::announce_cap_and_spent(cx, user, SPENT);
}

/// That of the caller.
pub fn allowance(cx: &mut Context<'_, '_>) -> Result<Allowance> {
    let (user, since) = (cx.user_id()?, cx.now.minus(WINDOW));
    let (cap, stored) = store::cap_and_spent(cx, user, SPENT)?;
    Ok(Allowance { cap, spent: Recent::of(user.0, SPENT, stored)?, since })
}

impl Allowance {
    /// What may still be spent; nothing when no cap is set.
    pub fn left(&self) -> Option<Usdt> {
        let spent = Usdt::from_micro(self.spent.total_since(self.since));
        self.cap.map(|cap| cap.checked_sub(spent).unwrap_or_default().max(Usdt::ZERO))
    }

    /// Refuses what goes beyond the cap.
    ///
    /// # Errors
    /// `spend_cap_exceeded`, with `spend_cap_left_usd`.
    pub fn check(&self, amount: Usdt) -> Result<()> {
        match self.left() {
            Some(left) if amount > left => Err(exceeded(left)),
            _ => Ok(()),
        }
    }

    /// Counts what is spent.
    pub fn count(mut self, cx: &mut Context<'_, '_>, amount: Usdt) -> Result<()> {
        self.spent.add(cx, amount.micro()).map(drop)
    }
}

/// The cap stands in the way.
pub fn exceeded(left: Usdt) -> Error {
    let error = Error::from(WalletRefusal::SpendCapExceeded { left });
    error.with("spend_cap_left_usd", serde_json::to_value(left).unwrap_or_default()).retry_after(3_600)
}

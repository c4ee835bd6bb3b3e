//! The spend cap: escrows and tips of any 60 minutes stay below what the user has set. Exact, because the calls of one
//! user follow one another (his row is locked) and the sum is taken in the transaction of the call.

use crate::base::error::Error;
use crate::base::{Context, Result, Span, Usdt, UserId};
use crate::wallet::{WalletRefusal, store};

const WINDOW: Span = Span::hours(1);
const CHUNK: u64 = 1_000;

/// Announces the read of [`left`] for `user`.
pub fn announce(cx: &mut Context<'_, '_>, user: UserId) {
    let since = cx.now.minus(WINDOW);
    store::announce_cap_and_spent(cx, user, since);
}

/// What the caller may still spend; nothing when he has set no cap.
pub fn left(cx: &mut Context<'_, '_>) -> Result<Option<Usdt>> {
    let (user, since) = (cx.user_id()?, cx.now.minus(WINDOW));
    let (cap, spent) = store::cap_and_spent(cx, user, since)?;
    Ok(cap.map(|cap| cap.checked_sub(spent).unwrap_or_default().max(Usdt::ZERO)))
}

/// Refuses what goes beyond the cap of the caller.
///
/// # Errors
/// `spend_cap_exceeded`, with `spend_cap_left_usd`.
pub fn check(cx: &mut Context<'_, '_>, amount: Usdt) -> Result<()> {
    match left(cx)? {
        Some(left) if amount > left => Err(exceeded(left)),
        _ => Ok(()),
    }
}

/// Counts what the caller spends.
pub fn count(cx: &mut Context<'_, '_>, amount: Usdt) -> Result<()> {
    let user = cx.user_id()?;
    store::insert_spend(cx, user, amount)
}

/// The cap stands in the way.
pub fn exceeded(left: Usdt) -> Error {
    let error = Error::from(WalletRefusal::SpendCapExceeded { left });
    error.with("spend_cap_left_usd", serde_json::to_value(left).unwrap_or_default()).retry_after(3_600)
}

/// Job: forgets what no hour counts any more. Answers whether there may be more.
pub fn forget_old_spends(cx: &mut Context<'_, '_>) -> Result<bool> {
    let until = cx.now.minus(WINDOW);
    Ok(store::forget_spends(cx, until, CHUNK.cast_signed())? == CHUNK)
}

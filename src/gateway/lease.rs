//! One gateway at a time: whoever holds the lease carries its token into every operation, and an old token is refused.

use uuid::Uuid;

use crate::base::error::internal;
use crate::base::{Context, Result, Span};
use crate::gateway::{GatewayRefusal, store};

/// The right to act; counts up with each new holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token(pub(super) i64);

/// How long a holder that says nothing keeps it.
fn lasts(cx: &Context<'_, '_>) -> Span {
    Span::seconds(i64::from(cx.config.chain.lease_seconds))
}

/// Takes or renews the lease; nothing while another holds it. A process that has the database to itself (`alone`) does not
/// wait: whoever held it has ended.
pub fn take(cx: &mut Context<'_, '_>, holder: Uuid, alone: bool) -> Result<Option<Token>> {
    let lease = store::lease_locked(cx)?;
    let token = if lease.holder == holder {
        lease.token
    } else if alone || lease.until <= cx.now {
        lease.token.checked_add(1).ok_or_else(|| internal("tokens ran out"))?
    } else {
        return Ok(None);
    };
    let until = cx.now.plus(lasts(cx));
    store::save_lease(cx, holder, token, until)?;
    Ok(Some(Token(token)))
}

/// Gives it back at the end, so that the next gateway does not wait.
pub fn give_back(cx: &mut Context<'_, '_>, holder: Uuid) -> Result<()> {
    let lease = store::lease_locked(cx)?;
    if lease.holder != holder {
        return Ok(());
    }
    let now = cx.now;
    store::save_lease(cx, holder, lease.token, now)
}

/// Refuses what an old holder still wants to do. The row is locked, so nobody takes the lease in the middle.
///
/// # Errors
/// `lease_lost`.
pub fn require(cx: &mut Context<'_, '_>, token: Token) -> Result<()> {
    if store::lease_locked(cx)?.token == token.0 { Ok(()) } else { Err(GatewayRefusal::LeaseLost.into()) }
}

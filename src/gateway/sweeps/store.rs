//! Deposit addresses that are worth a sweep, and those that rest.

use crate::base::{Address, Context, Result, Ts};
use crate::gateway::order::OrderId;
use crate::gateway::sweeps::Sweepable;

::store::statements! {
    SWEEPABLE: (i64, Ts) => (Address, i64, i64) =
        "select d.address, d.idx, d.units from deposit_addresses d where d.units > 0 and d.units >= $1 \
         and not exists (select 1 from orders o where (o.owner = d.address or o.recipient = d.address) and o.kind <> 'payout' and o.kind <> 'faucet' \
                         and (o.state = 'approved' or o.state = 'signed' or o.state = 'in_flight' or o.state = 'needs_operator')) \
         and not exists (select 1 from sweep_rests r where r.address = d.address and r.until > $2) \
         order by d.units desc limit 8";
    OPEN_ORDERS_AT: (Address,) => (OrderId,) =
        "select id from orders where (owner = $1 or recipient = $1) and kind <> 'payout' and kind <> 'faucet' \
         and (state = 'approved' or state = 'signed' or state = 'in_flight' or state = 'needs_operator') limit 1";
    UNITS_AT: (Address,) => (i64,) = "select units from deposit_addresses where address = $1";
    FAILURES_AT: (Address,) => (i64,) = "select failures from sweep_rests where address = $1 {lock}";
    SAVE_REST: (Address, i64, Ts) => () =
        "insert into sweep_rests (address, failures, until) values ($1, $2, $3) \
         on conflict (address) do update set failures = excluded.failures, until = excluded.until";
    END_REST: (Address,) => () = "delete from sweep_rests where address = $1";
}

/// Deposit addresses with at least so much, without an order and not at rest, the fullest first.
pub(super) fn sweepable(cx: &mut Context<'_, '_>, least: i64, target: Address) -> Result<Vec<Sweepable>> {
    let now = cx.now;
    let rows = cx.tx.all(&SWEEPABLE, (least, now))?;
    Ok(rows.into_iter().map(|(address, index, units)| Sweepable { address, index, units, target }).collect())
}

/// Whether a sweep or its top-up is under way.
pub(super) fn has_open_order(cx: &mut Context<'_, '_>, address: Address) -> Result<bool> {
    Ok(cx.tx.maybe(&OPEN_ORDERS_AT, (address,))?.is_some())
}

/// What lies at a deposit address, in micro-USDT.
pub(super) fn units_at(cx: &mut Context<'_, '_>, address: Address) -> Result<i64> {
    Ok(cx.tx.maybe(&UNITS_AT, (address,))?.map_or(0, |(units,)| units))
}

/// How often it could not be swept since it was swept last.
pub(super) fn failures_at(cx: &mut Context<'_, '_>, address: Address) -> Result<i64> {
    Ok(cx.tx.maybe(&FAILURES_AT, (address,))?.map_or(0, |(failures,)| failures))
}

pub(super) fn save_rest(cx: &mut Context<'_, '_>, address: Address, failures: i64, until: Ts) -> Result<()> {
    Ok(cx.tx.write(&SAVE_REST, (address, failures, until))?)
}

pub(super) fn end_rest(cx: &mut Context<'_, '_>, address: Address) -> Result<()> {
    cx.tx.change(&END_REST, (address,))?;
    Ok(())
}

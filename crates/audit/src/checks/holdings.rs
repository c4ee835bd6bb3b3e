//! C5: what lies in our addresses on the chain is what the books say, and what arrived and is in nobody's balance.

use crate::accounts::{ONCHAIN, Tails};
use crate::error::AuditError;
use crate::findings::Findings;
use crate::notation::usdt;
use crate::reader::Reader;

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    // Before the chain is read nothing lies there.
    let (mut hot, mut cold, mut total) = (0i128, 0i128, 0i128);
    reader.rows("select hot, cold, total from chain_cursor", |row| {
        hot += i128::from(row.int(0)?);
        cold += i128::from(row.int(1)?);
        total += i128::from(row.int(2)?);
        Ok(())
    })?;
    let mut in_addresses = 0i128;
    reader.rows("select idx, units from deposit_addresses order by idx", |row| {
        let (index, units) = (row.int(0)?, i128::from(row.int(1)?));
        findings.require(units >= 0, || format!("deposit address {index}: {}, expected 0 or more", usdt(units)));
        in_addresses += units;
        Ok(())
    })?;
    for (wallet, units) in [("hot", hot), ("cold", cold)] {
        findings.require(units >= 0, || format!("{} in the {wallet} wallet, expected 0 or more", usdt(units)));
    }
    let expected = hot + cold + in_addresses;
    findings.require(total == expected, || format!("{} on the chain, expected {} as its addresses say", usdt(total), usdt(expected)));
    findings.count("micro on chain", total);
    let pending = pending(reader)?;
    let booked = booked(reader)?;
    findings.count("pending", pending);
    let expected = booked + pending;
    findings.require(total == expected, || {
        let (found, expected, booked) = (usdt(total), usdt(expected), usdt(booked));
        format!("{found} on the chain, expected {expected}: {booked} in the books and {} pending", usdt(pending))
    });
    Ok(())
}

/// What arrived and is not credited.
fn pending(reader: &Reader) -> Result<i128, AuditError> {
    let mut pending = 0;
    reader.rows("select amount from deposits where status <> 'credited'", |row| {
        pending += i128::from(row.int(0)?);
        Ok(())
    })?;
    Ok(pending)
}

/// What the books say lies on the chain: the mirror of it, sealed or not.
fn booked(reader: &Reader) -> Result<i128, AuditError> {
    let mut booked = -Tails::read(reader)?.of(ONCHAIN);
    reader.rows("select balance from accounts where kind = 'onchain'", |row| {
        booked -= i128::from(row.int(0)?);
        Ok(())
    })?;
    Ok(booked)
}

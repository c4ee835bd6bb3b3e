//! C2a: deposit addresses are given away in order, one to each user, for ever.

use crate::error::AuditError;
use crate::findings::Findings;
use crate::notation::hex;
use crate::reader::Reader;

const ADDRESSES: &str = "
    select a.idx, a.address, a.user_id, case when u.id is null then 0 else 1 end as exists_
    from deposit_addresses a left join users u on u.id = a.user_id
    order by a.idx, a.address";

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut next = 0i64;
    reader.rows(ADDRESSES, |row| {
        let (index, address, user) = (row.int(0)?, row.bytes(1)?, row.id(2)?);
        findings.require(index == next, || format!("deposit address {index}: expected {next}"));
        next = index.saturating_add(1);
        let is_address = address.len() == 21 && address[0] == 0x41;
        findings.require(is_address, || format!("deposit address {index}: {} is none", hex(address)));
        let exists = row.flag(3)?;
        findings.require(exists, || format!("deposit address {index}: its user {user} does not exist"));
        Ok(())
    })?;
    findings.count("addresses", next);
    let mut counters = 0u64;
    reader.rows("select next from deposit_address_counter order by id", |row| {
        counters += 1;
        let counter = row.int(0)?;
        findings.require(counter == next, || format!("the next deposit address is {counter}, expected {next}"));
        Ok(())
    })?;
    findings.require(counters == 1 || counters == 0 && next == 0, || format!("{counters} counters of deposit addresses, expected one"));
    distinct(reader, findings)
}

/// Not `group by … having`: that may be answered from the unique indexes, which are the locks under test.
fn distinct(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut before = Vec::new();
    reader.rows("select address, idx from deposit_addresses order by address, idx", |row| {
        let address = row.bytes(0)?;
        findings.require(before != address, || format!("deposit address {}: given away twice", hex(address)));
        address.clone_into(&mut before);
        Ok(())
    })?;
    let mut before = None;
    reader.rows("select user_id, idx from deposit_addresses order by user_id, idx", |row| {
        let user = row.id(0)?;
        findings.require(before != Some(user), || format!("user {user}: two deposit addresses"));
        before = Some(user);
        Ok(())
    })
}

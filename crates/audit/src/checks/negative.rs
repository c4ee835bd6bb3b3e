//! M2: nobody has less than nothing; only `onchain`, which mirrors what the chain owes us, may be below zero.

use crate::accounts::Tails;
use crate::error::AuditError;
use crate::findings::Findings;
use crate::notation::usdt;
use crate::reader::Reader;

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let tails = Tails::read(reader)?;
    let mut accounts = 0u64;
    reader.rows("select id, kind, balance from accounts order by id", |row| {
        accounts += 1;
        let id = row.id(0)?;
        let kind = row.text(1)?;
        let balance = i128::from(row.int(2)?) + tails.of(id);
        findings
            .require(balance >= 0 || kind == "onchain", || format!("account {id} ({kind}): balance {}, expected 0 or more", usdt(balance)));
        Ok(())
    })?;
    findings.count("accounts", accounts);
    Ok(())
}

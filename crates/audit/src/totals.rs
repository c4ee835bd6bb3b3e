//! The line at the end of a report: the ledger's digest, what is owed, what was earned.

use sha2::{Digest as _, Sha256};

use crate::accounts::{PLATFORM_FEES, Tails};
use crate::error::AuditError;
use crate::ledger;
use crate::notation::hex;
use crate::reader::Reader;

/// Figures that belong to the whole ledger and not to one check.
pub(crate) struct Totals {
    pub(crate) digest: String,
    pub(crate) accounts: u64,
    pub(crate) liabilities: i128,
    pub(crate) revenue: i128,
}

/// Reads the whole ledger once more for its totals.
pub(crate) fn totals(reader: &Reader) -> Result<Totals, AuditError> {
    let mut hash = Sha256::new();
    ledger::transactions(reader, |transaction| transaction.hash_into(&mut hash))?;
    let mut totals = Totals {
        digest: format!("sha256:{}", hex(&hash.finalize())),
        accounts: 0,
        liabilities: 0,
        revenue: Tails::read(reader)?.of(PLATFORM_FEES),
    };
    reader.rows("select kind, balance from accounts", |row| {
        totals.accounts += 1;
        let balance = i128::from(row.int(1)?);
        match row.text(0)? {
            "user_available" | "task_escrow" | "withdrawal_hold" => totals.liabilities += balance,
            "platform_fees" => totals.revenue += balance,
            _ => {}
        }
        Ok(())
    })?;
    Ok(totals)
}

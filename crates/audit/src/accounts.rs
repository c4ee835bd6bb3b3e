//! The platform's three accounts and the part of their balance that is not in their row yet.

use uuid::Uuid;

use crate::error::AuditError;
use crate::reader::Reader;

/// What the chain owes us, mirrored: the only account that may be below zero.
pub(crate) const ONCHAIN: Uuid = Uuid::from_u128(0x7000_8000_0000_0000_0001);
/// The platform's revenue.
pub(crate) const PLATFORM_FEES: Uuid = Uuid::from_u128(0x7000_8000_0000_0000_0002);
/// Money the operator put in.
pub(crate) const OPERATOR_CAPITAL: Uuid = Uuid::from_u128(0x7000_8000_0000_0000_0003);

/// Id and kind of the platform's accounts.
pub(crate) const PLATFORM: [(Uuid, &str); 3] =
    [(ONCHAIN, "onchain"), (PLATFORM_FEES, "platform_fees"), (OPERATOR_CAPITAL, "operator_capital")];

/// Whether this is one of the platform's accounts, whose rows follow only when a transaction is sealed.
pub(crate) fn is_platform(id: Uuid) -> bool {
    PLATFORM.iter().any(|(platform, _)| *platform == id)
}

/// Per platform account, the sum of its postings in transactions that are not sealed yet.
pub(crate) struct Tails([i128; 3]);

impl Tails {
    /// Reads the tail of the ledger.
    pub(crate) fn read(reader: &Reader) -> Result<Self, AuditError> {
        let mut tails = Self([0; 3]);
        reader.rows(
            "select p.from_account, p.to_account, p.amount
             from unsealed u join postings p on p.transaction_id = u.transaction_id",
            |row| {
                let amount = i128::from(row.int(2)?);
                tails.add(row.id(0)?, -amount);
                tails.add(row.id(1)?, amount);
                Ok(())
            },
        )?;
        Ok(tails)
    }

    /// The tail of an account: 0 for everybody but the platform.
    pub(crate) fn of(&self, account: Uuid) -> i128 {
        PLATFORM.iter().zip(self.0).find_map(|((id, _), tail)| (*id == account).then_some(tail)).unwrap_or_default()
    }

    fn add(&mut self, account: Uuid, amount: i128) {
        for ((id, _), tail) in PLATFORM.iter().zip(&mut self.0) {
            if *id == account {
                *tail += amount;
            }
        }
    }
}

//! The books: double entry, append only. Every other room moves money by asking this one to record a transaction.

pub mod account;
pub mod balance;
pub mod history;
pub mod record;
pub mod seal;
pub(crate) mod store;
pub mod transaction;

pub use account::{AccountId, AccountKind, NewAccount};
pub use balance::{Balance, announce_balance, balance_of, open_user_account};
pub use record::{announce, record};
pub use transaction::{Transaction, TransactionKind};

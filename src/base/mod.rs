//! The ground floor, open to every room: operations and their one transaction, money, time, ids, errors, limits, settings.

pub mod address;
pub mod call;
pub mod clock;
pub mod config;
pub mod config_load;
pub mod context;
mod credentials;
pub mod error;
pub mod event_settings;
pub mod hourly_limits;
pub mod hundredths;
pub mod idempotency;
pub mod ids;
pub mod input;
pub mod installation;
mod known_callers;
pub mod limit;
pub mod money;
pub mod news;
mod numbers;
pub mod operation;
pub mod page;
mod permission;
mod prepared;
pub mod random;
pub mod secrets;
pub(crate) mod store;
pub mod strangers;
mod waiting;
mod words;

pub use address::Address;
pub use clock::{Span, Ts};
pub use context::{Caller, Context, Scope};
pub use error::{Error, Result};
pub use ids::UserId;
pub use money::Usdt;

//! What people need beside a key: an account with an e-mail address, mails to it, a second factor.

pub mod account;
pub mod email;
pub mod factors;
pub mod mails;
pub mod one_time;
pub mod sign_up;
pub(crate) mod store;

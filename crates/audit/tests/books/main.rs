//! The auditor against ledgers that these tests write with raw SQL and arithmetic of their own: a healthy one must be
//! green, and every damage planted in it must be found.

mod chain;
mod chain_rows;
mod damage;
mod damage_chain;
mod damage_money;
mod damage_told;
mod damage_work;
mod dialect;
mod healthy;
mod market;
mod postgres;
mod refusals;
mod rows;
mod sabotage;
mod slots;
mod sqlite;
mod tampering;
mod withdrawals;
mod work;
mod work_rows;

//! The auditor against ledgers that these tests write with raw SQL and arithmetic of their own: a healthy one must be
//! green, and every damage planted in it must be found.

mod damage;
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
mod work;
mod work_rows;

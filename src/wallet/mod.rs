//! A user's money: balances, history, and what comes in.

pub mod balance;
pub mod deposit;
mod sandbox_faucet;
pub mod spend_cap;
pub(crate) mod store;
mod transactions;

use serde_json::json;

use crate::base::Usdt;
use crate::base::context::Scope;
use crate::base::operation::{Access, Method, Operation, command, csv, query};
use crate::base::tool::tool;

crate::refusals! {
    /// What this room refuses.
    pub enum WalletRefusal {
        SpendCapExceeded { left: Usdt } = 429 "spend_cap_exceeded": "This would spend more in an hour than you have allowed yourself; {left} USDT are left." => "Wait, or raise max_hourly_spend_usd in your profile.";
        StatementTooLong { most: usize } = 422 "statement_too_long": "This statement would have more than {most} lines." => "Ask for a shorter time with `from` and `to`.";
    }
}

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    vec![
        query("get_balance", Method::Get, "/api/v1/finance/balance", Access::User(Scope::Read), balance::get_balance)
            .about("Your money: available, held in escrows and withdrawals, and both together.")
            .tool(tool("Get your balance", "Return your money in USDT: available, held (in task escrows and withdrawals) and both together. Use it before publish_task, or to see what you earned. How it came about, change by change, is in get_transactions.")),
        query("get_agent_balance", Method::Get, "/api/v1/agent/balance", Access::User(Scope::Read), balance::get_agent_balance)
            .about("Your money, with the field names that bots know beside the usual ones."),
        query("get_transactions", Method::Get, "/api/v1/finance/transactions", Access::User(Scope::Read), transactions::get_transactions)
            .about("Every change of your available balance, newest first, in pages.")
            .tool(tool("List balance changes", "Page through every change of your available balance, newest first: deposits, earnings, escrows, refunds, tips, commissions, each with the balance after it. Filter by kind or time. The balance alone is in get_balance; the progress of one payout in get_withdrawal.")),
        csv("get_statement", "/api/v1/finance/statement.csv", Access::User(Scope::Read), transactions::get_statement)
            .about("Your history as a CSV file."),
    ]
}

/// What this room offers in the sandbox only.
pub fn sandbox_operations() -> Vec<Operation> {
    vec![
        command("sandbox_faucet", Method::Post, "/sandbox/faucet", Access::Sandbox, sandbox_faucet::sandbox_faucet)
            .example(json!({ "user_id": "USER_ID", "usdt": 100 }))
            .about("Play money for a user of the sandbox."),
    ]
}

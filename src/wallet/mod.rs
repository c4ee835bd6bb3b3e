//! A user's money: balances, history, what comes in and what goes out. What happens on the chain is the gateway's.

pub mod balance;
pub mod custody;
pub mod deposit;
pub mod deposit_address;
pub mod payouts;
pub mod review;
pub mod risk;
pub mod spend_cap;
pub(crate) mod store;
mod transactions;
mod withdraw;
pub mod withdrawal;
mod withdrawals;

use serde_json::json;

use crate::base::Usdt;
use crate::base::context::Scope;
use crate::base::limit::Policy;
use crate::base::operation::{Access, Method, Operation, command, csv, query};
use crate::base::tool::tool;

crate::refusals! {
    /// What this room refuses.
    pub enum WalletRefusal {
        SpendCapExceeded { left: Usdt } = 429 "spend_cap_exceeded": "This would spend more in an hour than you have allowed yourself; {left} USDT are left." => "Wait, or raise max_hourly_spend_usd in your profile.";
        ChainNotRead = 503 "chain_not_read": "The gateway has not read the chain yet, so no addresses are given away." => "Try again in a minute; tell the operator if it stays.";
        BelowMinimum { least: Usdt } = 422 "amount_below_minimum": "A withdrawal is at least {least} USDT." => "Withdraw more at once.";
        AboveMaximum { most: Usdt } = 422 "amount_above_maximum": "One payout sends at most {most} USDT." => "Split it into several withdrawals.";
        NoDestination = 422 "address_refused": "USDT must not be sent to this address: it belongs to this marketplace, to the token, or to nobody." => "Give the address of a wallet of your own.";
        NotCancellable = 409 "not_cancellable": "This withdrawal cannot be taken back any more." => "Look at its status and timeline.";
        NotInReview = 409 "withdrawal_not_in_review": "This withdrawal is not in review." => "Look at its status; it may have been decided.";
        MayBePaid = 409 "may_be_paid": "A payment that this database knows nothing of may be this withdrawal." => "Look at unknown_payments of the gateway; approve it and confirm its order with the transaction.";
        AlreadyApproved = 409 "already_approved": "You have approved this withdrawal; another admin has to." => "Ask another admin.";
        OwnWithdrawal = 409 "own_withdrawal": "Nobody decides about his own withdrawal." => "Ask another admin.";
        StatementTooLong { most: usize } = 422 "statement_too_long": "This statement would have more than {most} lines." => "Ask for a shorter time with `from` and `to`.";
    }
}

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    [money(), coming_in(), going_out(), for_admins()].concat()
}

fn money() -> Vec<Operation> {
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

fn coming_in() -> Vec<Operation> {
    const ADDRESS: &str = "/api/v1/finance/deposit/address";
    vec![
        command("create_deposit", Method::Get, ADDRESS, Access::User(Scope::Read), deposit_address::get_deposit_address)
            .also(Method::Post, "/api/v1/finance/deposit")
            .about("Your permanent deposit address: send USDT (TRC-20) there, it is credited by itself once its block is final.")
            .tool(tool("Get your deposit address", "Return your own permanent TRC-20 address for USDT, made on first use. Use it to fund your balance. USDT on TRON only: all else is lost. Credited about a minute after the transfer: see get_balance or get_transactions. Less than 1.00 waits until it adds up to that.").idempotent()),
        query("get_deposits", Method::Get, "/api/v1/finance/deposits", Access::User(Scope::Read), deposit::get_deposits)
            .about("What arrived at your deposit address, newest first, and what waits for the minimum."),
    ]
}

fn going_out() -> Vec<Operation> {
    vec![
        command("create_withdrawal", Method::Post, "/api/v1/finance/withdraw", Access::User(Scope::Withdraw), withdraw::withdraw)
            .creates()
            .limit(Policy::Withdraw)
            .needs_idempotency_key()
            .example(json!({ "amount": 25.00, "address": "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH", "currency": "USDT" }))
            .about("Send USDT to a TRON address of yours. It leaves your balance at once; risk rules and perhaps an admin come next. A session of somebody who has a second factor must have shown it in the last 15 minutes.")
            .tool(tool("Withdraw USDT", "Send USDT to a TRON address of yours. Debits the amount now, fee of 1.50 included; at least 20.00. It may wait for an admin and cannot be taken back once it is sent: check the address twice. Needs idempotency_key: repeated with the same key it is done once. Then see get_withdrawal and get_balance.").destroys().idempotent().reaches_out()),
        query("get_withdrawals", Method::Get, "/api/v1/finance/withdrawals", Access::User(Scope::Read), withdrawals::get_withdrawals)
            .about("Your withdrawals, newest first, in pages."),
        query(
            "get_withdrawal",
            Method::Get,
            "/api/v1/finance/withdrawals/{withdrawal_id}",
            Access::User(Scope::Read),
            withdrawals::get_withdrawal,
        )
        .about("One withdrawal with its timeline, reasons and transaction.")
        .tool(tool("Get a withdrawal", "Return one of your own withdrawals: how far it is, why, its timeline and its transaction on the chain. Use it after create_withdrawal; your other money movements are in get_transactions.")),
        command(
            "cancel_withdrawal",
            Method::Post,
            "/api/v1/finance/withdrawals/{withdrawal_id}/cancel",
            Access::User(Scope::Withdraw),
            withdrawals::cancel_withdrawal,
        )
        .about("Take a withdrawal back while nothing is signed; the whole amount is available again."),
    ]
}

fn for_admins() -> Vec<Operation> {
    const APPROVE: &str = "/api/v1/admin/withdrawals/{withdrawal_id}/approve";
    const REJECT: &str = "/api/v1/admin/withdrawals/{withdrawal_id}/reject";
    vec![
        query("admin_list_withdrawals", Method::Get, "/api/v1/admin/withdrawals", Access::Admin, review::list_withdrawals)
            .about("Withdrawals with a status, those in review unless said otherwise, the oldest first."),
        command("admin_approve_withdrawal", Method::Post, APPROVE, Access::Admin, review::approve_withdrawal)
            .example(json!({ "reason": "The user is known." }))
            .about("Let a withdrawal in review go out; a large one needs two different admins."),
        command("admin_reject_withdrawal", Method::Post, REJECT, Access::Admin, review::reject_withdrawal)
            .example(json!({ "reason": "The address belongs to somebody else." }))
            .about("Refuse a withdrawal in review; its money goes back to the user."),
    ]
}

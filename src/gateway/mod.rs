//! The payment gateway: follows the solid chain, credits what arrives, and carries out what has to leave, once.
//!
//! Jobs of [`runner`] talk to nodes while no transaction is open; what they learn goes through the operations of the other
//! files, each of which looks for itself whether it still holds.

mod admin;
pub mod attempt;
pub mod begin;
pub mod compare;
mod faucet;
mod float;
pub mod freeze;
pub mod keystore;
pub mod lease;
pub mod networks;
pub mod new_keys;
pub mod order;
mod orders;
mod outcome;
pub mod outgoing;
pub mod plan;
pub mod public_phrases;
pub mod runner;
pub mod sandbox_keys;
pub mod scan;
pub mod sieve;
pub mod state;
pub(crate) mod store;
pub mod sweeps;
mod transparency;

use serde_json::json;

use crate::base::Usdt;
use crate::base::operation::{Access, Method, Operation, command, query};

crate::refusals! {
    /// What this room refuses.
    pub enum GatewayRefusal {
        LeaseLost = 503 "lease_lost": "Another gateway has taken over." => "Nothing to do: it goes on.";
        NotBegun = 503 "chain_not_read": "The gateway has not read the chain yet." => "Try again in a minute; tell the operator if it stays.";
        NoNode { why: String } = 503 "no_node": "No node of the chain gives a usable answer: {why}." => "Nothing to do: it is tried again.";
        NotFrozen = 409 "not_frozen": "Payouts are not stopped for this reason." => "Look at the state of the gateway.";
        NeedsNobody = 409 "needs_no_operator": "This order does not wait for an operator." => "Look at its state.";
        AttemptLives = 409 "attempt_lives": "A transaction of this order may still get into a block." => "Wait until it has expired on the solid chain.";
        HappenedAlready = 409 "happened_already": "A transaction of this order is in a solid block." => "Confirm the order with it.";
        NotSeen = 422 "transaction_not_seen": "The gateway has not seen a transaction with this id that does what the order says." => "Check the txid, the sender, the recipient and the amount.";
        NotYourMoney { most: Usdt } = 422 "not_your_money": "The operator has {most} USDT here that are not ordered out yet." => "Take out less.";
    }
}

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    [for_everybody(), for_admins()].concat()
}

fn for_everybody() -> Vec<Operation> {
    vec![
        query("get_transparency", Method::Get, "/api/v1/transparency", Access::Open, transparency::get_transparency)
            .about("What users are owed, what lies on the chain for it, and at which block that was compared."),
    ]
}

fn for_admins() -> Vec<Operation> {
    const ORDERS: &str = "/api/v1/admin/orders";
    vec![
        query("admin_get_gateway", Method::Get, "/api/v1/admin/gateway", Access::Admin, state::get_gateway)
            .about("How far the chain was read, what lies in the wallets, and what stands in the way of payouts."),
        command("admin_freeze_payouts", Method::Post, "/api/v1/admin/gateway/freeze", Access::Admin, admin::freeze_payouts)
            .example(json!({ "reason": "The hot wallet is being moved." }))
            .about("Stop signing payouts. Deposits go on."),
        command("admin_unfreeze_payouts", Method::Post, "/api/v1/admin/gateway/unfreeze", Access::Admin, admin::unfreeze_payouts)
            .example(json!({ "freeze": "operator", "reason": "The hot wallet was moved." }))
            .about("Lift one reason for which nothing is signed."),
        query("admin_list_orders", Method::Get, ORDERS, Access::Admin, orders::list_orders)
            .about("What has to happen on the chain, by state; those that need an operator unless said otherwise."),
        command("admin_retry_order", Method::Post, "/api/v1/admin/orders/{order_id}/retry", Access::Admin, admin::retry_order)
            .example(json!({ "reason": "The node was down." }))
            .about("Make another attempt, when none may still get into a block."),
        command("admin_refund_order", Method::Post, "/api/v1/admin/orders/{order_id}/refund", Access::Admin, admin::refund_order)
            .example(json!({ "reason": "The address cannot be paid." }))
            .about("Give the money of a payout back, when every attempt is proven dead."),
        command("admin_confirm_order", Method::Post, "/api/v1/admin/orders/{order_id}/confirm", Access::Admin, admin::confirm_order)
            .example(json!({ "txid": "0".repeat(64), "reason": "Paid before the backup was restored." }))
            .about("Confirm an order that waits or needs an operator, by a transaction that the gateway has seen on the solid chain."),
        command("admin_float_out", Method::Post, "/api/v1/admin/gateway/float-out", Access::Admin, admin::float_out)
            .creates()
            .example(json!({ "amount": 100, "address": "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH", "reason": "Profit of May." }))
            .about("Send money of the operator's own out of the hot wallet."),
    ]
}

/// What this room offers in the sandbox only.
pub fn sandbox_operations() -> Vec<Operation> {
    vec![
        command("sandbox_faucet", Method::Post, "/sandbox/faucet", Access::Sandbox, faucet::sandbox_faucet)
            .example(json!({ "user_id": "USER_ID", "usdt": 100 }))
            .about("Play money: a transfer on the devnet to a user's deposit address or any other, credited when this answers."),
    ]
}

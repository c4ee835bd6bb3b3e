//! The chain and the withdrawals of a market as raw SQL.

use uuid::Uuid;

use crate::chain::{Attempt, Order};
use crate::dialect::Dialect;
use crate::market::Market;
use crate::withdrawals::FEE;

/// The statements that fill the tables of the chain.
pub fn inserts(market: &Market, dialect: Dialect, sql: &mut Vec<String>) {
    deposits(market, dialect, sql);
    withdrawals(market, dialect, sql);
    let chain = &market.chain;
    for block in &chain.blocks {
        let (hash, parent) = (dialect.bytes(&block.hash), dialect.bytes(&block.parent));
        sql.push(format!("insert into chain_blocks values ({}, {hash}, {parent}, {})", block.number, block.at));
    }
    let (tip, hash) = (chain.tip(), dialect.bytes(&chain.tip().hash));
    let (number, at, hot, total) = (tip.number, tip.at, chain.hot, chain.total());
    sql.push(format!("insert into chain_cursor values (1, {number}, {hash}, {at}, 0, {hot}, 0, {total})"));
    for order in &chain.orders {
        insert_order(order, dialect, sql);
    }
    for (txid, log_index, block, owner, recipient, amount, outcome) in &chain.outgoing {
        let (txid, owner, known) = (dialect.bytes(txid), dialect.bytes(owner), dialect.bool(true));
        let recipient = recipient.map_or_else(|| "null".to_owned(), |recipient| dialect.bytes(&recipient));
        sql.push(format!(
            "insert into outgoing_seen values ({txid}, {log_index}, {block}, {owner}, {recipient}, {amount}, '{outcome}', {known})"
        ));
    }
    for (order, n) in chain.adopted.iter().zip(1..) {
        let (id, order, admin) = (dialect.id(Uuid::from_u128(0x8888_0000 + n)), dialect.id(*order), dialect.id(market.users[0].id));
        sql.push(format!("insert into admin_actions values ({id}, {admin}, 'confirm_order', {order}, 'paid', '', '', 0)"));
    }
}

fn deposits(market: &Market, dialect: Dialect, sql: &mut Vec<String>) {
    let chain = &market.chain;
    for ((address, user, units), n) in chain.addresses.iter().zip(0..) {
        let (address, user) = (dialect.bytes(address), dialect.id(*user));
        sql.push(format!("insert into deposit_addresses values ({n}, {address}, {user}, {units}, 0)"));
    }
    sql.push(format!("insert into deposit_address_counter values (1, {})", chain.addresses.len()));
    for deposit in &chain.deposits {
        let (address, user, _) = chain.addresses[deposit.home];
        let (id, txid, at) = (dialect.id(deposit.id), dialect.bytes(&deposit.txid), deposit.at);
        let (sender, address, user) = (dialect.bytes(&[0x41; 21]), dialect.bytes(&address), dialect.id(user));
        let (log_index, block, amount) = (deposit.log_index, deposit.block, deposit.amount);
        let end = if deposit.is_credited { format!("'credited', {at}, {at}") } else { format!("'below_minimum', {at}, null") };
        sql.push(format!(
            "insert into deposits values ({id}, {txid}, {log_index}, {block}, {sender}, {address}, {user}, {amount}, null, {end})"
        ));
    }
}

fn withdrawals(market: &Market, dialect: Dialect, sql: &mut Vec<String>) {
    for withdrawal in &market.withdrawals {
        let (id, user, address) = (dialect.id(withdrawal.id), dialect.id(withdrawal.user), dialect.bytes(&withdrawal.address));
        let (amount, at) = (withdrawal.amount, withdrawal.at);
        let status = withdrawal.steps.last().expect("queued at least");
        let txid = withdrawal.txid.map_or_else(|| "null".to_owned(), |txid| dialect.bytes(&txid));
        let cleared = if withdrawal.is_cleared { at.to_string() } else { "null".to_owned() };
        let due = if *status == "in_review" { (at + 1).to_string() } else { "null".to_owned() };
        sql.push(format!(
            "insert into withdrawals values ({id}, {user}, {address}, {amount}, {FEE}, '{status}', '', {cleared}, {txid}, {at}, {due})"
        ));
        for (status, n) in withdrawal.steps.iter().zip(1..) {
            sql.push(format!("insert into withdrawal_steps values ({id}, {n}, '{status}', {at}, '')"));
        }
    }
}

fn insert_order(order: &Order, dialect: Dialect, sql: &mut Vec<String>) {
    let Order { kind, amount, failures, at, .. } = order;
    let (id, owner, recipient) = (dialect.id(order.id), dialect.bytes(&order.owner), dialect.bytes(&order.recipient));
    let (asset, attempts) = (if *kind == "top_up" { "trx" } else { "usdt" }, order.attempts.len());
    let state = order.steps.last().expect("approved at least");
    sql.push(format!(
        "insert into orders values ({id}, '{kind}', '{asset}', {owner}, {recipient}, {amount}, '{state}', {attempts}, {failures}, 0, '', {at}, {at})"
    ));
    for (state, n) in order.steps.iter().zip(1..) {
        sql.push(format!("insert into order_steps values ({id}, {n}, '{state}', {at}, '')"));
    }
    for (attempt, n) in order.attempts.iter().zip(1..) {
        let Attempt { ref_number, expires_at, state, sends, .. } = attempt;
        let (txid, signed) = (dialect.bytes(&attempt.txid), dialect.bytes(&attempt.signed));
        let block = attempt.block.map_or_else(|| "null".to_owned(), |block| block.to_string());
        let proof = attempt
            .proof
            .map_or_else(|| "null, null, null".to_owned(), |(number, hash, at)| format!("{number}, {}, {at}", dialect.bytes(&hash)));
        sql.push(format!(
            "insert into attempts values ({txid}, {id}, {n}, {signed}, {ref_number}, {expires_at}, 0, '{state}', {sends}, null, '', 0, \
             {block}, {proof}, {at})"
        ));
    }
}

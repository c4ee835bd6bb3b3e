//! A market as raw SQL.

use uuid::Uuid;

use crate::chain_rows;
use crate::dialect::Dialect;
use crate::market::Market;
use crate::work_rows;

/// The statements that fill an empty schema with the market.
pub fn inserts(market: &Market, dialect: Dialect) -> String {
    let mut sql = vec!["delete from chain_head".to_owned()];
    if dialect == Dialect::Sqlite {
        // The schema brings the platform's accounts; the market brings them with their balances.
        sql.push("drop trigger accounts_no_delete".to_owned());
        sql.push("delete from accounts".to_owned());
        sql.push(
            "create trigger accounts_no_delete before delete on accounts \
             begin select raise(abort, 'accounts stay'); end"
                .to_owned(),
        );
    } else {
        sql.push("alter table accounts disable trigger user".to_owned());
        sql.push("delete from accounts".to_owned());
        sql.push("alter table accounts enable trigger user".to_owned());
    }
    people(market, dialect, &mut sql);
    ledger(market, dialect, &mut sql);
    work_rows::inserts(market, dialect, &mut sql);
    chain_rows::inserts(market, dialect, &mut sql);
    sql.join(";\n") + ";\n"
}

fn people(market: &Market, dialect: Dialect, sql: &mut Vec<String>) {
    let (no, hash, digest) = (dialect.bool(false), dialect.bytes(&[1; 32]), dialect.bytes(&[2; 16]));
    for (n, user) in market.users.iter().enumerate() {
        let id = dialect.id(user.id);
        let referrer = user.referrer.map_or_else(|| "null".to_owned(), |referrer| dialect.id(referrer));
        let fresh = dialect.id(Uuid::from_u128(0x7777_0000 + n as u128));
        let own_hash = dialect.bytes(&[u8::try_from(n).expect("few users"); 32]);
        sql.push(format!(
            "insert into users values ({id}, 'user{n}', {no}, 'User {n}', {no}, {no}, 'active', '', '[]', null, null, \
             'code{n}', {referrer}, {})",
            user.since
        ));
        sql.push(format!("insert into passwords values ({id}, 'user{n}@example.org', null, 'phc', 1, null, 0)"));
        sql.push(format!("insert into api_keys values ({fresh}, {id}, 'rr_', {own_hash}, 'key', {}, 0, null, null, null)", n + 1));
        sql.push(format!("insert into sessions values ({fresh}, {id}, 'api', 'aal1', '[]', 0, 0, 0, 0, null, 0, null, '::1', 'test')"));
    }
    sql.push(format!("insert into idempotency values ({digest}, {hash}, 201, {hash}, 0, {no})"));
}

fn ledger(market: &Market, dialect: Dialect, sql: &mut Vec<String>) {
    for (id, account) in &market.accounts {
        sql.push(format!(
            "insert into accounts values ({}, {}, '{}', {}, {}, {})",
            dialect.id(*id),
            dialect.id(account.owner),
            account.kind,
            dialect.id(account.reference),
            account.balance,
            account.entries.len()
        ));
        for ((transaction, amount, after), seq) in account.entries.iter().zip(1..) {
            let (id, transaction) = (dialect.id(*id), dialect.id(*transaction));
            sql.push(format!("insert into entries values ({id}, {seq}, {transaction}, {amount}, {after})"));
        }
    }
    for (n, transaction) in market.transactions.iter().enumerate() {
        let id = dialect.id(transaction.id);
        sql.push(format!(
            "insert into transactions values ({id}, '{}', {}, {}, {})",
            transaction.kind,
            dialect.id(transaction.reference),
            transaction.at,
            dialect.id(transaction.actor)
        ));
        for ((from, to, amount), n) in transaction.postings.iter().zip(1..) {
            let (from, to) = (dialect.id(*from), dialect.id(*to));
            sql.push(format!("insert into postings values ({id}, {n}, {from}, {to}, {amount})"));
        }
        sql.push(match market.seals.get(n) {
            Some(hash) => format!("insert into seals values ({}, {id}, {})", n + 1, dialect.bytes(hash)),
            None => format!("insert into unsealed values ({id})"),
        });
    }
    let head = market.seals.last().expect("a healthy market is partly sealed");
    sql.push(format!("insert into chain_head values (1, {}, {})", market.seals.len(), dialect.bytes(head)));
}

const LOCKED: [&str; 32] = [
    "accounts",
    "transactions",
    "postings",
    "entries",
    "unsealed",
    "seals",
    "chain_head",
    "events",
    "fresh_events",
    "tasks",
    "acceptances",
    "submissions",
    "remarks",
    "tips",
    "commissions",
    "ratings",
    "untallied",
    "reputations",
    "fresh_entries",
    "deposit_addresses",
    "deposit_address_counter",
    "deposits",
    "withdrawals",
    "withdrawal_steps",
    "chain_cursor",
    "chain_blocks",
    "orders",
    "order_steps",
    "attempts",
    "outgoing_seen",
    "freezes",
    "admin_actions",
];

/// Takes every lock off the books and the market: a copied table has no trigger, no check and no index.
pub fn unlock() -> String {
    LOCKED
        .map(|table| format!("create table spare as select * from {table}; drop table {table}; alter table spare rename to {table};"))
        .join("\n")
}

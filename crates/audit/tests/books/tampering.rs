//! Random tampering with amounts, states, counts and who they belong to: all of it is found. (Times and texts are not
//! drawn: most times are exact in some state only, and texts are in no hash.)

use audit::{AuditError, Report};

use crate::dialect::Dialect;
use crate::market::{Dice, Market};
use crate::sqlite::Original;

enum Column {
    /// Holds an amount or a number.
    Number(&'static str),
    /// Holds an id; another one is taken from this query.
    Id(&'static str, &'static str),
    /// Holds one of these words; another one is taken.
    Word(&'static str, &'static [&'static str]),
}
use Column::{Id, Number, Word};

const ACCOUNTS: &str = "select id from accounts";
const TRANSACTIONS: &str = "select id from transactions";
const USERS: &str = "select id from users";
const TASKS: &str = "select id from tasks";
const SLOTS: &str = "select id from acceptances";
const PROOFS: &str = "select id from submissions";
const ORDERS: &str = "select id from orders";

const TASK_STATES: &[&str] = &["open", "closing", "completed", "expired", "cancelled"];
const SLOT_STATES: &[&str] =
    &["accepted", "submitted", "changes_requested", "rejected", "disputed", "approved", "refunded", "split", "withdrawn", "expired"];

const TABLES: &[(&str, &[Column])] = &[
    ("accounts", &[Number("balance"), Number("entries"), Id("id", ACCOUNTS), Id("owner", ACCOUNTS), Id("reference", ACCOUNTS)]),
    ("transactions", &[Id("id", TRANSACTIONS)]),
    (
        "postings",
        &[Number("amount"), Number("n"), Id("from_account", ACCOUNTS), Id("to_account", ACCOUNTS), Id("transaction_id", TRANSACTIONS)],
    ),
    (
        "entries",
        &[Number("amount"), Number("seq"), Number("balance_after"), Id("account_id", ACCOUNTS), Id("transaction_id", TRANSACTIONS)],
    ),
    ("seals", &[Number("position"), Id("transaction_id", TRANSACTIONS)]),
    ("unsealed", &[Id("transaction_id", TRANSACTIONS)]),
    ("chain_head", &[Number("position")]),
    (
        "tasks",
        &[
            Number("reward"),
            Number("slots_total"),
            Number("slots_live"),
            Number("slots_filled"),
            Number("slots_refunded"),
            Number("rejections"),
            Number("review_hours"),
            Number("published_at"),
            Id("id", TASKS),
            Id("creator_id", USERS),
            Word("status", TASK_STATES),
        ],
    ),
    (
        "acceptances",
        &[
            Number("paid"),
            Number("submissions"),
            Number("reminders"),
            Id("id", SLOTS),
            Id("task_id", TASKS),
            Id("worker_id", USERS),
            Word("status", SLOT_STATES),
        ],
    ),
    ("submissions", &[Number("n"), Id("id", PROOFS), Id("acceptance_id", SLOTS), Id("task_id", TASKS)]),
    ("remarks", &[Id("acceptance_id", SLOTS), Word("kind", &["changes", "rejection", "dispute", "decision"])]),
    ("tips", &[Number("amount"), Id("id", TRANSACTIONS), Id("acceptance_id", SLOTS)]),
    ("commissions", &[Number("earned"), Id("referrer_id", USERS), Id("referred_id", USERS)]),
    ("ratings", &[Number("stars"), Id("acceptance_id", SLOTS), Id("rater_id", USERS), Id("rated_id", USERS)]),
    (
        "reputations",
        &[
            Number("completed"),
            Number("paid"),
            Number("reviews"),
            Number("rejections"),
            Number("disputes"),
            Number("disputes_lost"),
            Number("stars"),
            Number("ratings"),
            Id("user_id", USERS),
        ],
    ),
    ("untallied", &[Id("user_id", USERS)]),
    ("events", &[Number("seq"), Id("user_id", USERS)]),
    ("fresh_events", &[Id("user_id", USERS)]),
    ("chain_cursor", &[Number("number"), Number("hot"), Number("cold"), Number("total")]),
    ("chain_blocks", &[Number("number")]),
    ("deposit_addresses", &[Number("idx"), Number("units"), Id("user_id", USERS)]),
    (
        "deposits",
        &[
            Number("amount"),
            Number("log_index"),
            Id("id", TRANSACTIONS),
            Id("user_id", USERS),
            Word("status", &["credited", "below_minimum"]),
        ],
    ),
    ("withdrawals", &[Number("amount"), Number("fee"), Id("id", TRANSACTIONS), Id("user_id", USERS), Word("status", WITHDRAWAL_STATES)]),
    ("withdrawal_steps", &[Number("n"), Id("withdrawal_id", ORDERS), Word("status", WITHDRAWAL_STATES)]),
    ("orders", &[Number("attempts"), Id("id", ORDERS), Word("state", ORDER_STATES)]),
    ("order_steps", &[Number("n"), Id("order_id", ORDERS), Word("state", ORDER_STATES)]),
    ("attempts", &[Number("n"), Id("order_id", ORDERS), Word("state", ATTEMPT_STATES)]),
    ("outgoing_seen", &[Number("amount")]),
];

const WITHDRAWAL_STATES: &[&str] = &["queued", "in_review", "sending", "completed", "rejected", "cancelled", "refunded"];
const ORDER_STATES: &[&str] = &["approved", "signed", "in_flight", "confirmed", "refunded", "dropped", "needs_operator"];
const ATTEMPT_STATES: &[&str] = &["live", "confirmed", "failed", "dead"];

/// Does `cases` damages; `rows` counts a table, `spoiled` audits a fresh copy after the SQL it is given.
pub fn tamper(dialect: Dialect, seed: u64, cases: u32, rows: &dyn Fn(&str) -> i64, spoiled: &dyn Fn(&str) -> Result<Report, AuditError>) {
    let mut dice = Dice(seed);
    for case in 0..cases {
        let sql = one(dialect, &mut dice, rows);
        let report = spoiled(&sql).unwrap_or_else(|error| panic!("seed {seed}, case {case}, {sql}: {error}"));
        assert!(report.violations() > 0, "seed {seed}, case {case} was not found: {sql}\n{report}");
    }
}

fn one(dialect: Dialect, dice: &mut Dice, rows: &dyn Fn(&str) -> i64) -> String {
    let index = dice.between(0, i64::try_from(TABLES.len()).expect("few") - 1);
    let (table, columns) = &TABLES[usize::try_from(index).expect("not negative")];
    let name = dialect.row_name();
    let row = dice.between(0, rows(table) - 1);
    let row = format!("{name} = (select {name} from {table} order by {name} limit 1 offset {row})");
    match dice.between(0, 3) {
        0 => format!("delete from {table} where {row}"),
        1 => format!("insert into {table} select * from {table} where {row}"),
        _ => {
            let index = dice.between(0, i64::try_from(columns.len()).expect("few") - 1);
            match &columns[usize::try_from(index).expect("not negative")] {
                Number(column) => {
                    let change = dice.pick(&[1, -1, 1_000_000, -1_000_000, 123_456_789]);
                    format!("update {table} set {column} = {column} + {change} where {row}")
                }
                Word(column, words) => {
                    let (word, other) = (dice.pick(words), dice.pick(words));
                    let other = if other == word { words[0] } else { other };
                    let word = if other == word { words[1] } else { word };
                    format!("update {table} set {column} = case {column} when '{word}' then '{other}' else '{word}' end where {row}")
                }
                Id(column, others) => {
                    let other = dice.between(0, 6);
                    format!(
                        "update {table} set {column} = (select x.id from ({others}) x where x.id <> {table}.{column} \
                         order by x.id limit 1 offset {other}) where {row}"
                    )
                }
            }
        }
    }
}

#[test]
fn three_hundred_random_damages_are_all_found() {
    let original = Original::new(&Market::healthy(2));
    tamper(Dialect::Sqlite, 20_260_523, 300, &|table| original.rows(table), &|sql| original.spoiled(sql));
}

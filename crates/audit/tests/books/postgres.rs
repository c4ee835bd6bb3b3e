//! The same fixtures in PostgreSQL. `ROBORENT_TEST_POSTGRES_URL` names a superuser's url; the tests make databases of
//! their own there and drop them.

use std::hash::{BuildHasher as _, RandomState};

use audit::{AuditError, Options, Report, Source, audit};
use tokio_postgres::NoTls;

use crate::dialect::Dialect;
use crate::market::Market;
use crate::rows::{inserts, unlock};

/// The url of the server under test, or none, said aloud.
fn server() -> Option<String> {
    if let Some(url) = setting("ROBORENT_TEST_POSTGRES_URL") {
        return Some(url);
    }
    #[expect(clippy::print_stdout, reason = "a skipped engine must be seen in the log of the tests")]
    {
        println!("SKIPPED postgres");
    }
    let required = setting("ROBORENT_REQUIRE_POSTGRES").as_deref() == Some("1");
    assert!(!required, "ROBORENT_REQUIRE_POSTGRES=1, but ROBORENT_TEST_POSTGRES_URL is not set");
    None
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but their environment")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The same server, another database: `postgres://host/HERE?options`.
fn in_database(url: &str, name: &str) -> String {
    let (address, options) = url.split_once('?').map_or((url, ""), |(address, options)| (address, options));
    let begin = address.find("://").map_or(0, |scheme| scheme + 3);
    let host = address[begin..].split('/').next().unwrap_or_default();
    format!("{}{host}/{name}?{options}", &address[..begin])
}

fn execute(url: &str, sql: &str) {
    rows(url, sql);
}

/// Runs statements and gives back the first column of the last answer.
fn rows(url: &str, sql: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
        let driver = tokio::spawn(connection);
        let answers = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        drop(client);
        driver.await.expect("the connection's task").expect("the connection");
        let cells = answers.iter().filter_map(|answer| match answer {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        cells.collect()
    })
}

/// Every table that is damaged.
const TABLES: [&str; 40] = [
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
    "users",
    "passwords",
    "api_keys",
    "sessions",
    "idempotency",
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
    "webhook_deliveries",
    "webhook_endpoints",
    "webhook_attempts",
];

/// A database that goes away with the test.
struct Database {
    server: String,
    name: String,
}

impl Database {
    fn new(server: &str, template: Option<&Database>) -> Self {
        let name = format!("audit_{:016x}", RandomState::new().hash_one(()));
        let template = template.map_or("template0", |template| &template.name);
        execute(server, &format!("create database {name} template {template}"));
        Self { server: server.to_owned(), name }
    }

    fn healthy(server: &str, market: &Market) -> Self {
        let database = Self::new(server, None);
        let dialect = Dialect::Postgres;
        execute(&database.url(), &format!("begin; {}{} commit;", dialect.schema(), inserts(market, dialect)));
        database
    }

    fn url(&self) -> String {
        in_database(&self.server, &self.name)
    }

    fn audit(&self) -> Result<Report, AuditError> {
        audit(&Source::Postgres(self.url()), &Options::default())
    }

    /// Without locks, and with a copy of every table beside it, so that damage can be undone.
    fn to_be_damaged(server: &str, market: &Market) -> Self {
        let database = Self::healthy(server, market);
        execute(&database.url(), &unlock());
        let keep = TABLES.map(|table| format!("create table kept.{table} as select * from {table};")).concat();
        execute(&database.url(), &format!("create schema kept; {keep}"));
        database
    }

    /// Audits after damage that leaves the tables in their place, and undoes it. Much faster than a copy for each.
    fn damaged(&self, damage: &str) -> Result<Report, AuditError> {
        execute(&self.url(), damage);
        let report = self.audit();
        let undo = TABLES.map(|table| format!("truncate {table}; insert into {table} select * from kept.{table};")).concat();
        execute(&self.url(), &format!("begin; {undo} commit"));
        report
    }

    fn spoiled(&self, damage: &str) -> Result<Report, AuditError> {
        let copy = Self::new(&self.server, Some(self));
        execute(&copy.url(), damage);
        copy.audit()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        execute(&self.server, &format!("drop database if exists {} with (force)", self.name));
    }
}

#[test]
fn a_healthy_ledger_is_green_and_has_the_digest_it_has_in_sqlite() {
    let Some(server) = server() else { return };
    let market = Market::healthy(1);
    let database = Database::healthy(&server, &market);
    let report = database.audit().expect("audits");
    assert_eq!(report.violations(), 0, "{report}");
    assert_eq!(report.digest, market.digest());
    assert_eq!((report.engine, report.schema), ("postgres", audit::NEWEST_SCHEMA));
    assert_eq!(report.liabilities, market.liabilities().into());
    assert_eq!(report.revenue, market.revenue().into());

    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("twin.db");
    crate::sqlite::write(&path, &market);
    let twin = crate::sqlite::audit_file(&path).expect("audits");
    assert_eq!(twin.digest, report.digest);
    let counts = |report: &Report| report.checks.iter().map(|check| check.counts.clone()).collect::<Vec<_>>();
    assert_eq!(counts(&twin), counts(&report));
}

#[test]
fn every_planted_damage_is_found_by_the_check_that_claims_it() {
    let Some(server) = server() else { return };
    let original = Database::to_be_damaged(&server, &Market::healthy(1));
    assert_eq!(original.audit().expect("audits").violations(), 0);
    crate::sabotage::plant_all(Dialect::Postgres, &|sql| original.damaged(sql));
    assert_eq!(original.audit().expect("audits").violations(), 0, "all damage was undone");
}

#[test]
fn random_damages_are_all_found() {
    let Some(server) = server() else { return };
    let original = Database::to_be_damaged(&server, &Market::healthy(3));
    let count = |table: &str| {
        let sql = format!("select count(*) from {table}");
        rows(&original.url(), &sql)[0].parse().expect("a number")
    };
    crate::tampering::tamper(Dialect::Postgres, 20_260_524, 100, &count, &|sql| original.damaged(sql));
}

#[test]
fn what_cannot_be_read_is_refused_also_inside_a_runtime() {
    let Some(server) = server() else { return };
    let original = Database::healthy(&server, &Market::healthy(1));
    let refusal = original.spoiled("drop table seals").expect_err("no seals");
    assert!(matches!(refusal, AuditError::Check { id: "M4", .. }), "{refusal}");
    let unencrypted = Source::Postgres(format!("{}&sslmode=require", original.url()));
    let refusal = audit(&unencrypted, &Options::default()).expect_err("this server has no TLS");
    assert!(matches!(refusal, AuditError::Postgres(_)), "{refusal}");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    execute(&original.url(), "insert into migrations values (9999, 'future', '', 0)");
    let refusal = runtime.block_on(async { original.audit() }).expect_err("a future schema");
    assert!(matches!(refusal, AuditError::UnknownSchema { found: 9999 }), "{refusal}");
}

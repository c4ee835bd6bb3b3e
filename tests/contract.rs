//! What others rely on: the OpenAPI document, every statement on both engines, the immutability of the books.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;

use ::store::EngineSettings;
use roborent::base::config::Config;
use roborent::doors::docs::{codes, openapi};
use roborent::migrations::{MIGRATIONS, statements};
use roborent::testing::{Engine, TestApp, TestDatabase};
use roborent::{on_both_engines, start};

#[test]
fn the_openapi_document_is_the_one_that_was_reviewed() {
    let document = openapi(&start::operations(&Config::default()), "https://roborent.example");
    insta::assert_json_snapshot!("openapi", document);
}

#[test]
fn the_openapi_document_has_one_meaning_for_each_name() {
    let document = openapi(&start::operations(&Config::default()), "https://roborent.example");
    let mut ids = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} twice");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{id} says nothing about itself");
        }
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(!name.ends_with(|c: char| c.is_ascii_digit()), "the schema {name} was numbered: two types share a name");
    }
}

#[test]
fn every_error_code_means_one_thing() {
    let mut seen = BTreeSet::new();
    for facts in codes() {
        assert!(seen.insert(facts.code), "{} twice", facts.code);
        assert!((400..=599).contains(&facts.status) && !facts.hint.is_empty());
    }
}

async fn check_statements(engine: Engine) {
    let Some(app) = TestApp::start(engine).await else { return };
    let settings = app.engine.clone();
    let found = tokio::task::spawn_blocking(move || ::store::verify(&settings, &statements())).await.unwrap().unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(statements().len() >= 40, "a room is missing in migrations::statements()");
    app.finish().await;
}

#[tokio::test]
async fn every_statement_is_prepared_on_sqlite() {
    check_statements(Engine::Sqlite).await;
}

#[tokio::test]
async fn every_statement_is_prepared_on_postgres() {
    check_statements(Engine::Postgres).await;
}

/// What may be read whole: rows given in the statement itself (j), rows that an inner select has limited (m),
/// what a text index answers to a question (M) or to a number (=), what waits for a job, the few signing keys, admins and
/// content rules, the reports that nobody has looked at (each with a limit), transactions that
/// are under way, why payouts are stopped, deposits that wait.
const MAY_SCAN: [&str; 17] = [
    "SCAN u",
    "SCAN e",
    "SCAN j",
    "SCAN m",
    "SCAN w VIRTUAL TABLE INDEX 0:M2",
    "SCAN task_words VIRTUAL TABLE INDEX 0:=",
    "SCAN unsealed",
    "SCAN untallied",
    "SCAN fresh_events",
    "SCAN mail_requests",
    "SCAN signing_keys",
    "SCAN users USING INDEX users_admins",
    "SCAN content_rules",
    "SCAN r USING INDEX reports_open",
    "SCAN attempts USING INDEX attempts_live",
    "SCAN freezes",
    "SCAN deposits USING INDEX deposits_waiting",
];

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    let scans = ::store::full_scans(&app.dir().join(start::DATABASE_FILE), &statements()).unwrap();
    let wrong: Vec<&String> = scans
        .iter()
        .filter(|scan| !MAY_SCAN.iter().any(|allowed| scan.starts_with(&format!("{allowed}:")) || scan.starts_with(&format!("{allowed} "))))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    app.finish().await;
}

#[test]
fn every_room_with_statements_is_in_the_list() {
    let root = env!("CARGO_MANIFEST_DIR");
    let list = std::fs::read_to_string(format!("{root}/src/migrations.rs")).unwrap();
    for entry in std::fs::read_dir(format!("{root}/src")).unwrap() {
        let path = entry.unwrap().path().join("store.rs");
        if path.exists() {
            let name = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
            assert!(list.contains(&format!("crate::{name}::store::STATEMENTS")), "{name}/store.rs is not in migrations::statements()");
        }
    }
}

#[test]
fn migrating_twice_changes_nothing_and_a_newer_database_is_refused() {
    let dir = tempfile::TempDir::new().unwrap();
    let engine = EngineSettings::sqlite(dir.path().join("twice.sqlite"));
    assert_eq!(::store::migrate(&engine, MIGRATIONS, 1).unwrap(), MIGRATIONS.len());
    assert_eq!(::store::migrate(&engine, MIGRATIONS, 2).unwrap(), 0);
    let older = &MIGRATIONS[..MIGRATIONS.len() - 1];
    let refused = ::store::migrate(&engine, older, 3).unwrap_err().to_string();
    assert!(refused.contains("start a newer version"), "{refused}");
}

const FORBIDDEN: [&str; 11] = [
    "update transactions set at = 1",
    "delete from transactions",
    "update postings set amount = amount + 1",
    "delete from postings",
    "update entries set balance_after = 0",
    "delete from entries",
    "update fresh_entries set amount = 1",
    "update seals set position = position + 100",
    "delete from seals",
    "delete from accounts",
    "update accounts set kind = 'onchain'",
];

#[tokio::test]
async fn history_cannot_be_changed_on_sqlite() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    drop(app.rich_bot(5).await);
    app.run_jobs().await;
    drop(app.rich_bot(5).await);
    let connection = rusqlite::Connection::open(app.dir().join(start::DATABASE_FILE)).unwrap();
    for sql in FORBIDDEN {
        assert!(connection.execute_batch(sql).is_err(), "SQLite took: {sql}");
    }
    app.finish().await;
}

#[tokio::test]
async fn history_cannot_be_changed_on_postgres() {
    let Some(app) = TestApp::start(Engine::Postgres).await else { return };
    drop(app.rich_bot(5).await);
    app.run_jobs().await;
    drop(app.rich_bot(5).await);
    let EngineSettings::Postgres { url, .. } = &app.engine else { unreachable!() };
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for sql in FORBIDDEN.into_iter().chain(["truncate transactions", "truncate postings", "truncate entries", "truncate seals"]) {
        assert!(client.batch_execute(sql).await.is_err(), "PostgreSQL took: {sql}");
    }
    drop(client);
    app.finish().await;
}

#[tokio::test]
async fn postgres_migrates_once_when_nodes_start_together() {
    let Some(database) = TestDatabase::create().await else { return };
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            let engine = EngineSettings::postgres(&database.url);
            tokio::task::spawn_blocking(move || ::store::migrate(&engine, MIGRATIONS, 1).unwrap())
        })
        .collect();
    let mut applied = 0;
    for node in nodes {
        applied += node.await.unwrap();
    }
    assert_eq!(applied, MIGRATIONS.len());
    database.drop().await;
}

on_both_engines! {
    async fn the_served_document_is_the_same_as_the_printed_one(app) {
        let served = app.get("/openapi.json").send().await.expect(200).json();
        assert_eq!(served["paths"], openapi(&app.app.operations, "x")["paths"]);
    }
}

/// A table that is built at each write costs more than the write. Only jobs, which write many rows at once, may have one.
#[tokio::test]
async fn no_write_of_a_row_builds_a_table() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    let building = ::store::temporary_tables(&app.dir().join(start::DATABASE_FILE), &statements()).unwrap();
    let writes_a_row = |sql: &&String| sql.starts_with("update") || (sql.starts_with("insert") && sql.contains("values"));
    let wrong: Vec<&String> = building.iter().filter(writes_a_row).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    app.finish().await;
}

//! "Could not look" is an error and never "all well".

use audit::{AuditError, Options, Source, audit};
use rusqlite::Connection;

use crate::market::Market;
use crate::sqlite::{Original, audit_file};

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let missing = folder.path().join("missing.db");
    assert!(matches!(audit_file(&missing), Err(AuditError::Sqlite(_))));
    assert!(!missing.exists(), "the auditor made the file");
    assert!(matches!(audit_file(folder.path()), Err(AuditError::Sqlite(_))));
    let letter = folder.path().join("letter.db");
    std::fs::write(&letter, "Dear auditor, all is well. ".repeat(400)).expect("writes");
    assert!(matches!(audit_file(&letter), Err(AuditError::Sqlite(_))));
    let empty = folder.path().join("empty.db");
    std::fs::write(&empty, "").expect("writes");
    assert!(matches!(audit_file(&empty), Err(AuditError::Sqlite(_))), "no table of migrations");
}

#[test]
fn a_torn_file_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("torn.db");
    crate::sqlite::write(&path, &Market::healthy(1));
    let bytes = std::fs::read(&path).expect("reads");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("writes");
    let refusal = audit_file(&path).expect_err("half a database");
    assert_eq!(refusal.exit_code(), 2);
}

#[test]
fn an_unknown_schema_is_refused() {
    let original = Original::new(&Market::healthy(1));
    for (damage, found) in [
        ("insert into migrations values (9999, 'future', x'00', 0)", 9999),
        ("delete from migrations where number > 2", 2),
        ("delete from migrations", 0),
    ] {
        match original.spoiled(damage) {
            Err(AuditError::UnknownSchema { found: schema }) => assert_eq!(schema, found, "{damage}"),
            other => panic!("{damage}: {other:?}"),
        }
    }
}

#[test]
fn a_missing_table_or_column_and_an_unreadable_cell_are_refused() {
    let original = Original::new(&Market::healthy(1));
    for table in ["accounts", "transactions", "postings", "entries", "unsealed", "seals", "chain_head", "users", "api_keys"] {
        let refusal = original.spoiled(&format!("drop table {table}")).expect_err(table);
        assert_eq!(refusal.exit_code(), 2);
    }
    for damage in [
        "alter table entries drop column balance_after",
        "update postings set amount = 'ten' where n = 1",
        "update postings set amount = 1.5 where n = 1",
        "update postings set amount = null where n = 1",
        "update accounts set owner = x'00'",
    ] {
        let refusal = original.spoiled(damage).expect_err(damage);
        assert!(matches!(refusal, AuditError::Check { .. }), "{damage}: {refusal}");
    }
}

#[test]
fn an_unknown_check_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("a.db");
    Connection::open(&path).expect("a new file");
    let options = Options { only: vec!["M1".to_owned(), "Z9".to_owned()], ..Options::default() };
    let refusal = audit(&Source::Sqlite(path), &options).expect_err("there is no Z9");
    assert_eq!(refusal.to_string(), "there is no check Z9");
}

#[test]
fn a_postgres_url_that_leads_nowhere_is_refused() {
    for url in ["postgres://127.0.0.1:1/roborent?connect_timeout=1", "postgres://[", "not a url"] {
        let refusal = audit(&Source::Postgres(url.to_owned()), &Options::default()).expect_err(url);
        assert!(matches!(refusal, AuditError::Postgres(_)), "{url}: {refusal}");
    }
}

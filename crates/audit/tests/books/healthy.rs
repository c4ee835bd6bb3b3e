//! A ledger without fault is green, reads the same everywhere, and is not touched.

use audit::{Options, Source, Verdict, audit};
use rusqlite::Connection;

use crate::dialect::Dialect;
use crate::market::Market;
use crate::sqlite::{Original, audit_file, write};

#[test]
fn a_healthy_ledger_is_green_and_its_totals_are_right() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for seed in 1..=5 {
        let market = Market::healthy(seed);
        assert!(market.transactions.len() > 200, "a market with {} transactions is no test", market.transactions.len());
        let path = folder.path().join(format!("{seed}.db"));
        write(&path, &market);
        let report = audit_file(&path).expect("audits");
        assert_eq!(report.violations(), 0, "seed {seed}\n{report}");
        assert!(report.checks.iter().all(|check| check.verdict == Verdict::Ok), "{report}");
        assert_eq!(report.exit_code(), 0);
        assert_eq!(report.digest, market.digest());
        assert_eq!(report.accounts, market.accounts.len() as u64);
        assert_eq!(report.liabilities, market.liabilities().into());
        assert_eq!(report.revenue, market.revenue().into());
        assert_eq!((report.engine, report.schema), ("sqlite", audit::NEWEST_SCHEMA));
    }
}

#[test]
fn an_empty_ledger_is_green() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("empty.db");
    let schema = Dialect::Sqlite.schema();
    Connection::open(&path).expect("a new file").execute_batch(&schema).expect("the schema");
    let report = audit_file(&path).expect("audits");
    assert_eq!(report.violations(), 0, "{report}");
}

#[test]
fn the_auditor_changes_no_byte() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("idle.db");
    write(&path, &Market::healthy(1));
    let before = std::fs::read(&path).expect("reads");
    audit_file(&path).expect("audits");
    assert!(before == std::fs::read(&path).expect("reads"), "the file changed");
}

#[test]
fn the_auditor_works_beside_a_writer_and_sees_one_snapshot() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("live.db");
    write(&path, &Market::healthy(1));
    // Committed, but only in the log; and half done in an open transaction.
    let writer = Connection::open(&path).expect("opens");
    writer.execute_batch("pragma wal_autocheckpoint = 0; delete from api_keys").expect("commits");
    writer.execute_batch("begin immediate; update accounts set balance = balance + 1 where kind = 'user_available'").expect("writes");
    let before = std::fs::read(&path).expect("reads");
    let report = audit_file(&path).expect("audits");
    assert_eq!(report.violations(), 0, "{report}");
    let credentials = report.checks.iter().find(|check| check.id == "U1").expect("always runs");
    assert!(credentials.counts.contains(&("keys", 0)), "{report}");
    writer.execute_batch("rollback").expect("still writes");
    assert!(before == std::fs::read(&path).expect("reads"), "the file changed");
}

#[test]
fn only_the_asked_checks_run_also_inside_a_runtime() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("some.db");
    write(&path, &Market::healthy(1));
    let options = Options { only: vec!["m4".to_owned(), "M1".to_owned()], strict: true, ..Options::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let report = runtime.block_on(async { audit(&Source::Sqlite(path), &options) }).expect("audits");
    let ids: Vec<_> = report.checks.iter().map(|check| check.id).collect();
    assert_eq!(ids, ["M1", "M4"]);
}

#[test]
fn a_payment_that_nobody_ordered_is_answered_by_a_freeze_or_by_an_admin() {
    let original = Original::new(&Market::healthy(1));
    let paid = "insert into outgoing_seen select {32 bytes}, -1, number, {31 bytes}, null, 0, 'REVERT', {false} from chain_cursor";
    for (answer, violations) in [
        ("", 1),
        ("; insert into freezes values ('operator', '', 0)", 1),
        ("; insert into freezes values ('unknown_payment', '', 0)", 0),
        ("; insert into admin_actions values ({new}, {new}, 'unfreeze_payouts', {nil}, 'mine', 'unknown_payment', '', 0)", 0),
    ] {
        let report = original.spoiled(&Dialect::Sqlite.render(&format!("{paid}{answer}"))).expect("audits");
        assert_eq!(report.violations(), violations, "{answer}\n{report}");
    }
}

#[test]
fn what_does_not_fit_into_a_number_is_no_money_until_somebody_looked() {
    let original = Original::new(&Market::healthy(1));
    let odd = "update deposits set status = 'held_for_review', raw_amount = 'ff', amount = 0, credited_at = null where status = 'below_minimum';
               update deposit_addresses set units = units - 700000 where address in (select address from deposits where status = 'held_for_review');
               update chain_cursor set total = total - 2100000";
    let report = original.spoiled(odd).expect("audits");
    assert_eq!(report.violations(), 0, "{report}");
}

#[test]
fn blocks_are_forgotten_seventy_thousand_before_a_round_number() {
    let original = Original::new(&Market::healthy(1));
    let (first, last) = (61_235_000, 61_305_678);
    let id = |n: &str| format!("unhex(printf('%016x', {n}) || hex(zeroblob(24)))");
    for (from, violations) in [(first, 0), (first - 1, 1), (first + 1, 1)] {
        let (hash, parent, tip) = (id("i"), id("i - 1"), id("number"));
        let report = original.spoiled(&format!(
            "delete from chain_blocks;
             with recursive n(i) as (select {from} union all select i + 1 from n where i < {last})
                 insert into chain_blocks select i, {hash}, {parent}, 1 from n;
             update chain_cursor set number = {last}, at = 1; update chain_cursor set hash = {tip}"
        ));
        let report = report.expect("audits");
        assert_eq!(report.violations(), violations, "{from}\n{report}");
    }
}

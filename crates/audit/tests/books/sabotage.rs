//! One damage at a time: the check that claims it goes red, and nothing crashes.

use audit::{AuditError, Report, Verdict};

use crate::damage::catalogue;
use crate::dialect::Dialect;
use crate::market::Market;
use crate::sqlite::Original;

/// Plants the whole catalogue; `spoiled` audits a fresh copy after the SQL it is given.
pub fn plant_all(dialect: Dialect, spoiled: &dyn Fn(&str) -> Result<Report, AuditError>) {
    let mut missed = Vec::new();
    for damage in catalogue() {
        let report = spoiled(&dialect.render(damage.sql)).unwrap_or_else(|error| panic!("{}: {error}", damage.what));
        let claimed = report.checks.iter().find(|check| check.id == damage.check).expect("a check of that id");
        if claimed.verdict != Verdict::Fail {
            missed.push(format!("{}: {}", damage.check, damage.what));
            continue;
        }
        assert!(!claimed.offenders.is_empty() && claimed.offenders.len() <= 20, "{}\n{report}", damage.what);
        assert_eq!(report.exit_code(), 1, "{}", damage.what);
    }
    assert!(missed.is_empty(), "missed: {missed:#?}");
}

#[test]
fn every_planted_damage_is_found_by_the_check_that_claims_it() {
    let original = Original::new(&Market::healthy(1));
    let report = original.spoiled("select 1 where false").expect("audits");
    assert_eq!(report.violations(), 0, "without damage\n{report}");
    plant_all(Dialect::Sqlite, &|sql| original.spoiled(sql));
}

#[test]
fn every_check_has_planted_damage() {
    let report = Original::new(&Market::healthy(1)).spoiled("select 1 where false").expect("audits");
    for check in report.checks {
        assert!(catalogue().any(|damage| damage.check == check.id), "no damage for {}", check.id);
    }
}

#[test]
fn damage_to_one_row_is_told_with_what_is_expected() {
    let original = Original::new(&Market::healthy(1));
    let report = original.spoiled(&Dialect::Sqlite.render("update accounts set balance = balance + 1 where id = {fees}")).expect("audits");
    let balances = report.checks.iter().find(|check| check.id == "M3").expect("always runs");
    assert_eq!(balances.violations, 1);
    let offender = &balances.offenders[0];
    assert!(offender.starts_with("account 00000000-0000-7000-8000-000000000002: balance "), "{offender}");
    assert!(offender.contains(", expected "), "{offender}");
}

//! The schema of both engines, step by step.

use store::Migration;

/// Every step, in order. A step that was released is never changed.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "users", sql: include_str!("../migrations/0001_users.sql") },
    Migration { number: 2, name: "ledger", sql: include_str!("../migrations/0002_ledger.sql") },
    Migration { number: 3, name: "calls", sql: include_str!("../migrations/0003_calls.sql") },
    Migration { number: 4, name: "events", sql: include_str!("../migrations/0004_events.sql") },
    Migration { number: 5, name: "tasks", sql: include_str!("../migrations/0005_tasks.sql") },
    Migration { number: 6, name: "chain", sql: include_str!("../migrations/0006_chain.sql") },
    Migration { number: 7, name: "webhooks", sql: include_str!("../migrations/0007_webhooks.sql") },
    Migration { number: 8, name: "people", sql: include_str!("../migrations/0008_people.sql") },
    Migration { number: 9, name: "sign_in", sql: include_str!("../migrations/0009_sign_in.sql") },
    Migration { number: 10, name: "sweeps", sql: include_str!("../migrations/0010_sweeps.sql") },
    Migration { number: 11, name: "recent", sql: include_str!("../migrations/0011_recent.sql") },
    Migration { number: 12, name: "unknown", sql: include_str!("../migrations/0012_unknown.sql") },
];

/// Every statement of every room, for the test that prepares them all.
pub fn statements() -> Vec<&'static dyn store::AnyStatement> {
    [
        crate::base::store::STATEMENTS,
        crate::ledger::store::STATEMENTS,
        crate::users::store::STATEMENTS,
        crate::users::people::store::STATEMENTS,
        crate::users::webhook::store::STATEMENTS,
        crate::events::store::STATEMENTS,
        crate::webhooks::store::STATEMENTS,
        crate::wallet::store::STATEMENTS,
        crate::gateway::store::STATEMENTS,
        crate::gateway::outgoing::store::STATEMENTS,
        crate::gateway::sweeps::store::STATEMENTS,
        crate::referrals::store::STATEMENTS,
        crate::tasks::store::STATEMENTS,
        crate::tasks::lists::store::STATEMENTS,
        crate::tasks::search::store::STATEMENTS,
        crate::ratings::store::STATEMENTS,
        crate::moderation::store::STATEMENTS,
        crate::moderation::looking::store::STATEMENTS,
    ]
    .concat()
}

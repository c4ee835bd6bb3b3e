//! The house itself: the books, the gateway, the jobs, the settings in force.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use crate::base::error::internal;
use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::admin::tables::{Cell, Table, text};
use crate::doors::web::chrome::show;
use crate::doors::web::pieces::words;
use crate::doors::web::refused::Refused;
use crate::doors::web::visitor::Admin;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/gateway", get(gateway))
        .route("/admin/books", get(books))
        .route("/admin/jobs", get(jobs))
        .route("/admin/settings", get(settings))
}

async fn gateway(admin: Admin) -> Shown {
    if admin.operation("admin_get_gateway").is_none() {
        return Err(Refused::NotFound);
    }
    let state: Value = admin.ask("admin_get_gateway", json!({})).await?;
    let mut table = Table::new(&admin, "/admin/gateway", "Gateway", vec!["What", "Value"]);
    let mut acts = vec![("/admin/act/admin_freeze_payouts?id=all".to_owned(), "Freeze payouts".to_owned())];
    for (name, value) in state.as_object().into_iter().flatten() {
        match value {
            Value::Array(rows) => {
                for row in rows {
                    let line: Vec<String> =
                        row.as_object().into_iter().flatten().map(|(name, value)| format!("{}: {}", words(name), text(value))).collect();
                    table.rows.push(vec![Cell::Text(words(name)), Cell::Text(if line.is_empty() { text(row) } else { line.join(" · ") })]);
                    if name == "freezes" {
                        let reason = row["freeze"].as_str().or_else(|| row["reason"].as_str()).unwrap_or_default();
                        acts.push((format!("/admin/act/admin_unfreeze_payouts?id={reason}"), format!("Unfreeze: {}", words(reason))));
                    }
                }
            }
            value => table.rows.push(vec![Cell::Text(words(name)), Cell::Code(text(value))]),
        }
    }
    table.acts = acts;
    Ok(show(&table))
}

/// The independent auditor looks at the books as they are now.
async fn books(admin: Admin) -> Shown {
    let source = admin.app.books.clone();
    let options = audit::Options { commission_months: admin.app.dispatcher.config.market.commission_months, ..audit::Options::default() };
    let report = tokio::task::spawn_blocking(move || audit::audit(&source, &options)).await.map_err(internal)?;
    let mut table = Table::new(&admin, "/admin/books", "Books", vec!["Check", "Violations"]);
    match report {
        Ok(report) => {
            let wrong: u64 = report.checks.iter().map(|check| check.violations).sum();
            table.intro = if wrong == 0 {
                "Every check holds, just now.".into()
            } else {
                format!("{wrong} violations: stop payouts and look at `roborent audit`.")
            };
            table.rows = report
                .checks
                .iter()
                .map(|check| {
                    let stands = if check.violations == 0 { "completed".to_owned() } else { "failed".to_owned() };
                    vec![
                        Cell::Text(format!("{} {}", check.id, check.name)),
                        if check.violations == 0 { Cell::Badge(stands) } else { Cell::Text(check.violations.to_string()) },
                    ]
                })
                .collect();
        }
        Err(error) => table.intro = format!("The auditor could not read the books: {error}"),
    }
    Ok(show(&table))
}

async fn jobs(admin: Admin) -> Shown {
    let mut table = Table::new(&admin, "/admin/jobs", "Jobs", vec!["Job", "Runs every"]);
    table.intro =
        "Each may run twice, late, or on several nodes at once. Failures are counted in roborent_job_failures_total on the internal port."
            .into();
    table.rows = admin.app.jobs.iter().map(|job| vec![Cell::Text(words(job.name)), Cell::Text(format!("{:?}", job.period))]).collect();
    Ok(show(&table))
}

async fn settings(admin: Admin) -> Shown {
    let known = serde_json::to_value(&*admin.app.dispatcher.config).map_err(internal)?;
    let mut table = Table::new(&admin, "/admin/settings", "Settings", vec!["Setting", "Value"]);
    table.intro = "The ones in force, secrets hidden. They come from the file, the environment and the command line; a task keeps the fees that were in force when it was published.".into();
    for (section, keys) in known.as_object().into_iter().flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            table.rows.push(vec![Cell::Code(format!("{section}.{key}")), Cell::Text(text(value))]);
        }
    }
    Ok(show(&table))
}

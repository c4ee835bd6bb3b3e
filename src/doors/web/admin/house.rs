//! The house itself: the books, the gateway, the jobs, the settings in force.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use crate::base::error::internal;
use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::admin::tables::{Cell, Table, money, text, time};
use crate::doors::web::chrome::show;
use crate::doors::web::form::Form;
use crate::doors::web::pieces::{self, words};
use crate::doors::web::refused::Refused;
use crate::doors::web::visitor::Admin;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/gateway", get(gateway))
        .route("/admin/orders", get(orders))
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
    let mut acts = vec![
        ("/admin/orders".to_owned(), "Payouts that need an operator".to_owned()),
        ("/admin/act/admin_freeze_payouts?id=all".to_owned(), "Freeze payouts".to_owned()),
    ];
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
            value if name.ends_with("_usdt") || name == "difference" => table.rows.push(vec![Cell::Text(words(name)), money(value)]),
            value if name.ends_with("_at") || name.ends_with("_time") => table.rows.push(vec![Cell::Text(words(name)), time(value)]),
            value => table.rows.push(vec![Cell::Text(words(name)), Cell::Text(text(value))]),
        }
    }
    table.acts = acts;
    Ok(show(&table))
}

/// Transfers on the chain, those first that wait for a decision.
async fn orders(admin: Admin) -> Shown {
    let state = match admin.query("state") {
        state if state.is_empty() => "needs_operator".to_owned(),
        state => state,
    };
    let mut asked = json!({ "state": state });
    if !admin.query("cursor").is_empty() {
        asked["cursor"] = admin.query("cursor").into();
    }
    let found: Value = admin.ask("admin_list_orders", asked).await?;
    let head = vec!["Kind", "Amount", "To", "Stands", "Problem", "Attempts", "Made", "", "", ""];
    let mut table = Table::new(&admin, "/admin/gateway", "Payouts", head);
    table.empty = "No payout is in this state.";
    let states =
        ["needs_operator", "approved", "signed", "in_flight", "confirmed", "refunded", "dropped"].map(|state| (state, words(state)));
    table.filters = vec![Form::default().field("state", "Stands", "select").options(states).or(&state)];
    let act = |name: &str, order: &Value, words: &str| match (order["state"].as_str(), name) {
        (Some("needs_operator"), _) | (Some("approved"), "admin_refund_order" | "admin_confirm_order") => {
            Cell::Act(format!("/admin/act/{name}?id={}", text(&order["order_id"])), words.to_owned())
        }
        _ => Cell::Text(String::new()),
    };
    let row = |order: &Value| {
        vec![
            Cell::Text(words(&text(&order["kind"]))),
            money(&order["amount"]),
            Cell::Code(text(&order["recipient"])),
            Cell::Badge(text(&order["state"])),
            Cell::Text(text(&order["problem"])),
            Cell::Text(order["attempts"].as_array().map_or(0, Vec::len).to_string()),
            time(&order["created_at"]),
            act("admin_retry_order", order, "Retry"),
            act("admin_refund_order", order, "Refund"),
            act("admin_confirm_order", order, "Confirm"),
        ]
    };
    table.rows = found["items"].as_array().map(|orders| orders.iter().map(row).collect()).unwrap_or_default();
    table.older = found["next_cursor"].as_str().map(|cursor| format!("/admin/orders?state={state}&cursor={cursor}"));
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
                    let stands = if check.violations == 0 { Cell::Badge("holds".into()) } else { Cell::Text(check.violations.to_string()) };
                    vec![Cell::Text(format!("{} {}", check.id, check.name)), stands]
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
    table.rows = admin.app.jobs.iter().map(|job| vec![Cell::Text(words(job.name)), Cell::Text(every(job.period))]).collect();
    Ok(show(&table))
}

fn every(period: Duration) -> String {
    match period.as_secs() {
        0 => format!("{} ms", period.as_millis()),
        1 => "second".into(),
        seconds @ 2..60 => format!("{seconds} seconds"),
        60 => "minute".into(),
        seconds => pieces::minutes(&(seconds / 60).cast_signed()),
    }
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

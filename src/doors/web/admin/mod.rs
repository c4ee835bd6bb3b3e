//! The admin panel: what the operator looks at and decides. For others its pages do not exist.

mod acts;
mod house;
mod tables;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::{Ts, Usdt};
use crate::doors::App;
use crate::doors::web::Shown;
use crate::doors::web::chrome::{Chrome, show};
use crate::doors::web::pieces::{self, Chart};
use crate::doors::web::visitor::Admin;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/admin", get(overview)).merge(tables::router()).merge(house::router()).merge(acts::router())
}

/// The parts of the panel: address and words.
pub(super) const PARTS: [(&str, &str); 11] = [
    ("/admin", "Overview"),
    ("/admin/users", "Users"),
    ("/admin/disputes", "Disputes"),
    ("/admin/reports", "Reports"),
    ("/admin/rules", "Content rules"),
    ("/admin/withdrawals", "Withdrawals"),
    ("/admin/gateway", "Gateway"),
    ("/admin/books", "Books"),
    ("/admin/jobs", "Jobs"),
    ("/admin/settings", "Settings"),
    ("/admin/audit", "Audit log"),
];

#[derive(Deserialize)]
struct Overview {
    days: Vec<Day>,
    disputes_open: i64,
    reports_open: i64,
    mails_waiting: i64,
}

#[derive(Deserialize)]
struct Day {
    date: Ts,
    people: i64,
    bots: i64,
    tasks: i64,
    slots: i64,
    fees: Usdt,
}

#[derive(Template)]
#[template(path = "web/admin/overview.html")]
struct OverviewPage {
    chrome: Chrome,
    parts: &'static [(&'static str, &'static str)],
    here: &'static str,
    overview: Overview,
    in_review: usize,
    charts: Vec<Chart>,
}

async fn overview(admin: Admin) -> Shown {
    let overview: Overview = admin.ask("admin_get_overview", json!({})).await?;
    let in_review = match admin.operation("admin_list_withdrawals") {
        Some(_) => admin.ask::<Value>("admin_list_withdrawals", json!({})).await?["items"].as_array().map_or(0, Vec::len),
        None => 0,
    };
    let count = |title, of: fn(&Day) -> i64| {
        let days: Vec<_> = overview.days.iter().map(|day| (day.date, of(day), of(day).to_string())).collect();
        Chart::new(title, &days, overview.days.iter().map(of).sum::<i64>().to_string())
    };
    let fees: Vec<_> = overview.days.iter().map(|day| (day.date, day.fees.micro(), format!("{} USDT", day.fees))).collect();
    let earned: Usdt = overview.days.iter().map(|day| day.fees).sum();
    let charts = vec![
        count("People who joined", |day| day.people),
        count("Bots that registered", |day| day.bots),
        count("Tasks published", |day| day.tasks),
        count("Slots taken", |day| day.slots),
        Chart::new("Fees earned", &fees, format!("{earned} USDT")),
    ];
    Ok(show(&OverviewPage {
        chrome: Chrome::new(&admin, "admin", "Admin panel"),
        parts: &PARTS,
        here: "/admin",
        overview,
        in_review,
        charts,
    }))
}

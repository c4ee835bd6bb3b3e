//! The work of a market as raw SQL.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::dialect::Dialect;
use crate::market::Market;
use crate::work::Work;

/// A number or null.
fn maybe(n: Option<i64>) -> String {
    n.map_or_else(|| "null".to_owned(), |n| n.to_string())
}

/// The statements that fill the tables of the market.
pub fn inserts(market: &Market, dialect: Dialect, sql: &mut Vec<String>) {
    let work = &market.work;
    tasks(work, dialect, sql);
    acceptances(work, dialect, sql);
    around(work, dialect, sql);
    events(work, dialect, sql);
    reputations(work, dialect, sql);
}

fn tasks(work: &Work, dialect: Dialect, sql: &mut Vec<String>) {
    for task in &work.tasks {
        let (id, creator) = (dialect.id(task.id), dialect.id(task.creator.id));
        let listed = dialect.bool(task.status == "open" && task.free() > 0);
        sql.push(format!(
            "insert into tasks values ({id}, {creator}, '{}', '{}', 'social', 'any', null, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, \
             'optional', 'optional', 1, {listed}, {}, {}, {})",
            task.status,
            task.closed_by,
            task.reward,
            task.fee_bp,
            task.commission_bp,
            task.total,
            task.live,
            task.filled,
            task.refunded,
            task.rejections,
            task.deadline_minutes,
            task.review_hours,
            task.max_resubmissions,
            task.published_at,
            task.expires_at,
            maybe(task.ended_at)
        ));
    }
}

fn acceptances(work: &Work, dialect: Dialect, sql: &mut Vec<String>) {
    for acceptance in &work.acceptances {
        let (id, task) = (dialect.id(acceptance.id), dialect.id(work.tasks[acceptance.task].id));
        sql.push(format!(
            "insert into acceptances values ({id}, {task}, {}, '{}', {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
            dialect.id(acceptance.worker.id),
            acceptance.status,
            acceptance.accepted_at,
            dialect.bool(acceptance.extended),
            acceptance.submissions,
            acceptance.submission.map_or_else(|| "null".to_owned(), |proof| dialect.id(proof)),
            maybe(acceptance.submitted_at),
            acceptance.phase_at,
            maybe(acceptance.due_at),
            acceptance.reminders,
            maybe(acceptance.next_at()),
            acceptance.review_left,
            maybe(acceptance.reviewed_at),
            dialect.bool(acceptance.auto),
            acceptance.paid,
            maybe(acceptance.settled_at)
        ));
    }
}

/// Proofs, remarks, tips, ratings, commissions.
fn around(work: &Work, dialect: Dialect, sql: &mut Vec<String>) {
    let slot = |n: usize| dialect.id(work.acceptances[n].id);
    for (id, of, n, at) in &work.proofs {
        let (id, task) = (dialect.id(*id), dialect.id(work.tasks[work.acceptances[*of].task].id));
        sql.push(format!("insert into submissions values ({id}, {}, {task}, {n}, null, 'Done', {at})", slot(*of)));
    }
    for (id, of, author, kind, at) in &work.remarks {
        let (id, author) = (dialect.id(*id), dialect.id(*author));
        sql.push(format!("insert into remarks values ({id}, {}, {author}, '{kind}', '', 'because', {at})", slot(*of)));
    }
    for (id, of, amount, at) in &work.tips {
        sql.push(format!("insert into tips values ({}, {}, {amount}, {at})", dialect.id(*id), slot(*of)));
    }
    for (on, by, of, stars, at) in &work.ratings {
        let (by, of) = (dialect.id(*by), dialect.id(*of));
        sql.push(format!("insert into ratings values ({}, {by}, {of}, {stars}, 'fine', {at})", slot(*on)));
    }
    for ((referrer, user), earned) in &work.commissions {
        sql.push(format!("insert into commissions values ({}, {}, {earned})", dialect.id(*referrer), dialect.id(*user)));
    }
}

/// The first two thirds have their numbers, the rest waits for them.
fn events(work: &Work, dialect: Dialect, sql: &mut Vec<String>) {
    let mut last: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (n, (id, user, kind, data, at)) in work.events.iter().enumerate() {
        let (id, owner) = (dialect.id(*id), dialect.id(*user));
        if n < work.events.len() * 2 / 3 {
            let seq = last.entry(*user).and_modify(|seq| *seq += 1).or_insert(1);
            sql.push(format!("insert into events values ({owner}, {seq}, {id}, '{kind}', '{data}', {at})"));
        } else {
            let batch = dialect.id(Uuid::from_u128(n as u128));
            sql.push(format!("insert into fresh_events values ({batch}, 1, {id}, {owner}, '{kind}', '{data}', {at})"));
        }
    }
}

/// The first two thirds are counted, the rest waits for it.
fn reputations(work: &Work, dialect: Dialect, sql: &mut Vec<String>) {
    let mut counted: BTreeMap<Uuid, ([i64; 8], Vec<i64>)> = BTreeMap::new();
    for (n, (id, user, what, amount)) in work.tallies.iter().enumerate() {
        if n >= work.tallies.len() * 2 / 3 {
            sql.push(format!("insert into untallied values ({}, {}, '{what}', {amount})", dialect.id(*id), dialect.id(*user)));
            continue;
        }
        let ([completed, paid, reviews, rejections, disputes, lost, stars, ratings], minutes) = counted.entry(*user).or_default();
        match *what {
            "completed" => *completed += 1,
            "approval" => (*paid, *reviews) = (*paid + 1, *reviews + 1),
            "rejection" => (*reviews, *rejections) = (*reviews + 1, *rejections + 1),
            "paid" => *paid += 1,
            "dispute" => *disputes += 1,
            "dispute_lost" => (*disputes, *lost) = (*disputes + 1, *lost + 1),
            _ => (*stars, *ratings) = (*stars + amount, *ratings + 1),
        }
        if matches!(*what, "approval" | "rejection") {
            minutes.push(*amount);
        }
    }
    for (user, (counts, minutes)) in counted {
        let counts = counts.map(|count| count.to_string()).join(", ");
        let newest = &minutes[minutes.len().saturating_sub(101)..];
        let (user, median) = (dialect.id(user), maybe(newest.first().copied()));
        sql.push(format!("insert into reputations values ({user}, {counts}, '{newest:?}', {median})"));
    }
}

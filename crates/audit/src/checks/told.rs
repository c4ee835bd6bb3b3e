//! D3: whom something happened to was told so, once, and nobody was told what did not happen. (Reminders and resumed
//! reviews leave no trace but their event, so those are not compared.)

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::json_text::Object;
use crate::life::{Life, lives};
use crate::reader::Reader;
use crate::sameness::compare;

/// The events that are compared, and the field of their data that names what they are about.
const COMPARED: [(&str, &str); 11] = [
    ("task_accepted", "acceptance_id"),
    ("acceptance_expired", "acceptance_id"),
    ("proof_submitted", "submission_id"),
    ("submission_approved", "acceptance_id"),
    ("submission_rejected", "acceptance_id"),
    ("changes_requested", "acceptance_id"),
    ("dispute_opened", "acceptance_id"),
    ("dispute_decided", "acceptance_id"),
    ("task_completed", "task_id"),
    ("tip_received", "tip_id"),
    ("rating_received", "acceptance_id"),
];

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut tell = |each: &mut dyn FnMut(bool, &str)| {
        happened(reader, &mut |fact: &str| each(true, fact))?;
        told(reader, &COMPARED, figures_of, &mut |fact: &str| each(false, fact))
    };
    let facts = compare(&mut tell, findings)?;
    findings.count("events", facts);
    Ok(())
}

/// One line for an event: who was told what about which thing, and with which figures.
pub(super) fn fact(kind: &str, user: Uuid, about: Uuid, figures: &str) -> String {
    format!("{kind} to {user} about {about}{figures}")
}

fn happened(reader: &Reader, each: &mut dyn FnMut(&str)) -> Result<(), AuditError> {
    lives(reader, |life| of_life(&life, each))?;
    reader.rows("select id, creator_id, slots_filled, slots_total, status from tasks where ended_at is not null order by id", |row| {
        let figures = figures(&row.int(2)?.to_string(), &row.int(3)?.to_string(), row.text(4)?);
        each(&fact("task_completed", row.id(1)?, row.id(0)?, &figures));
        Ok(())
    })?;
    reader.rows(
        "select i.id, a.worker_id, a.id as slot from tips i join acceptances a on a.id = i.acceptance_id order by i.id",
        |row| {
            each(&fact("tip_received", row.id(1)?, row.id(0)?, &format!(", for {}", row.id(2)?)));
            Ok(())
        },
    )?;
    reader.rows("select rated_id, acceptance_id, stars from ratings order by acceptance_id", |row| {
        each(&fact("rating_received", row.id(0)?, row.id(1)?, &format!(", {} stars", row.int(2)?)));
        Ok(())
    })
}

fn of_life(life: &Life, each: &mut dyn FnMut(&str)) {
    let Some(acceptance) = &life.acceptance else { return };
    let Some(task) = acceptance.task else { return };
    let (creator, worker) = (task.creator, acceptance.worker);
    let mut tell = |kind: &str, user: Uuid, about: Uuid, figures: &str| each(&fact(kind, user, about, figures));
    tell("task_accepted", creator, life.id, "");
    for proof in &life.proofs {
        tell("proof_submitted", creator, proof.id, "");
    }
    for _ in life.of("changes") {
        tell("changes_requested", worker, life.id, "");
    }
    for _ in life.of("rejection") {
        tell("submission_rejected", worker, life.id, "");
    }
    let contested = life.count("rejection") > 0 && acceptance.status != "rejected";
    if contested {
        tell("dispute_opened", worker, life.id, "");
        tell("dispute_opened", creator, life.id, "");
    }
    match acceptance.status.as_str() {
        "expired" => tell("acceptance_expired", worker, life.id, ""),
        status @ ("approved" | "split" | "refunded") if contested => {
            tell("dispute_decided", worker, life.id, &format!(", {status}"));
            tell("dispute_decided", creator, life.id, &format!(", {status}"));
        }
        "approved" => {
            tell("submission_approved", worker, life.id, if acceptance.auto { ", auto" } else { "" });
            if acceptance.auto {
                tell("submission_approved", creator, life.id, ", auto");
            }
        }
        _ => {}
    }
}

/// Tells each event of the kinds that are `compared`, with the figures that it gives.
pub(super) fn told(
    reader: &Reader,
    compared: &[(&str, &str)],
    figures_of: fn(&str, &Object) -> String,
    each: &mut dyn FnMut(&str),
) -> Result<(), AuditError> {
    for table in ["events", "fresh_events"] {
        reader.rows(&format!("select id, user_id, kind, data from {table}"), |row| {
            let kind = row.text(2)?;
            let Some((_, field)) = compared.iter().find(|(known, _)| *known == kind) else {
                return Ok(());
            };
            let data = Object::read(row.text(3)?);
            let about = data.as_ref().and_then(|data| data.text(field)?.parse::<Uuid>().ok());
            match (data, about) {
                (Some(data), Some(about)) => each(&fact(kind, row.id(1)?, about, &figures_of(kind, &data))),
                _ => each(&format!("event {} ({kind}) without {field}", row.id(0)?)),
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The figures that an event gives, as [`happened`] writes them.
fn figures_of(kind: &str, data: &Object) -> String {
    let (plain, text) = (|name| data.plain(name).unwrap_or("?"), |name| data.text(name).unwrap_or("?"));
    match kind {
        "task_completed" => figures(plain("slots_filled"), plain("slots_total"), text("status")),
        "dispute_decided" => format!(", {}", text("status")),
        "tip_received" => format!(", for {}", text("acceptance_id")),
        "rating_received" => format!(", {} stars", plain("stars")),
        "submission_approved" if plain("auto") == "true" => ", auto".to_owned(),
        _ => String::new(),
    }
}

fn figures(filled: &str, total: &str, status: &str) -> String {
    format!(", {filled} of {total} {status}")
}

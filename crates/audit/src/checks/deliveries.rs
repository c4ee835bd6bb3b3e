//! W1: whoever has a webhook is sent each event once: there is one delivery for it, it is on its way or it ended, and its
//! attempts say so.

use crate::error::AuditError;
use crate::findings::Findings;
use crate::reader::Reader;

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    of_events(reader, findings)?;
    missing(reader, findings)?;
    attempts(reader, findings)
}

/// Each belongs to the event that it names, and one that waits is in a queue that somebody looks at.
fn of_events(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut deliveries = 0u64;
    reader.rows(
        "select d.user_id, d.seq, d.event_id, d.state, d.attempts, d.tries, e.id, l.next_at
         from webhook_deliveries d
         left join events e on e.user_id = d.user_id and e.seq = d.seq
         left join webhook_lanes l on l.user_id = d.user_id
         order by d.user_id, d.seq",
        |row| {
            deliveries += 1;
            let (user, seq, event, state) = (row.id(0)?, row.int(1)?, row.id(2)?, row.text(3)?.to_owned());
            let (attempts, tries) = (row.int(4)?, row.int(5)?);
            let name = || format!("delivery {seq} of user {user}");
            findings.require(row.optional_id(6)? == Some(event), || format!("{}: {event} is not that event", name()));
            findings.require(tries >= 0 && tries <= attempts, || format!("{}: {tries} tries, {attempts} attempts", name()));
            findings.require(state != "delivered" || attempts > 0, || format!("{}: delivered without an attempt", name()));
            let looked_at = state != "waiting" || row.optional_int(7)?.is_some();
            findings.require(looked_at, || format!("{}: it waits, and nobody looks", name()));
            Ok(())
        },
    )?;
    findings.count("deliveries", deliveries);
    Ok(())
}

/// Since an endpoint is on, every event has a delivery.
fn missing(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut endpoints = 0u64;
    reader.rows(
        "select w.user_id, u.webhook_url from webhook_endpoints w left join users u on u.id = w.user_id where w.is_on order by w.user_id",
        |row| {
            endpoints += 1;
            let (user, has_url) = (row.id(0)?, row.optional_text(1)?.is_some());
            findings.require(has_url, || format!("user {user}: a webhook that is on has no address"));
            Ok(())
        },
    )?;
    findings.count("endpoints on", endpoints);
    reader.rows(
        "select e.user_id, e.seq from webhook_endpoints w
         join events e on e.user_id = w.user_id and e.seq > w.since_seq
         left join webhook_deliveries d on d.user_id = e.user_id and d.seq = e.seq
         where w.is_on and d.user_id is null
         order by e.user_id, e.seq",
        |row| {
            let (user, seq) = (row.id(0)?, row.int(1)?);
            findings.wrong(|| format!("user {user}: event {seq} is not sent"));
            Ok(())
        },
    )
}

/// The log of attempts may have forgotten old ones; what it holds fits.
fn attempts(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut attempts = 0u64;
    reader.rows(
        "select a.user_id, a.seq, a.n, a.status, d.attempts, d.state, d.tries
         from webhook_attempts a left join webhook_deliveries d on d.user_id = a.user_id and d.seq = a.seq
         order by a.user_id, a.seq, a.n",
        |row| {
            attempts += 1;
            let (user, seq, n, status) = (row.id(0)?, row.int(1)?, row.int(2)?, row.optional_int(3)?);
            let name = || format!("attempt {n} of delivery {seq} of user {user}");
            let Some(made) = row.optional_int(4)? else {
                findings.wrong(|| format!("{}: there is no such delivery", name()));
                return Ok(());
            };
            findings.require(n >= 1 && n <= made, || format!("{}: {made} were made", name()));
            let worked = status.is_some_and(|status| (200..300).contains(&status));
            let ended_it = n == made && row.int(6)? > 0;
            let (state, delivered) = (row.text(5)?.to_owned(), row.text(5)? == "delivered");
            findings.require(!ended_it || worked == delivered, || format!("{}: answered {status:?}, and it is {state}", name()));
            Ok(())
        },
    )?;
    findings.count("attempts", attempts);
    Ok(())
}

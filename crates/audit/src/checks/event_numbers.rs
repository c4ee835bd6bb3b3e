//! E1: the log of a user is numbered without gaps, an event has one id and is in one place, and what it says is JSON.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::json_text::Object;
use crate::reader::Reader;

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    numbers(reader, findings)?;
    ids(reader, findings)
}

fn numbers(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let (mut events, mut before) = (0u64, (Uuid::nil(), 0i64));
    reader.rows("select user_id, seq from events order by user_id, seq", |row| {
        events += 1;
        let (user, seq) = (row.id(0)?, row.int(1)?);
        let expected = if before.0 == user { before.1.saturating_add(1) } else { 1 };
        findings.require(seq == expected, || format!("user {user}: event {seq}, expected {expected}"));
        before = (user, seq);
        Ok(())
    })?;
    findings.count("events", events);
    Ok(())
}

fn ids(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let (mut fresh, mut before) = (0u64, None);
    reader.rows(
        "select x.id, x.fresh, x.data, u.id as user_id
         from (select id, 0 as fresh, user_id, data from events union all select id, 1, user_id, data from fresh_events) x
         left join users u on u.id = x.user_id
         order by x.id",
        |row| {
            let id = row.id(0)?;
            fresh += u64::from(row.flag(1)?);
            findings.require(before != Some(id), || format!("event {id}: there are two of it"));
            before = Some(id);
            findings.require(row.optional_id(3)?.is_some(), || format!("event {id}: its user does not exist"));
            findings.require(Object::read(row.text(2)?).is_some(), || format!("event {id}: what it says is no JSON object"));
            Ok(())
        },
    )?;
    findings.count("fresh", fresh);
    Ok(())
}

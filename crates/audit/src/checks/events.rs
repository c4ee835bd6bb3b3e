//! M5: one business event is booked once, so kind and reference together are distinct.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::reader::Reader;

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut transactions = 0u64;
    let mut before: Option<(String, Uuid, Uuid)> = None;
    // Not `group by … having`: that may be answered from the unique index, which is the lock under test.
    reader.rows("select kind, reference, id from transactions order by kind, reference, id", |row| {
        transactions += 1;
        let (kind, reference, id) = (row.text(0)?, row.id(1)?, row.id(2)?);
        if let Some((_, _, first)) = before.as_ref().filter(|(k, r, _)| k == kind && *r == reference) {
            findings.wrong(|| format!("transaction {id}: {kind} of {reference} is already booked by {first}"));
        } else {
            before = Some((kind.to_owned(), reference, id));
        }
        Ok(())
    })?;
    findings.count("transactions", transactions);
    Ok(())
}

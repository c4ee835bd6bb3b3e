//! Answers that are sorted by the id in their first column, told group by group.

use uuid::Uuid;

use crate::error::AuditError;
use crate::reader::{Reader, Row};

/// For each id: `begin`, then `add` for its rows, then `end`. Answers how many groups there were.
pub(crate) fn groups<G>(
    reader: &Reader,
    sql: &str,
    mut begin: impl FnMut(Uuid) -> G,
    mut add: impl FnMut(&mut G, &Row<'_>) -> Result<(), AuditError>,
    mut end: impl FnMut(G),
) -> Result<u64, AuditError> {
    let mut count = 0;
    let mut current: Option<(Uuid, G)> = None;
    reader.rows(sql, |row| {
        let id = row.id(0)?;
        if let Some((_, done)) = current.take_if(|(before, _)| *before != id) {
            end(done);
        }
        let (_, group) = current.get_or_insert_with(|| {
            count += 1;
            (id, begin(id))
        });
        add(group, row)
    })?;
    if let Some((_, last)) = current {
        end(last);
    }
    Ok(count)
}

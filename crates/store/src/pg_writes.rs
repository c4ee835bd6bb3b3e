//! The writes of a command on their way to PostgreSQL. A statement costs more there than what it does, so writes that
//! cannot see each other travel as the parts of one statement, which fails unless each part changed the rows it claims.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::types::Type;

use crate::error::StoreError;
use crate::pg_wire::{Prepared, Wire};
use crate::statement::Raw;
use crate::value::Value;

/// More make a statement that is slow to plan and rarely the same again.
const PARTS_MAX: usize = 24;
/// So many rows are worth a statement of their own; joined, each number of rows of a job would be another statement to plan.
const LARGE: usize = 16;
/// Every sequence of parts is a statement that the server keeps; beyond this many, writes travel one by one.
const KEPT_MAX: usize = 256;

/// A write that waits to be sent.
pub(crate) struct Write {
    raw: &'static Raw,
    values: Vec<Value<'static>>,
    /// Groups of placeholders in the text.
    groups: usize,
    /// Whether the write before it belongs to the same call, and so changes other rows.
    goes_on: bool,
    /// Whether it may also find no row.
    may_miss: bool,
}

/// Splits one call into writes: one for each row, or, where the text takes rows, for as many as are prepared together.
pub(crate) fn split(raw: &'static Raw, values: Vec<Value<'_>>, rows: usize) -> impl Iterator<Item = Write> {
    let width = values.len() / rows;
    let mut values = values.into_iter().map(Value::into_owned);
    let mut done = 0;
    std::iter::from_fn(move || {
        let groups = if raw.takes_rows() { group_size(rows - done) } else { usize::from(done < rows) };
        let goes_on = done > 0;
        done += groups;
        (groups > 0).then(|| Write { raw, values: values.by_ref().take(width * groups).collect(), groups, goes_on, may_miss: false })
    })
}

/// A write of one row that may not be there.
pub(crate) fn one_if_there(raw: &'static Raw, values: Vec<Value<'_>>) -> Write {
    Write { raw, values: values.into_iter().map(Value::into_owned).collect(), groups: 1, goes_on: false, may_miss: true }
}

/// How many of `rows` go into one statement: a few sizes only, because each is prepared and kept by the server.
pub(crate) const fn group_size(rows: usize) -> usize {
    match rows {
        0..=4 => rows,
        5..=15 => 4,
        16..=63 => 16,
        _ => 64,
    }
}

impl Write {
    /// Whether it may be a part of a statement.
    fn joins(&self) -> bool {
        self.groups < LARGE && self.raw.table().is_some()
    }

    fn key(&self) -> (usize, usize, bool) {
        (self.raw.slot(), self.groups, self.may_miss)
    }

    fn types(&self) -> impl Iterator<Item = Type> {
        std::iter::repeat_n(self.raw.kinds, self.groups).flatten().map(|kind| kind.postgres())
    }
}

/// Cuts the writes into statements. Parts of one statement do not see what the others do, and run in no promised order:
/// so they are plain, they write to different tables, or they are the rows of one call, which change one row each. What
/// adds rows looks at none, so it may stand beside earlier additions and updates; deletions may have to make room for it.
fn statements(writes: &[Write]) -> impl Iterator<Item = &[Write]> {
    let mut rest = writes;
    std::iter::from_fn(move || {
        let (first, _) = rest.split_first()?;
        let fits = |n: usize| {
            let write = &rest[n];
            let apart = |other: &Write| other.raw.table() != write.raw.table() || (write.raw.adds_values() && !other.raw.deletes());
            write.joins() && (write.goes_on || rest[..n].iter().all(apart))
        };
        let most = if first.joins() { rest.len().min(PARTS_MAX) } else { 1 };
        let parts = (1..most).find(|n| !fits(*n)).unwrap_or(most);
        let statement;
        (statement, rest) = rest.split_at(parts);
        Some(statement)
    })
}

/// One statement that has each write as a part, and fails when a part did not change as many rows as the command claims:
/// then it says which where an id should stand. An insert of values adds them all or fails by itself. To look for the
/// only row is cheaper than to count; it is null where there is none, and the server refuses a second one.
pub(crate) fn text_of(parts: &[Write]) -> String {
    let (mut with, mut wrong, mut placed) = (String::new(), String::new(), 0);
    for (n, part) in parts.iter().enumerate() {
        let text = move_placeholders(&part.raw.postgres(part.groups), placed);
        placed += part.values.len();
        let lead = if n == 0 { "with" } else { "," };
        if part.raw.adds_values() {
            with += &format!("{lead} w{n} as ({text})");
            continue;
        }
        with += &format!("{lead} w{n} as ({text} returning 1)");
        let is_wrong = match (part.may_miss, part.groups) {
            (true, _) => format!("(select count(*) from w{n}) > 1"),
            (false, 1) => format!("(select 1 from w{n}) is null"),
            (false, rows) => format!("(select count(*) from w{n}) <> {rows}"),
        };
        wrong += &format!(" when {is_wrong} then '{MARK}{}'", part.raw.slot());
    }
    if wrong.is_empty() { format!("{with} select 1::bigint") } else { format!("{with} select cast(case{wrong} end as uuid)") }
}

/// How the complaint about a part begins; the slot of its statement follows. What stands around it is in the language of the
/// server.
const MARK: &str = "roborent-write-";

/// Tells a complaint of the server about one of `writes` as what it means.
pub(crate) fn explain(writes: &[Write], error: StoreError) -> StoreError {
    let StoreError::Bug(text) = &error else { return error };
    let number = text.split_once(MARK).map(|(_, after)| &after[..after.bytes().take_while(u8::is_ascii_digit).count()]);
    let slot = number.and_then(|number| number.parse().ok());
    let wrong = writes.iter().find(|write| Some(write.raw.slot()) == slot);
    wrong.map_or(error, |write| StoreError::Race(format!("did not change the rows that the command claims: {}", write.raw.sql)))
}

/// `$1` becomes `$8` after seven values of other parts.
fn move_placeholders(sql: &str, by: usize) -> String {
    let mut pieces = sql.split('$');
    let mut moved = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let number = piece[..digits].parse::<usize>().map_or(0, |number| number + by);
        moved += &format!("${number}{}", &piece[digits..]);
    }
    moved
}

/// The statements for writes that a connection has prepared so far.
#[derive(Default)]
pub(crate) struct PreparedWrites(HashMap<Vec<(usize, usize, bool)>, Arc<Prepared>>);

/// Writes with their statement, ready to be sent.
pub(crate) struct Ready<'w> {
    statement: Arc<Prepared>,
    parts: &'w [Write],
}

impl PreparedWrites {
    /// Finds or prepares what `writes` need.
    pub(crate) fn prepare<'w>(&mut self, wire: &mut Wire, limit: Duration, writes: &'w [Write]) -> Result<Vec<Ready<'w>>, StoreError> {
        let mut ready = Vec::new();
        for parts in statements(writes) {
            let is_kept = parts.len() == 1 || self.0.len() < KEPT_MAX || self.0.contains_key(&key_of(parts));
            for parts in parts.chunks(if is_kept { parts.len() } else { 1 }) {
                ready.push(Ready { statement: self.statement(wire, limit, parts)?, parts });
            }
        }
        Ok(ready)
    }

    fn statement(&mut self, wire: &mut Wire, limit: Duration, parts: &[Write]) -> Result<Arc<Prepared>, StoreError> {
        let key = key_of(parts);
        if let Some(statement) = self.0.get(&key) {
            return Ok(Arc::clone(statement));
        }
        let types: Vec<Type> = parts.iter().flat_map(Write::types).collect();
        let text = match parts {
            [only] if only.raw.adds_values() => only.raw.postgres(only.groups),
            _ => text_of(parts),
        };
        let statement = wire.prepare(&text, &types, limit)?;
        self.0.insert(key, Arc::clone(&statement));
        Ok(statement)
    }
}

fn key_of(parts: &[Write]) -> Vec<(usize, usize, bool)> {
    parts.iter().map(Write::key).collect()
}

impl Ready<'_> {
    pub(crate) fn ask(&self, wire: &mut Wire) -> Result<(), StoreError> {
        wire.ask(&self.statement, self.parts.iter().flat_map(|part| &part.values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::statements! {
        ADD: (i64, i64) => () = "update accounts set n = n + $2 where id = $1";
        OPEN: (i64,) => () = "insert into accounts (id, n) values ($1, 0)";
        CLOSE: (i64,) => () = "delete from accounts where id = $1";
        NOTE: (i64, String) => () = "insert into notes (id, text) values {rows}";
        COPY: (i64,) => () = "insert into old_notes (id) select id from notes where id = $1";
    }

    fn write(raw: &'static Raw, rows: usize) -> Vec<Write> {
        split(raw, vec![Value::Int(1); raw.kinds.len() * rows], rows).collect()
    }

    fn sizes(writes: &[Write]) -> Vec<usize> {
        statements(writes).map(<[Write]>::len).collect()
    }

    #[test]
    fn writes_to_different_tables_are_one_statement() {
        let writes: Vec<Write> = write(ADD.raw(), 2).into_iter().chain(write(NOTE.raw(), 3)).collect();
        assert_eq!(sizes(&writes), [3]);
        assert_eq!(
            text_of(&writes),
            "with w0 as (update accounts set n = n + $2 where id = $1 returning 1), \
             w1 as (update accounts set n = n + $4 where id = $3 returning 1), \
             w2 as (insert into notes (id, text) values ($5, $6), ($7, $8), ($9, $10)) \
             select cast(case when (select 1 from w0) is null then 'roborent-write-N' when (select 1 from w1) is null then 'roborent-write-N' end as uuid)"
                .replace('N', &ADD.raw().slot().to_string())
        );
        let complaint = StoreError::Bug(format!("ungültige Eingabesyntax für Typ uuid: »roborent-write-{}« (22P02)", ADD.raw().slot()));
        assert!(matches!(explain(&writes, complaint), StoreError::Race(text) if text.ends_with(ADD.raw().sql)));
        assert_eq!(STATEMENTS.len(), 5);
    }

    #[test]
    fn a_write_that_may_see_another_one_travels_behind_it() {
        let writes = |raws: &[&'static Raw]| -> Vec<Write> { raws.iter().flat_map(|raw| write(raw, 1)).collect() };
        assert_eq!(sizes(&writes(&[ADD.raw(), ADD.raw()])), [1, 1], "perhaps the same row");
        assert_eq!(sizes(&writes(&[ADD.raw(), NOTE.raw(), ADD.raw()])), [2, 1]);
        assert_eq!(sizes(&writes(&[NOTE.raw(), COPY.raw(), ADD.raw()])), [1, 1, 1], "it reads what another one writes");
        assert_eq!(sizes(&writes(&[ADD.raw(), OPEN.raw(), OPEN.raw()])), [3], "what adds rows looks at none");
        assert_eq!(sizes(&writes(&[OPEN.raw(), ADD.raw()])), [1, 1], "perhaps the new row");
        assert_eq!(sizes(&writes(&[CLOSE.raw(), OPEN.raw()])), [1, 1], "perhaps in place of the old row");
    }

    #[test]
    fn many_rows_are_cut_into_few_sizes() {
        let groups = |rows| write(NOTE.raw(), rows).iter().map(|w| w.groups).collect::<Vec<_>>();
        assert_eq!(groups(4), [4]);
        assert_eq!(groups(9), [4, 4, 1]);
        assert_eq!(groups(150), [64, 64, 16, 4, 2]);
        assert_eq!(sizes(&write(ADD.raw(), 50)), [24, 24, 2]);
        assert_eq!(sizes(&write(NOTE.raw(), 150)), [1, 1, 1, 2], "many rows are a statement of their own");
    }
}

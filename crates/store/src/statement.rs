//! Typed statements, written once for both engines.
//!
//! SQL uses `$1` placeholders and a few tokens: `{lock}` (`for no key update` in PostgreSQL, nothing in SQLite, whose
//! single writer needs no row locks), `{lock:alias}` (locks the rows of one table of a join), `{skip_locked}`, `{rows}`
//! (one or more groups of placeholders), and `{sqlite}…{postgres}…{end}` around what only one of them gets, where one
//! text for both would be slow. A statement lives in a static made by [`statements!`], so that one
//! test can prepare every one of them on both engines, and each connection keeps it prepared in a numbered slot.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::StoreError;
use crate::pg_wire::Columns;
use crate::value::{Bind, Cell, Field, Kind, Mismatch, Value};

/// A statement with parameters `P` (a tuple) and rows `R` (a tuple or a [`row!`](crate::row) struct; `()` for writes).
pub struct Stmt<P, R> {
    raw: Raw,
    types: PhantomData<fn(P) -> R>,
}

/// The untyped part of a statement, as the engines see it.
#[derive(Debug)]
pub struct Raw {
    pub(crate) sql: &'static str,
    pub(crate) kinds: &'static [Kind],
    slot: AtomicUsize,
    shape: OnceLock<Shape>,
}

/// What the text of a write says about it, read once.
#[derive(Debug)]
struct Shape {
    takes_rows: bool,
    table: Option<String>,
    /// Of what changes rows and answers none.
    verb: Option<Verb>,
    adds_values: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Insert,
    Update,
    Delete,
}

static NEXT_SLOT: AtomicUsize = AtomicUsize::new(1);

impl Raw {
    /// Where a connection keeps this statement prepared; given on first use, the same for the life of the process.
    pub(crate) fn slot(&self) -> usize {
        let slot = self.slot.load(Ordering::Relaxed);
        if slot != 0 {
            return slot;
        }
        let fresh = NEXT_SLOT.fetch_add(1, Ordering::Relaxed);
        match self.slot.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => fresh,
            Err(taken) => taken,
        }
    }

    /// The text for SQLite.
    pub(crate) fn lite(&self) -> String {
        let sql = tokens(&of_one_engine(self.sql, "{sqlite}"), "", "").replace("{rows}", &groups(self.kinds.len(), 1));
        sql.replace('$', "?")
    }

    /// The text for PostgreSQL, with `rows` groups of placeholders.
    pub(crate) fn postgres(&self, rows: usize) -> String {
        let sql = of_one_engine(self.sql, "{postgres}");
        tokens(&sql, "for no key update", "for no key update skip locked").replace("{rows}", &groups(self.kinds.len(), rows))
    }

    pub(crate) fn takes_rows(&self) -> bool {
        self.shape().takes_rows
    }

    /// Whether it changes rows and answers none.
    pub(crate) fn is_write(&self) -> bool {
        self.shape().verb.is_some()
    }

    /// The table that a plain write of PostgreSQL changes; none for what reads other rows or answers some.
    pub(crate) fn table(&self) -> Option<&str> {
        self.shape().table.as_deref()
    }

    /// Whether a plain write adds exactly the rows it is given, or fails.
    pub(crate) fn adds_values(&self) -> bool {
        self.shape().adds_values
    }

    /// Whether a plain write deletes rows.
    pub(crate) fn deletes(&self) -> bool {
        self.shape().verb == Some(Verb::Delete)
    }

    fn shape(&self) -> &Shape {
        self.shape.get_or_init(|| {
            let sql = of_one_engine(self.sql, "{postgres}");
            let table = table_of(&sql);
            let verb = VERBS.iter().find(|(begins, _)| sql.starts_with(begins) && !sql.contains("returning")).map(|(_, verb)| *verb);
            let adds_values = table.is_some() && verb == Some(Verb::Insert) && !sql.contains(" on conflict");
            Shape { takes_rows: sql.contains("{rows}"), table, verb, adds_values }
        })
    }
}

/// How a write begins.
const VERBS: [(&str, Verb); 3] = [("insert into ", Verb::Insert), ("update ", Verb::Update), ("delete from ", Verb::Delete)];

fn table_of(sql: &str) -> Option<String> {
    let sql = sql.replace(" from (values ", " ");
    let target = VERBS.iter().find_map(|(begins, _)| sql.strip_prefix(begins))?;
    let is_plain = ["select", "returning", " from ", " using "].iter().all(|word| !target.contains(word));
    is_plain.then(|| target.chars().take_while(|c| *c != ' ').collect())
}

/// Leaves out what is between the marks of the other engine.
fn of_one_engine(sql: &'static str, engine: &str) -> Cow<'static, str> {
    if !sql.contains("{end}") {
        return Cow::Borrowed(sql);
    }
    let (mut text, mut rest, mut keep) = (String::with_capacity(sql.len()), sql, true);
    let marks = ["{sqlite}", "{postgres}", "{end}"];
    while let Some((at, mark)) = marks.iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min() {
        text += if keep { &rest[..at] } else { "" };
        keep = mark == engine || mark == "{end}";
        rest = &rest[at + mark.len()..];
    }
    Cow::Owned(text + rest)
}

fn tokens(sql: &str, lock: &str, skip_locked: &str) -> String {
    let mut sql = sql.replace("{lock}", lock).replace("{skip_locked}", skip_locked);
    while let Some(start) = sql.find("{lock:") {
        let end = start + sql[start..].find('}').expect("a token ends with }");
        let alias = &sql[start + "{lock:".len()..end];
        let clause = if lock.is_empty() { String::new() } else { format!("{lock} of {alias}") };
        sql.replace_range(start..=end, &clause);
    }
    sql
}

fn groups(width: usize, rows: usize) -> String {
    let group = |r: usize| {
        let names: Vec<String> = (1..=width).map(|c| format!("${}", r * width + c)).collect();
        format!("({})", names.join(", "))
    };
    (0..rows).map(group).collect::<Vec<_>>().join(", ")
}

impl<P: Kinds, R> Stmt<P, R> {
    /// Only [`statements!`](crate::statements) calls this, so that no statement escapes the test of all statements.
    #[doc(hidden)]
    pub const fn new(sql: &'static str) -> Self {
        Self { raw: Raw { sql, kinds: P::KINDS, slot: AtomicUsize::new(0), shape: OnceLock::new() }, types: PhantomData }
    }

    pub(crate) fn raw(&self) -> &Raw {
        &self.raw
    }
}

/// What the test of all statements needs to know of each.
pub trait AnyStatement: Sync {
    /// The text and the parameter kinds.
    fn raw(&self) -> &Raw;
    /// The kinds of the result columns, and whether each may be null.
    fn columns(&self) -> Vec<(Kind, bool)>;
}

impl<P: Kinds, R: FromRow> AnyStatement for Stmt<P, R> {
    fn raw(&self) -> &Raw {
        &self.raw
    }
    fn columns(&self) -> Vec<(Kind, bool)> {
        R::columns()
    }
}

/// The kinds of a tuple of fields.
pub trait Kinds {
    /// In order of the placeholders.
    const KINDS: &'static [Kind];
}

/// Values for the parameters `P` of a statement.
pub trait Params<P> {
    /// Adds the values in order.
    fn bind<'a>(&'a self, values: &mut Vec<Value<'a>>);
}

/// One row of a result, or the columns of it from some place on.
pub struct Row<'a>(pub(crate) RowOf<'a>, pub(crate) usize);

#[derive(Clone, Copy)]
pub(crate) enum RowOf<'a> {
    Lite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
    Wire(&'a Columns<'a>),
}

impl Row<'_> {
    /// The column at `index`, counted from 0.
    pub fn get<T: Field>(&self, index: usize) -> Result<T, StoreError> {
        let index = self.1 + index;
        T::load(self.cell(index)?).map_err(|mismatch| corrupt(index, &mismatch))
    }

    /// The column at `index` of the whole row, as the engine returned it.
    pub(crate) fn cell(&self, index: usize) -> Result<Cell<'_>, StoreError> {
        match &self.0 {
            RowOf::Lite(row) => Cell::from_lite(row.get_ref(index)?).map_err(|mismatch| corrupt(index, &mismatch)),
            RowOf::Postgres(row) => Ok(row.try_get::<_, Cell<'_>>(index)?),
            RowOf::Wire(columns) => columns.cell(index).map_err(|mismatch| corrupt(index, &mismatch)),
        }
    }
}

fn corrupt(index: usize, mismatch: &Mismatch) -> StoreError {
    StoreError::Corrupt(format!("column {index}: expected {}", mismatch.wanted))
}

/// A Rust value made from a row.
pub trait FromRow: Sized {
    /// How many columns.
    const WIDTH: usize;
    /// The kinds of the columns, and whether each may be null.
    fn columns() -> Vec<(Kind, bool)>;
    /// Reads the columns in order.
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError>;
}

macro_rules! tuples {
    ($(($($T:ident $A:ident $n:tt),*))*) => {$(
        impl<$($T: Field),*> Kinds for ($($T,)*) {
            const KINDS: &'static [Kind] = &[$($T::KIND),*];
        }
        impl<$($T: Field, $A: Bind<$T>),*> Params<($($T,)*)> for ($($A,)*) {
            fn bind<'a>(&'a self, values: &mut Vec<Value<'a>>) {
                $(values.push(self.$n.bind());)*
            }
        }
        impl<$($T: Field),*> FromRow for ($($T,)*) {
            const WIDTH: usize = [$($n),*].len();
            fn columns() -> Vec<(Kind, bool)> {
                vec![$(($T::KIND, $T::NULLABLE)),*]
            }
            fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
                Ok(($(row.get::<$T>($n)?,)*))
            }
        }
    )*};
}

tuples! {
    (T0 A0 0)
    (T0 A0 0, T1 A1 1)
    (T0 A0 0, T1 A1 1, T2 A2 2)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7, T8 A8 8)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7, T8 A8 8, T9 A9 9)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7, T8 A8 8, T9 A9 9, T10 A10 10)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7, T8 A8 8, T9 A9 9, T10 A10 10, T11 A11 11)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7, T8 A8 8, T9 A9 9, T10 A10 10, T11 A11 11, T12 A12 12)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7, T8 A8 8, T9 A9 9, T10 A10 10, T11 A11 11, T12 A12 12, T13 A13 13)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7, T8 A8 8, T9 A9 9, T10 A10 10, T11 A11 11, T12 A12 12, T13 A13 13, T14 A14 14)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7, T8 A8 8, T9 A9 9, T10 A10 10, T11 A11 11, T12 A12 12, T13 A13 13, T14 A14 14, T15 A15 15)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7, T8 A8 8, T9 A9 9, T10 A10 10, T11 A11 11, T12 A12 12, T13 A13 13, T14 A14 14, T15 A15 15, T16 A16 16)
    (T0 A0 0, T1 A1 1, T2 A2 2, T3 A3 3, T4 A4 4, T5 A5 5, T6 A6 6, T7 A7 7, T8 A8 8, T9 A9 9, T10 A10 10, T11 A11 11, T12 A12 12, T13 A13 13, T14 A14 14, T15 A15 15, T16 A16 16, T17 A17 17)
}

/// The columns of one thing and then those of another: what a join answers.
pub struct Both<A, B>(pub A, pub B);

impl<A: FromRow, B: FromRow> FromRow for Both<A, B> {
    const WIDTH: usize = A::WIDTH + B::WIDTH;
    fn columns() -> Vec<(Kind, bool)> {
        [A::columns(), B::columns()].concat()
    }
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(A::from_row(row)?, B::from_row(&Row(row.0, row.1 + A::WIDTH))?))
    }
}

impl Kinds for () {
    const KINDS: &'static [Kind] = &[];
}

impl Params<()> for () {
    fn bind<'a>(&'a self, _: &mut Vec<Value<'a>>) {}
}

impl FromRow for () {
    const WIDTH: usize = 0;
    fn columns() -> Vec<(Kind, bool)> {
        Vec::new()
    }
    fn from_row(_: &Row<'_>) -> Result<Self, StoreError> {
        Ok(())
    }
}

/// Declares the statements of one room, and `STATEMENTS`, the list of them that the statement test walks.
///
/// ```
/// store::statements! {
///     /// Who owns this key?
///     KEY_OWNER: (Vec<u8>,) => (i64,) = "select owner from keys where hash = $1";
/// }
/// assert_eq!(STATEMENTS.len(), 1);
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident : $params:ty => $row:ty = $sql:expr;)*) => {
        $($(#[$doc])* static $name: $crate::Stmt<$params, $row> = $crate::Stmt::new($sql);)*
        /// Every statement of this room.
        pub(crate) static STATEMENTS: &[&dyn $crate::AnyStatement] = &[$(&$name),*];
    };
}

/// Declares a struct that is read from a row, its fields in the order of the columns.
#[macro_export]
macro_rules! row {
    ($(#[$attr:meta])* $vis:vis struct $name:ident { $($(#[$doc:meta])* $fvis:vis $field:ident : $ty:ty),* $(,)? }) => {
        $(#[$attr])* $vis struct $name { $($(#[$doc])* $fvis $field: $ty),* }
        impl $crate::FromRow for $name {
            const WIDTH: usize = [$(stringify!($field)),*].len();
            fn columns() -> Vec<($crate::Kind, bool)> {
                vec![$((<$ty as $crate::Field>::KIND, <$ty as $crate::Field>::NULLABLE)),*]
            }
            fn from_row(row: &$crate::Row<'_>) -> Result<Self, $crate::StoreError> {
                let mut columns = 0..;
                Ok(Self { $($field: row.get(columns.next().expect("the range has no end"))?),* })
            }
        }
    };
}

#[cfg(test)]
mod tests {
    crate::statements! {
        INSERT: (i64, String) => () = "insert into t (a, b) values {rows}";
        ADD: (i64, i64) => () = "{sqlite}update t set b = b + $2 where a = $1{postgres}update t set b = t.b + v.column2 \
                                 from (values {rows}) as v where t.a = v.column1{end}";
        MOVE: (i64,) => () = "insert into t (a) select a from u where a = $1";
        LOCKED: (i64,) => (i64,) = "select t.a from t join u on u.a = t.a where t.a = $1 {lock:t}";
    }

    #[test]
    fn tokens_are_rendered_for_each_engine() {
        assert_eq!(INSERT.raw().lite(), "insert into t (a, b) values (?1, ?2)");
        assert_eq!(INSERT.raw().postgres(2), "insert into t (a, b) values ($1, $2), ($3, $4)");
        assert_eq!(LOCKED.raw().lite(), "select t.a from t join u on u.a = t.a where t.a = ?1 ");
        assert!(LOCKED.raw().postgres(1).ends_with("for no key update of t"));
        assert_eq!(ADD.raw().lite(), "update t set b = b + ?2 where a = ?1");
        assert!(ADD.raw().postgres(1).ends_with("from (values ($1, $2)) as v where t.a = v.column1"));
        assert_eq!(STATEMENTS.len(), 4);
    }

    #[test]
    fn a_plain_write_names_its_table() {
        assert_eq!([INSERT.raw().table(), ADD.raw().table()], [Some("t"), Some("t")]);
        assert_eq!([MOVE.raw().table(), LOCKED.raw().table()], [None, None]);
        assert_eq!([INSERT.raw().adds_values(), ADD.raw().adds_values()], [true, false]);
    }
}

//! How tasks are found without reading many. Every step is bounded, so the worst search costs about as much as a usual one:
//!
//! 1. The index of the order is walked from the cursor on, [`AHEAD`] tasks at most. Usual searches fill their page here.
//! 2. What fits rarely is also found another way: if [`FEW`] tasks at most have the words, or pay a reward of the range,
//!    they are taken all together and put into order.
//! 3. Where neither helps, the page is shorter than it could be and goes on where the walk has ended.

use crate::base::{Context, Result};
use crate::tasks::search::order::{Place, Sort};
use crate::tasks::search::parse_tags;
use crate::tasks::search::store::{self, FoundRow, Key, Wanted};
use crate::tasks::search::words::Sought;

/// Tasks that a walk passes.
const AHEAD: i64 = 1_000;
/// Tasks that are taken together.
const FEW: i64 = 2_000;
/// Of what a walk has brought, looked at before the text index is asked: enough to find a frequent word.
const GLANCE: usize = 256;
/// Rows that are read together while words are compared.
const STEP: usize = 64;

/// What is looked for, and from where on.
pub(super) struct Search {
    pub(super) wanted: Wanted,
    pub(super) sought: Sought,
    pub(super) sort: Sort,
    pub(super) after: Option<Place>,
    pub(super) limit: usize,
}

/// A page and where the next one begins.
pub(super) struct Found {
    pub(super) rows: Vec<FoundRow>,
    pub(super) next: Option<Place>,
}

/// What a walk came upon, in order.
struct Walked {
    keys: Vec<Key>,
    /// Where it ended; nothing when there was no more.
    end: Option<Place>,
}

pub(super) fn find(cx: &mut Context<'_, '_>, search: &Search) -> Result<Found> {
    let Walked { keys, end } = walk(cx, search)?;
    let mut page = Page::new(search);
    let (first, rest) = keys.split_at(keys.len().min(if search.sought.is_empty() { keys.len() } else { GLANCE }));
    page.take(cx, first)?;
    if page.is_full() || (end.is_none() && rest.is_empty()) {
        return Ok(page.ending_at(None));
    }
    if let Some(keys) = few_with_the_words(cx, search)? {
        return page_of(cx, search, keys, false);
    }
    page.take(cx, rest)?;
    if page.is_full() || end.is_none() {
        return Ok(page.ending_at(None));
    }
    match few_with_the_reward(cx, search)? {
        Some(keys) => page_of(cx, search, keys, true),
        None => Ok(page.ending_at(end)),
    }
}

fn walk(cx: &mut Context<'_, '_>, search: &Search) -> Result<Walked> {
    let Search { wanted, sought, sort, after, limit } = search;
    let (start, until) = sort.ends(wanted.rewards, cx.now);
    let from = after.map_or(start, |after| sort.later(after, start));
    let end = store::ahead(cx, *sort, wanted.category.as_deref(), (from, until), AHEAD)?;
    let at_most = if sought.is_empty() { i64::try_from(*limit).unwrap_or(AHEAD) + 1 } else { AHEAD };
    let keys = store::walk(cx, *sort, wanted, (from, end.unwrap_or(until)), at_most)?;
    Ok(Walked { keys, end })
}

/// Whatever fits and has the words, if only few have them.
fn few_with_the_words(cx: &mut Context<'_, '_>, search: &Search) -> Result<Option<Vec<Key>>> {
    if search.sought.is_empty() {
        return Ok(None);
    }
    let question = search.sought.question(search.wanted.category.as_deref());
    if store::how_many_have_words(cx, &question, FEW + 1)? > FEW {
        return Ok(None);
    }
    store::having_words(cx, &question, &search.wanted, FEW).map(Some)
}

/// Whatever fits, if only few pay so much. In the order of rewards a walk finds them anyway.
fn few_with_the_reward(cx: &mut Context<'_, '_>, search: &Search) -> Result<Option<Vec<Key>>> {
    if search.sort == Sort::Reward || store::how_many_pay(cx, &search.wanted, FEW + 1)? > FEW {
        return Ok(None);
    }
    store::paying(cx, &search.wanted, FEW).map(Some)
}

/// The page out of all that fits.
fn page_of(cx: &mut Context<'_, '_>, search: &Search, mut keys: Vec<Key>, compare_words: bool) -> Result<Found> {
    let sort = search.sort;
    keys.retain(|key| search.after.is_none_or(|after| sort.is_after(sort.place(key), after)));
    sort.arrange(&mut keys);
    let mut page = Page { compare_words: compare_words && !search.sought.is_empty(), ..Page::new(search) };
    page.take(cx, &keys)?;
    Ok(page.ending_at(None))
}

/// A page in the making, with one row more than it shows.
struct Page<'s> {
    search: &'s Search,
    compare_words: bool,
    rows: Vec<(Place, FoundRow)>,
}

impl<'s> Page<'s> {
    fn new(search: &'s Search) -> Self {
        Self { search, compare_words: !search.sought.is_empty(), rows: Vec::new() }
    }

    fn is_full(&self) -> bool {
        self.rows.len() > self.search.limit
    }

    /// Reads tasks, in order, until the page is full.
    fn take(&mut self, cx: &mut Context<'_, '_>, keys: &[Key]) -> Result<()> {
        let mut rest = keys;
        while !self.is_full() && !rest.is_empty() {
            let missing = self.search.limit + 1 - self.rows.len();
            let step;
            (step, rest) = rest.split_at(rest.len().min(if self.compare_words { STEP } else { missing }));
            self.take_step(cx, step)?;
        }
        Ok(())
    }

    fn take_step(&mut self, cx: &mut Context<'_, '_>, keys: &[Key]) -> Result<()> {
        let sought = &self.search.sought;
        let mut rows = store::found(cx, keys.iter().map(|key| key.id), self.compare_words && sought.wants_words())?;
        rows.sort_unstable_by_key(|row| keys.iter().position(|key| key.id == row.id));
        for (key, row) in keys.iter().zip(rows) {
            if !self.compare_words || sought.are_in([&row.title, &row.description], &parse_tags(&row.tags)?) {
                self.rows.push((self.search.sort.place(key), row));
            }
        }
        Ok(())
    }

    /// The page, which goes on after its last row when there is another, and otherwise at `end`.
    fn ending_at(mut self, end: Option<Place>) -> Found {
        let is_full = self.is_full();
        self.rows.truncate(self.search.limit);
        let next = if is_full { self.rows.last().map(|(place, _)| *place) } else { end };
        Found { rows: self.rows.into_iter().map(|(_, row)| row).collect(), next }
    }
}

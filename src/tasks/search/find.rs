//! How tasks are found without reading many. Every step is bounded, so the worst search costs about as much as a usual one:
//!
//! 1. The index of the order is walked from the cursor on, [`AHEAD`] tasks at most, and the texts of [`COMPARED`] tasks at
//!    most are compared. Usual searches fill their page here.
//! 2. What fits rarely is also found another way: if [`FEW`] tasks at most have the words, or pay a reward of the range,
//!    they are taken all together and put into order.
//! 3. Where neither helps, the page is shorter than it could be and goes on where the walk has ended.

use std::collections::HashSet;

use crate::base::{Context, Result};
use crate::tasks::search::order::{Place, Sort};
use crate::tasks::search::parse_tags;
use crate::tasks::search::store::{self, FoundRow, Key, Wanted};
use crate::tasks::search::words::{Sought, Texts};

/// Tasks that a walk passes. Most of them by a look at the index only.
const AHEAD: i64 = 2_500;
/// Tasks whose texts are read for one page.
const COMPARED: usize = 1_000;
/// Tasks that are taken together.
const FEW: i64 = 1_500;
/// Of what a walk has brought, looked at before the text index is asked: enough to find a frequent word.
const GLANCE: usize = 128;
/// Tasks whose texts are read together.
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

pub(super) fn find(cx: &mut Context<'_, '_>, search: &Search) -> Result<Found> {
    let (mut walk, mut page) = (Walk::start(cx, search)?, Page::new(search));
    let keys = walk.next(cx, search, if search.sought.is_empty() { search.limit + 1 } else { GLANCE })?;
    page.take(cx, &keys)?;
    if page.is_full() || walk.is_over() {
        return page.ending_at(cx, None);
    }
    if let Some(keys) = few_with_the_words(cx, search)? {
        return page_of(cx, search, keys, false);
    }
    let keys = walk.next(cx, search, COMPARED)?;
    page.take(cx, &keys)?;
    if page.is_full() || walk.is_over() {
        return page.ending_at(cx, None);
    }
    match few_with_the_reward(cx, search)? {
        Some(keys) => page_of(cx, search, keys, true),
        None => page.ending_at(cx, Some(walk.at)),
    }
}

/// A walk along the index of the order, past [`AHEAD`] tasks at most.
struct Walk {
    at: Place,
    end: Place,
    /// Whether there are tasks after the end.
    is_cut: bool,
}

impl Walk {
    fn start(cx: &mut Context<'_, '_>, search: &Search) -> Result<Self> {
        let (start, until) = search.sort.ends(search.wanted.rewards, cx.now);
        let at = search.after.map_or(start, |after| search.sort.later(after, start));
        let cut = store::ahead(cx, search.sort, search.wanted.category.as_deref(), (at, until), AHEAD)?;
        Ok(Self { at, end: cut.unwrap_or(until), is_cut: cut.is_some() })
    }

    /// The next tasks that fit.
    fn next(&mut self, cx: &mut Context<'_, '_>, search: &Search, at_most: usize) -> Result<Vec<Key>> {
        if self.at == self.end {
            return Ok(Vec::new());
        }
        let keys = store::walk(cx, search.sort, &search.wanted, (self.at, self.end), at_most)?;
        let last = keys.last().filter(|_| keys.len() == at_most);
        self.at = last.map_or(self.end, |key| search.sort.place(key));
        Ok(keys)
    }

    fn is_over(&self) -> bool {
        self.at == self.end && !self.is_cut
    }
}

/// Whatever fits and has the words, if only few have them.
fn few_with_the_words(cx: &mut Context<'_, '_>, search: &Search) -> Result<Option<Vec<Key>>> {
    if search.sought.is_empty() {
        return Ok(None);
    }
    let question = search.sought.question();
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
    page.ending_at(cx, None)
}

/// A page in the making, with one task more than it shows.
struct Page<'s> {
    search: &'s Search,
    compare_words: bool,
    keys: Vec<Key>,
}

impl<'s> Page<'s> {
    fn new(search: &'s Search) -> Self {
        Self { search, compare_words: !search.sought.is_empty(), keys: Vec::new() }
    }

    fn is_full(&self) -> bool {
        self.keys.len() > self.search.limit
    }

    /// Takes tasks, in order, until the page is full.
    fn take(&mut self, cx: &mut Context<'_, '_>, keys: &[Key]) -> Result<()> {
        for step in keys.chunks(STEP) {
            let fitting = if self.compare_words { self.with_the_words(cx, step)? } else { step.to_vec() };
            self.keys.extend(fitting);
            if self.is_full() {
                break;
            }
        }
        Ok(())
    }

    fn with_the_words(&self, cx: &mut Context<'_, '_>, keys: &[Key]) -> Result<Vec<Key>> {
        let sought = &self.search.sought;
        let mut having = HashSet::new();
        for row in store::texts(cx, keys, sought.wants_words())? {
            let texts = Texts { title: &row.title, description: &row.description, tags: parse_tags(&row.tags)? };
            if sought.are_in(&texts) {
                having.insert(row.id);
            }
        }
        Ok(keys.iter().filter(|key| having.contains(&key.id)).copied().collect())
    }

    /// The page, which goes on after its last task when there is another, and otherwise at `end`.
    fn ending_at(mut self, cx: &mut Context<'_, '_>, end: Option<Place>) -> Result<Found> {
        let is_full = self.is_full();
        self.keys.truncate(self.search.limit);
        let next = if is_full { self.keys.last().map(|key| self.search.sort.place(key)) } else { end };
        let mut rows = store::found(cx, &self.keys)?;
        rows.sort_unstable_by_key(|row| self.keys.iter().position(|key| key.id == row.id));
        Ok(Found { rows, next })
    }
}

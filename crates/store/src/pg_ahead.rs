//! Reads that are announced before they are needed, so that they travel with the one before them: between a program and a
//! server it is the trips that cost.

use crate::pg_wire::Answer;
use crate::statement::Raw;
use crate::value::Value;

/// What was announced in this transaction, and the answers that nobody has asked for yet.
#[derive(Default)]
pub(crate) struct Ahead {
    announced: Vec<Read>,
    answered: Vec<(Read, Answer)>,
}

/// One read.
pub(crate) struct Read {
    pub(crate) raw: &'static Raw,
    pub(crate) values: Vec<Value<'static>>,
}

impl Read {
    fn is(&self, raw: &Raw, values: &[Value<'_>]) -> bool {
        std::ptr::eq(self.raw, raw) && self.values == values
    }
}

impl Ahead {
    pub(crate) fn announce(&mut self, raw: &'static Raw, values: Vec<Value<'_>>) {
        let values = values.into_iter().map(Value::into_owned).collect();
        self.announced.push(Read { raw, values });
    }

    /// What has to travel now.
    pub(crate) fn announced(&mut self) -> Vec<Read> {
        std::mem::take(&mut self.announced)
    }

    pub(crate) fn keep(&mut self, answered: impl Iterator<Item = (Read, Answer)>) {
        self.answered.extend(answered);
    }

    /// The answer to this question, if it came already. One that is about to be asked is not announced any more.
    pub(crate) fn take(&mut self, raw: &Raw, values: &[Value<'_>]) -> Option<Answer> {
        self.announced.retain(|read| !read.is(raw, values));
        let place = self.answered.iter().position(|(read, _)| read.is(raw, values))?;
        Some(self.answered.swap_remove(place).1)
    }

    /// Forgets all of it: a write may have changed the answers.
    pub(crate) fn clear(&mut self) {
        self.announced.clear();
        self.answered.clear();
    }
}

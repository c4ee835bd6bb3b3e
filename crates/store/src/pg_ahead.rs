//! Reads that are announced before they are needed, so that they travel with the one before them: between a program and a
//! server it is the trips that cost.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use crate::error::StoreError;
use crate::statement::Raw;
use crate::value::Value;

/// What was announced in this transaction, and the answers that nobody has asked for yet.
#[derive(Default)]
pub(crate) struct Ahead {
    announced: Vec<Read>,
    answered: Vec<Read>,
}

/// One read.
pub(crate) struct Read {
    pub(crate) raw: &'static Raw,
    values: Vec<Value<'static>>,
    rows: Vec<Row>,
}

impl Read {
    fn is(&self, raw: &Raw, values: &[Value<'_>]) -> bool {
        std::ptr::eq(self.raw, raw) && self.values == values
    }

    /// Asks the server, and keeps the answer.
    pub(crate) async fn send(&mut self, client: &Client, statement: &Statement) -> Result<(), StoreError> {
        let params: Vec<&(dyn ToSql + Sync)> = self.values.iter().map(|v| v as &(dyn ToSql + Sync)).collect();
        self.rows = client.query(statement, &params).await?;
        Ok(())
    }
}

impl Ahead {
    pub(crate) fn announce(&mut self, raw: &'static Raw, values: Vec<Value<'_>>) {
        let values = values.into_iter().map(Value::into_owned).collect();
        self.announced.push(Read { raw, values, rows: Vec::new() });
    }

    /// What has to travel now.
    pub(crate) fn announced(&mut self) -> Vec<Read> {
        std::mem::take(&mut self.announced)
    }

    pub(crate) fn keep(&mut self, answered: Vec<Read>) {
        self.answered.extend(answered);
    }

    /// The answer to this question, if it came already. One that is about to be asked is not announced any more.
    pub(crate) fn take(&mut self, raw: &Raw, values: &[Value<'_>]) -> Option<Vec<Row>> {
        self.announced.retain(|read| !read.is(raw, values));
        let place = self.answered.iter().position(|read| read.is(raw, values))?;
        Some(self.answered.swap_remove(place).rows)
    }

    /// Forgets all of it: a write may have changed the answers.
    pub(crate) fn clear(&mut self) {
        self.announced.clear();
        self.answered.clear();
    }
}

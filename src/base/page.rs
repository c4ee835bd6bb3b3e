//! Lists: `{items, next_cursor}`, keyset pages, no offsets.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::{Refusal, Result};

/// One page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// Send it as `cursor` to get the next page; null at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// From one row more than asked for: the extra row tells that there is a next page.
    pub fn of(mut items: Vec<T>, limit: usize, cursor_of: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if more { items.last().map(cursor_of) } else { None };
        Self { items, next_cursor }
    }
}

/// An opaque cursor over a position, bound to its list by `list`.
pub fn cursor(list: &str, position: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}:{position}"))
}

/// Where a page begins: at its cursor, or at `start`. Fails with `invalid_cursor`.
pub fn begin<T: FromStr>(list: &str, cursor: Option<&String>, start: T) -> Result<T> {
    match cursor {
        Some(cursor) => position(list, cursor)?.parse().map_err(|_| Refusal::StaleCursor.into()),
        None => Ok(start),
    }
}

/// Reads a cursor of the same list. Fails with `invalid_cursor`.
pub fn position(list: &str, cursor: &str) -> Result<String> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let position = text.as_deref().and_then(|text| text.strip_prefix(list)).and_then(|rest| rest.strip_prefix(':'));
    position.map(str::to_owned).ok_or_else(|| Refusal::StaleCursor.into())
}

//! What somebody did in the last hour: one row for each subject and purpose, rewritten by whoever adds to it. A row for each
//! deed would cost a page of the log each, and two indexes.
//!
//! The newest [`EXACT`] deeds have their own times. Older ones of one minute stand together at the time of the last of them,
//! so a window never holds more than it may, and what leaves it leaves less than a minute late.

use uuid::Uuid;

use crate::base::clock::{Span, Ts};
use crate::base::context::Context;
use crate::base::error::{Result, internal};
use crate::base::store;

const KEPT: Span = Span::hours(1);
const EXACT: usize = 32;
const MINUTE: i64 = 60_000;
const CHUNK: u64 = 1_000;

/// The deeds of one subject for one purpose, as they were read, and then added to.
#[derive(Clone, Debug)]
pub struct Recent {
    subject: Uuid,
    purpose: &'static str,
    stored: Option<Stored>,
    deeds: Vec<Deeds>,
}

/// The columns `hour` and `deeds` of a row of the table `recent`: the hour of the newest deed since 1970, and all of them.
pub type Stored = (i64, Vec<u8>);

/// So much at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Deeds {
    at: Ts,
    amount: i64,
}

impl Recent {
    /// Announces the read of [`Recent::read`], for whoever is most likely the subject.
    pub fn announce(cx: &mut Context<'_, '_>, subject: Uuid, purpose: &'static str) {
        store::announce_recent(cx, subject, purpose);
    }

    /// What `subject` did. Of two calls that read the same and add to it one is run again.
    ///
    /// # Errors
    /// Those of the store.
    pub fn read(cx: &mut Context<'_, '_>, subject: Uuid, purpose: &'static str) -> Result<Self> {
        let stored = store::recent(cx, subject, purpose)?;
        Self::of(subject, purpose, stored)
    }

    /// From its row, where another read has brought it.
    ///
    /// # Errors
    /// When the row is spoilt.
    pub fn of(subject: Uuid, purpose: &'static str, stored: Option<Stored>) -> Result<Self> {
        let deeds = match &stored {
            Some((_, bytes)) => decode(bytes).ok_or_else(|| internal(format_args!("the recent deeds of {subject} cannot be read")))?,
            None => Vec::new(),
        };
        Ok(Self { subject, purpose, stored, deeds })
    }

    /// Who did it.
    pub fn subject(&self) -> Uuid {
        self.subject
    }

    /// What was done after `since`, at most an hour ago.
    pub fn total_since(&self, since: Ts) -> i64 {
        self.after(since).fold(0, |total, deeds| total.saturating_add(deeds.amount))
    }

    /// The time of the deed that has to leave the window before less than `amount` of what is after `since` is in it; of the
    /// first to leave when that is so already.
    pub fn room_after(&self, since: Ts, amount: i64) -> Option<Ts> {
        let mut left = self.total_since(since);
        self.after(since).find_map(|deeds| {
            left -= deeds.amount;
            (left < amount).then_some(deeds.at)
        })
    }

    /// Adds a deed of now, and says when it counts as done.
    ///
    /// # Errors
    /// Those of the store.
    pub fn add(&mut self, cx: &mut Context<'_, '_>, amount: i64) -> Result<Ts> {
        let kept_since = cx.now.minus(KEPT);
        self.deeds.retain(|deeds| deeds.at > kept_since);
        // The clock of another node may be ahead.
        let at = self.deeds.last().map_or(cx.now, |last| last.at.max(cx.now));
        self.deeds.push(Deeds { at, amount });
        self.join_older();
        self.save(cx)?;
        Ok(at)
    }

    /// Takes one of the deeds of a time back; nothing happens when it is forgotten already.
    ///
    /// # Errors
    /// Those of the store.
    pub fn take_back(&mut self, cx: &mut Context<'_, '_>, at: Ts) -> Result<()> {
        let Some(place) = self.deeds.iter().position(|deeds| deeds.at >= at) else { return Ok(()) };
        if self.deeds[place].amount > 1 {
            self.deeds[place].amount -= 1;
        } else {
            self.deeds.remove(place);
        }
        self.save(cx)
    }

    fn after(&self, since: Ts) -> impl Iterator<Item = &Deeds> {
        self.deeds.iter().filter(move |deeds| deeds.at > since)
    }

    /// Lets what has just become one of the older deeds stand with its minute.
    fn join_older(&mut self) {
        let Some(place) = self.deeds.len().checked_sub(EXACT + 1).filter(|place| *place > 0) else { return };
        let (before, deeds) = (self.deeds[place - 1], self.deeds[place]);
        let minute = |at: Ts| at.as_milliseconds().div_euclid(MINUTE);
        if minute(before.at) == minute(deeds.at) {
            self.deeds[place].amount = before.amount.saturating_add(deeds.amount);
            self.deeds.remove(place - 1);
        }
    }

    fn save(&mut self, cx: &mut Context<'_, '_>) -> Result<()> {
        let newest = self.deeds.last().map_or(cx.now, |last| last.at);
        let hour = newest.as_milliseconds().div_euclid(KEPT.as_milliseconds());
        let fresh = (hour, encode(&self.deeds));
        store::save_recent(cx, (self.subject, self.purpose), self.stored.as_ref(), &fresh)?;
        self.stored = Some(fresh);
        Ok(())
    }
}

/// Job: forgets those whose last deed is more than an hour old. Answers whether there may be more.
///
/// # Errors
/// Those of the store.
pub fn forget_old(cx: &mut Context<'_, '_>) -> Result<bool> {
    let hour = cx.now.minus(KEPT).as_milliseconds().div_euclid(KEPT.as_milliseconds());
    Ok(store::forget_recent(cx, hour, CHUNK.cast_signed())? == CHUNK)
}

/// The time that passed since the deeds before, and how much, in seven bits a byte.
fn encode(deeds: &[Deeds]) -> Vec<u8> {
    let (mut bytes, mut last) = (Vec::with_capacity(8 + deeds.len() * 4), 0);
    for deeds in deeds {
        let at = deeds.at.as_milliseconds();
        for number in [at - last, deeds.amount] {
            let mut rest = number.cast_unsigned();
            while rest > 0x7f {
                bytes.push(rest.to_le_bytes()[0] | 0x80);
                rest >>= 7;
            }
            bytes.push(rest.to_le_bytes()[0]);
        }
        last = at;
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Vec<Deeds>> {
    let (mut bytes, mut last, mut deeds) = (bytes.iter(), 0_i64, Vec::new());
    while !bytes.as_slice().is_empty() {
        last = last.checked_add(number(&mut bytes)?)?;
        deeds.push(Deeds { at: Ts::from_milliseconds(last), amount: number(&mut bytes)? });
    }
    Some(deeds)
}

fn number(bytes: &mut std::slice::Iter<'_, u8>) -> Option<i64> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = *bytes.next()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number.cast_signed());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(times: impl IntoIterator<Item = i64>) -> Recent {
        let mut recent = Recent::of(Uuid::nil(), "test", None).unwrap();
        for at in times {
            recent.deeds.push(Deeds { at: Ts::from_milliseconds(at), amount: 1 });
            recent.join_older();
        }
        recent
    }

    #[test]
    fn what_is_written_is_read() {
        for amounts in [&[][..], &[1], &[1, 127, 128, 16_383, 16_384, i64::MAX], &[0, 0]] {
            let times = (1_790_000_000_000..).step_by(127).map(Ts::from_milliseconds);
            let deeds: Vec<_> = amounts.iter().zip(times).map(|(amount, at)| Deeds { at, amount: *amount }).collect();
            assert_eq!(decode(&encode(&deeds)).unwrap(), deeds);
        }
        assert_eq!(encode(&recent((0..20).map(|n| 1_790_000_000_000 + n * 100)).deeds).len(), 7 + 19 * 2);
    }

    #[test]
    fn a_row_that_is_cut_off_is_not_half_believed() {
        let bytes = encode(&recent([1_790_000_000_000, 1_790_000_000_100]).deeds);
        assert!(decode(&bytes[..bytes.len() - 1]).is_none());
        assert!(decode(&[0xff; 12]).is_none());
    }

    #[test]
    fn the_newest_have_their_own_times_and_older_ones_their_minute() {
        let day = recent((0..10_000).map(|n| n * 360));
        assert_eq!(day.total_since(Ts::from_milliseconds(-1)), 10_000);
        assert!(day.deeds.len() <= 60 + EXACT, "{}", day.deeds.len());
        assert!(day.deeds.is_sorted_by_key(|deeds| deeds.at));
        let exact = &day.deeds[day.deeds.len() - EXACT..];
        assert!(exact.iter().all(|deeds| deeds.amount == 1));
        // Nothing counts earlier than it was, nor a minute later.
        for since in (0..3_600_000).step_by(7_777) {
            let was = 10_000 - since / 360 - 1;
            let counted = day.total_since(Ts::from_milliseconds(since));
            assert!((was..=was + MINUTE / 360 + 1).contains(&counted), "{since}: {counted} of {was}");
        }
    }

    #[test]
    fn there_is_room_when_enough_has_left() {
        let five = recent([10, 20, 30, 40, 50]);
        let room = |amount| five.room_after(Ts::from_milliseconds(0), amount).map(Ts::as_milliseconds);
        assert_eq!((room(6), room(5), room(4), room(1)), (Some(10), Some(10), Some(20), Some(50)));
        assert_eq!(five.room_after(Ts::from_milliseconds(50), 5), None);
    }
}

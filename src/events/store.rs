//! The tables of the log.

use uuid::Uuid;

use crate::base::{Context, Result, Ts, UserId};
use crate::events::emit::Event;

::store::row! {
    /// An event without its number.
    pub(super) struct FreshRow {
        pub(super) batch: Uuid,
        pub(super) n: i64,
        pub(super) id: Uuid,
        pub(super) user_id: UserId,
        pub(super) kind: String,
        pub(super) data: String,
        pub(super) at: Ts,
    }
}

::store::row! {
    /// An event in its place.
    pub(super) struct EventRow {
        pub(super) seq: i64,
        pub(super) id: Uuid,
        pub(super) kind: String,
        pub(super) data: String,
        pub(super) at: Ts,
    }
}

::store::statements! {
    APPEND: (Uuid, i64, Uuid, UserId, String, String, Ts) => () =
        "insert into fresh_events (batch, n, id, user_id, kind, data, at) values {rows}";
    LOCK_NUMBERING: () => (i64,) = "select turn from event_numbering where id = 1 {lock}";
    TURN: () => (i64,) = "select turn from event_numbering where id = 1";
    NEXT_TURN: (i64,) => () = "update event_numbering set turn = $1 where id = 1";
    SAY: (String,) => (i64,) =
        "{sqlite}select length($1){postgres}select cast(1 as bigint) from (select pg_notify('roborent_events', $1)) as said{end}";
    FRESH: () => FreshRow = "select batch, n, id, user_id, kind, data, at from fresh_events order by batch, n limit 1024";
    LAST_SEQS: (UserId,) => (UserId, Option<i64>) =
        "{sqlite}select $1, (select e.seq from events e where e.user_id = $1 order by e.seq desc limit 1)\
         {postgres}select v.column1, (select e.seq from events e where e.user_id = v.column1 order by e.seq desc limit 1) \
         from (values {rows}) as v order by 1{end}";
    PLACE: (UserId, i64, Uuid, String, String, Ts) => () = "insert into events (user_id, seq, id, kind, data, at) values {rows}";
    FORGET_FRESH: (Uuid, i64) => () =
        "delete from fresh_events where {sqlite}batch = $1 and n = $2{postgres}(batch, n) in (values {rows}){end}";
    EVENTS_AFTER: (UserId, i64, i64) => EventRow =
        "select seq, id, kind, data, at from events where user_id = $1 and seq > $2 order by seq limit $3";
}

/// The events that one run of the numbering job takes.
pub(super) const NUMBERED_TOGETHER: usize = 1_024;

pub(super) fn append(cx: &mut Context<'_, '_>, events: &[Event]) -> Result<()> {
    let (batch, now) = (cx.new_ordered_id(), cx.now);
    let rows: Vec<_> = (1_i64..)
        .zip(events)
        .map(|(n, event)| (batch, n, cx.new_id(), event.user, event.kind.name(), event.data.to_string(), now))
        .collect();
    Ok(cx.tx.write_rows(&APPEND, &rows)?)
}

/// One numberer at a time, over all nodes. Answers the number of the last turn that placed something.
pub(super) fn lock_numbering(cx: &mut Context<'_, '_>) -> Result<i64> {
    Ok(cx.tx.one(&LOCK_NUMBERING, ())?.0)
}

/// The number of the last turn that placed something.
pub(super) fn turn(cx: &mut Context<'_, '_>) -> Result<i64> {
    Ok(cx.tx.one(&TURN, ())?.0)
}

/// A turn that placed something has this number.
pub(super) fn end_turn(cx: &mut Context<'_, '_>, turn: i64) -> Result<()> {
    Ok(cx.tx.write(&NEXT_TURN, (turn,))?)
}

/// Says something to the other nodes when this commits.
pub(super) fn say(cx: &mut Context<'_, '_>, words: &str) -> Result<()> {
    cx.tx.one(&SAY, (words,)).map(drop)?;
    Ok(())
}

/// The oldest events without a number.
pub(super) fn fresh(cx: &mut Context<'_, '_>) -> Result<Vec<FreshRow>> {
    Ok(cx.tx.all(&FRESH, ())?)
}

/// The newest number of each user, where there is one. Users and answers are in the order of the ids.
pub(super) fn last_seqs(cx: &mut Context<'_, '_>, users: &[UserId]) -> Result<Vec<(UserId, Option<i64>)>> {
    let keys: Vec<_> = users.iter().map(|user| (*user,)).collect();
    Ok(cx.tx.all_of(&LAST_SEQS, &keys)?)
}

pub(super) fn place(cx: &mut Context<'_, '_>, rows: &[(UserId, i64, Uuid, &str, &str, Ts)]) -> Result<()> {
    Ok(cx.tx.write_rows(&PLACE, rows)?)
}

pub(super) fn forget_fresh(cx: &mut Context<'_, '_>, events: &[FreshRow]) -> Result<()> {
    let keys: Vec<_> = events.iter().map(|event| (event.batch, event.n)).collect();
    Ok(cx.tx.write_rows(&FORGET_FRESH, &keys)?)
}

pub(super) fn events_after(cx: &mut Context<'_, '_>, user: UserId, after: i64, at_most: i64) -> Result<Vec<EventRow>> {
    Ok(cx.tx.all(&EVENTS_AFTER, (user, after, at_most))?)
}

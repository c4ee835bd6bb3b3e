//! The queue of deliveries, its lanes, the log of attempts, and notices.

use uuid::Uuid;

use crate::base::{Context, Result, Ts, UserId};
use crate::events::Placed;
use crate::webhooks::lane::Lane;

crate::words! {
    /// What became of a delivery.
    pub enum State {
        /// An attempt is due, or will be.
        Waiting = "waiting",
        /// An attempt was answered with 2xx.
        Delivered = "delivered",
        /// No attempt succeeded, and none is made any more.
        GivenUp = "given_up",
    }
}

::store::row! {
    /// An event that is to be sent now.
    #[derive(Clone, Debug)]
    pub(super) struct DueRow {
        pub(super) seq: i64,
        pub(super) attempts: i64,
        pub(super) tries: i64,
        pub(super) event_id: Uuid,
        pub(super) kind: String,
        pub(super) data: String,
        pub(super) at: Ts,
    }
}

::store::row! {
    /// A line of the delivery log.
    pub(super) struct DeliveryRow {
        pub(super) seq: i64,
        pub(super) event_id: Uuid,
        pub(super) kind: String,
        pub(super) at: Ts,
        pub(super) state: State,
        pub(super) attempts: i64,
        pub(super) next_at: Option<Ts>,
    }
}

::store::row! {
    /// An attempt as stored.
    pub(super) struct AttemptRow {
        pub(super) n: i64,
        pub(super) at: Ts,
        pub(super) duration_ms: i64,
        pub(super) status: Option<i64>,
        pub(super) note: String,
    }
}

/// A delivery after an attempt: whose, which, attempts before, and what is new.
pub(super) type DeliveryChange = (UserId, i64, i64, State, i64, i64, Option<Ts>);
/// A new line of the log of attempts.
pub(super) type NewAttempt<'d> = (UserId, i64, i64, Ts, i64, Option<i64>, &'d str);

::store::statements! {
    INSERT_DELIVERIES: (UserId, i64, Uuid, State, i64, i64, Ts) => () =
        "insert into webhook_deliveries (user_id, seq, event_id, state, attempts, tries, next_at) values {rows}";
    RAISE_LANE: (UserId, Ts) => () =
        "insert into webhook_lanes (user_id, next_at, leased_until, failures) values ($1, $2, 0, 0) \
         on conflict (user_id) do update set next_at = case \
            when webhook_lanes.paused_until > excluded.next_at then webhook_lanes.paused_until \
            when webhook_lanes.next_at <= excluded.next_at then webhook_lanes.next_at else excluded.next_at end";
    DUE_HEALTHY: (Ts, i64) => (UserId,) =
        "select user_id from webhook_lanes where failures = 0 and next_at is not null and next_at <= $1 and leased_until <= $1 \
         order by next_at limit $2 {skip_locked}";
    DUE_FAILING: (Ts, i64) => (UserId,) =
        "select user_id from webhook_lanes where failures > 0 and next_at is not null and next_at <= $1 and leased_until <= $1 \
         order by next_at limit $2 {skip_locked}";
    LEASE: (UserId, Ts) => () = "update webhook_lanes set leased_until = $2 where user_id = $1";
    LANE_LOCKED: (UserId,) => Lane = "select failures, failing_since, paused_until from webhook_lanes where user_id = $1 {lock}";
    LANE: (UserId,) => Lane = "select failures, failing_since, paused_until from webhook_lanes where user_id = $1";
    SAVE_LANE: (UserId, i64, Option<Ts>, Option<Ts>, Option<Ts>, Ts) => () =
        "update webhook_lanes set failures = $2, failing_since = $3, paused_until = $4, next_at = $5, leased_until = $6 where user_id = $1";
    DUE: (UserId, Ts, i64) => DueRow =
        "select d.seq, d.attempts, d.tries, e.id, e.kind, e.data, e.at \
         from webhook_deliveries d join events e on e.user_id = d.user_id and e.seq = d.seq \
         where d.user_id = $1 and d.next_at is not null and d.next_at <= $2 order by d.next_at, d.seq limit $3";
    FIRST_WAITING: (UserId,) => (Option<Ts>,) =
        "select next_at from webhook_deliveries where user_id = $1 and next_at is not null order by next_at limit 1";
    SAVE_DELIVERY: (UserId, i64, i64, State, i64, i64, Option<Ts>) => () =
        "update webhook_deliveries set state = $4, attempts = $5, tries = $6, next_at = $7 \
         where user_id = $1 and seq = $2 and attempts = $3 and state = 'waiting'";
    GIVE_UP_ALL: (UserId,) => () =
        "update webhook_deliveries set state = 'given_up', next_at = null where user_id = $1 and next_at is not null";
    INSERT_ATTEMPTS: (UserId, i64, i64, Ts, i64, Option<i64>, String) => () =
        "insert into webhook_attempts (user_id, seq, n, at, duration_ms, status, note) values {rows}";
    FORGET_ATTEMPTS: (Ts, i64) => () =
        "delete from webhook_attempts where (user_id, seq, n) in (select user_id, seq, n from webhook_attempts where at < $1 order by at limit $2)";
    DELIVERIES: (UserId, i64, i64) => DeliveryRow =
        "select d.seq, d.event_id, e.kind, e.at, d.state, d.attempts, d.next_at \
         from webhook_deliveries d join events e on e.user_id = d.user_id and e.seq = d.seq \
         where d.user_id = $1 and d.seq < $2 order by d.seq desc limit $3";
    DELIVERY: (Uuid, UserId) => DeliveryRow =
        "select d.seq, d.event_id, e.kind, e.at, d.state, d.attempts, d.next_at \
         from webhook_deliveries d join events e on e.user_id = d.user_id and e.seq = d.seq \
         where d.event_id = $1 and d.user_id = $2";
    LAST_ATTEMPT: (UserId, i64, i64) => AttemptRow =
        "select n, at, duration_ms, status, note from webhook_attempts where user_id = $1 and seq = $2 and n = $3";
    ATTEMPTS: (UserId, i64) => AttemptRow =
        "select n, at, duration_ms, status, note from webhook_attempts where user_id = $1 and seq = $2 order by n desc limit 200";
    EVENTS_BETWEEN: (UserId, i64, i64, i64) => (i64, Uuid, Option<State>) =
        "select e.seq, e.id, d.state from events e left join webhook_deliveries d on d.user_id = e.user_id and d.seq = e.seq \
         where e.user_id = $1 and e.seq >= $2 and e.seq <= $3 order by e.seq limit $4";
    AGAIN: (UserId, i64, Ts) => () =
        "update webhook_deliveries set state = 'waiting', tries = 0, next_at = $3 where user_id = $1 and seq = $2";
    INSERT_NOTICE: (Uuid, UserId, String, String, Ts) => () =
        "insert into notices (id, user_id, kind, data, created_at) values ($1, $2, $3, $4, $5)";
}

pub(super) fn insert_deliveries(cx: &mut Context<'_, '_>, events: &[&Placed]) -> Result<()> {
    let now = cx.now;
    let rows: Vec<_> = events.iter().map(|event| (event.user, event.seq, event.id, State::Waiting, 0_i64, 0_i64, now)).collect();
    Ok(cx.tx.write_rows(&INSERT_DELIVERIES, &rows)?)
}

/// There is something to do for this endpoint now, unless it pauses.
pub(super) fn raise_lane(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    let now = cx.now;
    Ok(cx.tx.write(&RAISE_LANE, (user, now))?)
}

/// Lanes that nobody works on and that have something due; those that fail apart from the others.
pub(super) fn due_lanes(cx: &mut Context<'_, '_>, failing: bool, at_most: i64) -> Result<Vec<UserId>> {
    let now = cx.now;
    Ok(cx.tx.all(if failing { &DUE_FAILING } else { &DUE_HEALTHY }, (now, at_most))?.into_iter().map(|(user,)| user).collect())
}

pub(super) fn lease_lanes(cx: &mut Context<'_, '_>, users: &[UserId], until: Ts) -> Result<()> {
    let rows: Vec<_> = users.iter().map(|user| (*user, until)).collect();
    Ok(cx.tx.write_rows(&LEASE, &rows)?)
}

pub(super) fn lane_locked(cx: &mut Context<'_, '_>, user: UserId) -> Result<Option<Lane>> {
    Ok(cx.tx.maybe(&LANE_LOCKED, (user,))?)
}

pub(super) fn lane(cx: &mut Context<'_, '_>, user: UserId) -> Result<Option<Lane>> {
    Ok(cx.tx.maybe(&LANE, (user,))?)
}

pub(super) fn save_lane(cx: &mut Context<'_, '_>, user: UserId, lane: &Lane, next_at: Option<Ts>, leased_until: Ts) -> Result<()> {
    Ok(cx.tx.write(&SAVE_LANE, (user, lane.failures, lane.failing_since, lane.paused_until, next_at, leased_until))?)
}

/// What is due of a lane, the oldest first.
pub(super) fn due(cx: &mut Context<'_, '_>, user: UserId, at_most: i64) -> Result<Vec<DueRow>> {
    let now = cx.now;
    Ok(cx.tx.all(&DUE, (user, now, at_most))?)
}

/// When the next attempt of a lane is due.
pub(super) fn first_waiting(cx: &mut Context<'_, '_>, user: UserId) -> Result<Option<Ts>> {
    Ok(cx.tx.maybe(&FIRST_WAITING, (user,))?.and_then(|(at,)| at))
}

pub(super) fn save_deliveries(cx: &mut Context<'_, '_>, changes: &[DeliveryChange]) -> Result<()> {
    Ok(cx.tx.write_rows(&SAVE_DELIVERY, changes)?)
}

/// Gives up whatever waits; answers how many.
pub(super) fn give_up_all(cx: &mut Context<'_, '_>, user: UserId) -> Result<u64> {
    Ok(cx.tx.change(&GIVE_UP_ALL, (user,))?)
}

pub(super) fn insert_attempts(cx: &mut Context<'_, '_>, attempts: &[NewAttempt<'_>]) -> Result<()> {
    Ok(cx.tx.write_rows(&INSERT_ATTEMPTS, attempts)?)
}

/// Forgets attempts made before `before`; answers how many.
pub(super) fn forget_attempts(cx: &mut Context<'_, '_>, before: Ts, at_most: i64) -> Result<u64> {
    Ok(cx.tx.change(&FORGET_ATTEMPTS, (before, at_most))?)
}

/// The newest deliveries below a number.
pub(super) fn deliveries(cx: &mut Context<'_, '_>, user: UserId, before: i64, at_most: i64) -> Result<Vec<DeliveryRow>> {
    Ok(cx.tx.all(&DELIVERIES, (user, before, at_most))?)
}

pub(super) fn delivery(cx: &mut Context<'_, '_>, event: Uuid, user: UserId) -> Result<Option<DeliveryRow>> {
    Ok(cx.tx.maybe(&DELIVERY, (event, user))?)
}

pub(super) fn attempt_of(cx: &mut Context<'_, '_>, user: UserId, seq: i64, n: i64) -> Result<Option<AttemptRow>> {
    Ok(cx.tx.maybe(&LAST_ATTEMPT, (user, seq, n))?)
}

pub(super) fn attempts_of(cx: &mut Context<'_, '_>, user: UserId, seq: i64) -> Result<Vec<AttemptRow>> {
    Ok(cx.tx.all(&ATTEMPTS, (user, seq))?)
}

/// Events of a user and what became of each, if it was to be sent.
pub(super) fn events_between(
    cx: &mut Context<'_, '_>,
    user: UserId,
    (from, to): (i64, i64),
    at_most: i64,
) -> Result<Vec<(i64, Uuid, Option<State>)>> {
    Ok(cx.tx.all(&EVENTS_BETWEEN, (user, from, to, at_most))?)
}

/// Puts deliveries into the queue once more.
pub(super) fn again(cx: &mut Context<'_, '_>, user: UserId, seqs: &[i64]) -> Result<()> {
    let now = cx.now;
    let rows: Vec<_> = seqs.iter().map(|seq| (user, *seq, now)).collect();
    Ok(cx.tx.write_rows(&AGAIN, &rows)?)
}

pub(super) fn insert_notice(cx: &mut Context<'_, '_>, user: UserId, kind: &str, data: &str) -> Result<()> {
    let (id, now) = (cx.new_id(), cx.now);
    Ok(cx.tx.write(&INSERT_NOTICE, (id, user, kind, data, now))?)
}

//! Writes down what came of attempts, many at a time, and decides what is next.

use crate::base::{Context, Result, Span, Ts, UserId};
use crate::webhooks::attempt::Done;
use crate::webhooks::lane::delay;
use crate::webhooks::notice::switch_off;
use crate::webhooks::store::{self, State};

/// A node that says nothing keeps a lane for so much longer than an attempt may take.
const LEASED_LONGER: Span = Span::seconds(5);
const ATTEMPTS_KEPT: Span = Span::days(30);
const FORGOTTEN_TOGETHER: i64 = 500;

/// What a lane does after this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Something is due.
    GoesOn,
    /// Nothing is, or it pauses: somebody takes it up again when something is.
    Rests,
}

/// Writes down `results`; `at_end` when nothing else of the lane is under way. Fails when another node has had the lane
/// meanwhile: then that one knows better.
pub(super) fn record(cx: &mut Context<'_, '_>, user: UserId, results: &[Done], at_end: bool) -> Result<After> {
    let Some(mut lane) = store::lane_locked(cx, user)? else { return Ok(After::Rests) };
    let (mut gone, mut deliveries, mut attempts) = (false, Vec::new(), Vec::new());
    for done in results {
        let (made, tries) = (done.attempts + 1, done.tries + 1);
        attempts.push((user, done.seq, made, done.at, done.milliseconds, done.status.map(i64::from), done.note.as_str()));
        let (state, next_at) = if done.is_success() {
            lane.succeeded();
            (State::Delivered, None)
        } else {
            lane.failed(done.at);
            gone |= done.is_gone();
            let [chance] = cx.rng.bytes();
            let next = delay(&cx.config.webhooks.retries, tries, chance, done.asked_seconds()).map(|span| cx.now.plus(span));
            (if next.is_some() { State::Waiting } else { State::GivenUp }, next)
        };
        deliveries.push((user, done.seq, done.attempts, state, made, tries, next_at));
    }
    let hopeless = lane.is_hopeless(cx.now, cx.config.webhooks.switched_off_after_days);
    store::insert_attempts(cx, &attempts)?;
    store::save_deliveries(cx, &deliveries)?;
    if gone || hopeless {
        switch_off(cx, user, &lane, if gone { "it answered 410" } else { "it only failed, for too long" })?;
        lane.succeeded();
    }
    let first = if at_end { store::first_waiting(cx, user)? } else { None };
    let goes_on = !at_end || (first.is_some_and(|at| at <= cx.now) && !lane.is_paused(cx.now));
    let (next_at, leased_until) =
        if goes_on { (Some(cx.now), lease(cx)) } else { (first.map(|at| lane.paused_until.map_or(at, |until| at.max(until))), cx.now) };
    store::save_lane(cx, user, &lane, next_at, leased_until)?;
    Ok(if goes_on { After::GoesOn } else { After::Rests })
}

/// Until when a lane is this node's. Where there is one node only, it remembers its lanes itself, and needs no lease.
pub(super) fn lease(cx: &Context<'_, '_>) -> Ts {
    let attempt = Span::milliseconds(i64::try_from(cx.config.webhooks.timeout_ms).unwrap_or(i64::MAX));
    if cx.tx.reads_are_cheap() { cx.now } else { cx.now.plus(attempt).plus(LEASED_LONGER) }
}

/// Job: forgets attempts of long ago. Answers whether there may be more.
pub fn forget_old_attempts(cx: &mut Context<'_, '_>) -> Result<bool> {
    let before = cx.now.minus(ATTEMPTS_KEPT);
    Ok(store::forget_attempts(cx, before, FORGOTTEN_TOGETHER)? == FORGOTTEN_TOGETHER.unsigned_abs())
}

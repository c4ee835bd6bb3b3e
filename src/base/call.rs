//! One call, one transaction: the only place that begins and commits.
//!
//! The order in a call: who is it and may he → the per-minute limit → a repeated call gets its first answer → the hourly
//! limit → the function → the use, the stored answer and the effects commit together, or nothing does. Whoever is known
//! here is counted before he takes a place in the store's queue.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use ::store::{Store, StoreError, Tx};
use serde_json::Value;
use uuid::Uuid;

use crate::base::clock::{Clock, Ts};
use crate::base::config::Config;
use crate::base::context::{Caller, Context, Member, Proof};
use crate::base::error::{Error, Refusal, Result};
use crate::base::hourly_limits;
use crate::base::idempotency::{self, Fingerprint, IdempotencyKey};
use crate::base::ids::KeyId;
use crate::base::known_callers::KnownCallers;
use crate::base::limit::{Limit, LimitState, MinuteLimits, Policy};
use crate::base::news::News;
use crate::base::operation::{Answer, Effect, Operation};
use crate::base::permission::allow;
use crate::base::prepared::{Prepared, Ready, prepare};
use crate::base::random::{Entropy, Rng};
use crate::base::secrets::Secrets;
use crate::base::waiting::Patience;

pub use crate::base::credentials::{Credentials, TokenClaims};

/// Finds the member behind credentials; locks the user's row when the call may write. Made by the users' room.
pub type Resolve = fn(&mut Context<'_, '_>, &Credentials, Effect) -> Result<Caller>;

/// Runs operations and jobs.
pub struct Dispatcher {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The settings.
    pub config: Arc<Config>,
    /// Wakes those who wait for something to happen to a user.
    pub news: Arc<News>,
    /// Secrets of users, made when they are needed.
    pub secrets: Secrets,
    entropy: Entropy,
    pub(super) resolve: Resolve,
    minute_limits: MinuteLimits,
    pub(super) known: KnownCallers,
    used_keys: Mutex<HashMap<KeyId, Ts>>,
}

/// One call of an operation.
pub struct Call {
    /// What is called.
    pub operation: Arc<Operation>,
    /// Who calls.
    pub credentials: Credentials,
    /// Where from, as a limit counts it (an address, or a /64 of IPv6).
    pub client: Uuid,
    /// How a repeated call is recognised.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Path, query and body in one object, or why there is none.
    pub input: Result<Value>,
}

/// How a call ended.
#[derive(Debug)]
pub struct Outcome {
    /// The answer, or why there is none.
    pub result: Result<Answer>,
    /// Whether the answer is that of an earlier call.
    pub replayed: bool,
    /// The limit that counted it, for a caller who is signed in.
    pub limit: Option<LimitState>,
}

pub(super) struct Success {
    /// Refused by the hourly limit is kept like an answer: what it moved is committed.
    result: Result<Answer>,
    replayed: bool,
    limit: Option<LimitState>,
    /// It found nothing, and would rather wait.
    pub(super) patience: Option<Patience>,
}

pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) limit: Option<LimitState>,
}

/// Looks for the answer of an earlier call.
type Look<'l> = dyn Fn(&mut Context<'_, '_>) -> Option<Result<Success, Failure>> + 'l;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, limit: None }
    }
}

impl Dispatcher {
    /// Over an open store.
    pub fn new(store: Store, clock: Clock, entropy: Entropy, config: Arc<Config>, resolve: Resolve) -> Self {
        let (minute_limits, known, used_keys) = (MinuteLimits::default(), KnownCallers::default(), Mutex::default());
        Self { store, clock, config, news: Arc::default(), secrets: Secrets::default(), entropy, resolve, minute_limits, known, used_keys }
    }

    /// Runs one call.
    pub async fn call(self: &Arc<Self>, call: Call) -> Outcome {
        if !call.operation.access.is_open() && call.credentials == Credentials::default() {
            // Needs no database, so it takes no place in the queue either.
            return Outcome { result: Err(Refusal::AuthenticationRequired.into()), replayed: false, limit: None };
        }
        let outside = self.outside_of(&call);
        let prepared = Arc::new(prepare(call, self.entropy.fork()));
        let has_key = prepared.ready.as_ref().is_ok_and(|ready| ready.repeat.is_some());
        let counted = self.count_early(&prepared);
        let done = match self.ask_outside(&prepared, counted, outside).await {
            Err(failure) => Err(failure),
            Ok(()) => match self.run(&prepared).await {
                // The key tells whether the lost commit happened: a repeated call finds its answer, or does it now.
                Err(failure) if failure.error.code() == "outcome_unknown" && has_key => self.run(&prepared).await,
                // It may have run into the effect of an earlier call that was not looked for.
                Err(failure) if failure.error.code() == "internal" && prepared.ran_before.load(Ordering::Relaxed) => {
                    self.run(&prepared).await
                }
                Ok(found) => self.await_news(&prepared, found).await,
                done => done,
            },
        };
        match done {
            Ok(Success { result, replayed, limit, .. }) => Outcome { result, replayed, limit },
            Err(Failure { error, limit }) => Outcome { result: Err(error), replayed: false, limit },
        }
    }

    /// Runs work of the program itself in a transaction.
    pub async fn system<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Fn(&mut Context<'_, '_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = Arc::clone(self);
        self.store.command(move |tx| work(&mut this.context(tx, Caller::System, this.entropy.fork()))).await
    }

    /// Reads for the program itself.
    pub async fn look<T: Send + 'static>(self: &Arc<Self>, work: impl Fn(&mut Context<'_, '_>) -> Result<T> + Send + 'static) -> Result<T> {
        let this = Arc::clone(self);
        self.store.query(move |tx| work(&mut this.context(tx, Caller::System, this.entropy.fork()))).await
    }

    /// Counts something that is not an operation (a sign-in) against a per-minute limit.
    pub fn count(&self, subject: Uuid, policy: Policy) -> Result<()> {
        let limit = self.config.limits.of(policy);
        match self.minute_limits.take(subject, policy, limit, self.clock.now()) {
            Ok(_) => Ok(()),
            Err(wait) => Err(Error::rate_limited(policy, limit, wait)),
        }
    }

    /// Chance for what happens outside of a transaction.
    pub fn entropy(&self) -> &Entropy {
        &self.entropy
    }

    /// The API keys used since the last time this was asked, for a job to write down: a read writes nothing.
    pub fn take_used_keys(&self) -> Vec<(KeyId, Ts)> {
        std::mem::take(&mut *self.used_keys.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }

    fn note_use(&self, cx: &Context<'_, '_>) {
        if let Caller::Member(Member { proof: Proof::Key { key_id, .. }, .. }) = &cx.caller {
            self.used_keys.lock().unwrap_or_else(PoisonError::into_inner).insert(*key_id, cx.now);
        }
    }

    pub(super) async fn run(self: &Arc<Self>, prepared: &Arc<Prepared>) -> Result<Success, Failure> {
        let (this, prepared) = (Arc::clone(self), Arc::clone(prepared));
        let effect = self.effect_of(&prepared);
        let run = move |tx: &mut Tx<'_>| this.attempt(tx, &prepared);
        match effect {
            Effect::Query => self.store.query(run).await,
            Effect::Command => self.store.command(run).await,
        }
    }

    /// A limit that the database counts makes a read a write.
    fn effect_of(&self, prepared: &Prepared) -> Effect {
        let counted = prepared.policy().is_some_and(|policy| self.config.limits.of(policy).window.is_in_the_database());
        match (counted, prepared.is_dry()) {
            (true, _) => Effect::Command,
            (false, true) => Effect::Query,
            (false, false) => prepared.operation.effect,
        }
    }

    fn context<'a, 'c>(&'a self, tx: &'a mut Tx<'c>, caller: Caller, rng: Rng) -> Context<'a, 'c> {
        Context { tx, caller, now: self.clock.now(), rng, config: &self.config, secrets: &self.secrets, patience: None }
    }

    fn attempt(&self, tx: &mut Tx<'_>, prepared: &Prepared) -> Result<Success, Failure> {
        let operation = &*prepared.operation;
        let mut cx = self.context(tx, Caller::Anonymous, prepared.chance.clone());
        if !operation.access.is_open() {
            self.announce(&mut cx, prepared);
            match (self.resolve)(&mut cx, &prepared.credentials, self.effect_of(prepared)) {
                Ok(caller) => cx.caller = caller,
                Err(error) => {
                    self.known.forget(&prepared.credentials);
                    return Err(error.into());
                }
            }
            self.note_use(&cx);
            if let Caller::Member(member) = &cx.caller {
                self.known.learn(&prepared.credentials, member, cx.now);
            }
        }
        let refused = allow(operation, &cx.caller);
        let limit = self.limit_of(prepared);
        let subject = if let Caller::Member(member) = &cx.caller { member.user_id.0 } else { prepared.client };
        let shown = |state: LimitState| matches!(cx.caller, Caller::Member(_)).then_some(state);
        let minute = match limit {
            Some((policy, limit)) if !limit.window.is_in_the_database() => {
                match self.count_minute(prepared, subject, policy, limit, cx.now) {
                    Ok(state) => shown(state),
                    Err(failure) if refused.is_none() => return Err(failure),
                    Err(failure) => failure.limit,
                }
            }
            _ => None,
        };
        if let Some(error) = refused {
            return Err(Failure { error, limit: minute });
        }
        let untouched = |cx: &mut Context<'_, '_>| minute.or_else(|| self.hour_untouched(cx, prepared));
        let ready = match &prepared.ready {
            Ok(ready) => ready,
            Err(error) => return Err(Failure { error: error.clone(), limit: untouched(&mut cx) }),
        };
        let fingerprint = ready.repeat.as_ref().map(|(key, input_hash)| Fingerprint::new(subject, operation.name, key, *input_hash));
        let Some(fingerprint) = fingerprint else { return self.perform(&mut cx, prepared, subject, minute, ready, None) };
        // A repeated call is rare, and on a server each question costs: the stored answer, which is written last, refuses a
        // second one. Whatever the reason that this did not go through, the answer is then looked for.
        let looks_first = cx.tx.reads_are_cheap() || prepared.ran_before.swap(true, Ordering::Relaxed);
        let earlier = |cx: &mut Context<'_, '_>| match idempotency::earlier_answer(cx, &fingerprint, operation) {
            Ok(Some(answer)) => Some(Ok(Success { result: Ok(answer), replayed: true, limit: untouched(cx), patience: None })),
            Ok(None) => None,
            Err(error) => Some(Err(Failure { error, limit: untouched(cx) })),
        };
        if looks_first && let Some(replay) = earlier(&mut cx) {
            return replay;
        }
        let look: Option<&Look<'_>> = if looks_first { None } else { Some(&earlier) };
        let done = self.perform(&mut cx, prepared, subject, minute, ready, Some((&fingerprint, look)));
        match done {
            // A replay commits, so nothing may be written that the refusal has to undo.
            Err(failure) if !looks_first && failure.error.status() < 500 && !cx.tx.wrote() => earlier(&mut cx).unwrap_or(Err(failure)),
            done => done,
        }
    }

    /// Where each read is a trip, what a known caller's call reads first travels with the look at who he is. It lets nobody
    /// through: what is found for somebody else is not asked for.
    fn announce(&self, cx: &mut Context<'_, '_>, prepared: &Prepared) {
        if cx.tx.reads_are_cheap() {
            return;
        }
        let (Ok(ready), Some(member)) = (&prepared.ready, self.known.find(&prepared.credentials)) else { return };
        if let Some((policy, _)) = self.limit_of(prepared).filter(|(_, limit)| limit.window.is_in_the_database()) {
            hourly_limits::announce(cx, member.user_id.0, policy);
        }
        prepared.operation.announce(cx, &ready.bound, member.user_id);
    }

    /// The hourly limit of a member as it stands when this call does not count.
    fn hour_untouched(&self, cx: &mut Context<'_, '_>, prepared: &Prepared) -> Option<LimitState> {
        let user = cx.user_id().ok()?;
        let (policy, limit) = self.limit_of(prepared).filter(|(_, limit)| limit.window.is_in_the_database())?;
        Some(hourly_limits::reserve(cx, user.0, policy, limit).map_or_else(|(_, state)| state, |unit| unit.returned))
    }

    /// The hourly limit, the function, and what is written of both.
    fn perform(
        &self,
        cx: &mut Context<'_, '_>,
        prepared: &Prepared,
        subject: Uuid,
        minute: Option<LimitState>,
        ready: &Ready,
        repeat: Option<(&Fingerprint, Option<&Look<'_>>)>,
    ) -> Result<Success, Failure> {
        let operation = &*prepared.operation;
        let is_member = matches!(cx.caller, Caller::Member(_));
        let hour = match self.limit_of(prepared) {
            Some((policy, limit)) if limit.window.is_in_the_database() => {
                if !is_member {
                    // A member's row is locked already; an address has no row to lock.
                    cx.tx.serialize_on(lock_name(subject, policy))?;
                }
                match (hourly_limits::reserve(cx, subject, policy, limit), &ready.limited) {
                    (Ok(unit), _) => Some(unit),
                    (Err((error, state)), Some(limited)) if error.code() == "rate_limited" => {
                        // This refusal is kept, so it is the last chance to find the answer of an earlier call.
                        if let Some(replay) = repeat.and_then(|(_, look)| look).and_then(|look| look(cx)) {
                            return replay;
                        }
                        let free_at = cx.now.plus(state.reset);
                        limited(cx, free_at)?;
                        return Ok(Success { result: Err(error), replayed: false, limit: is_member.then_some(state), patience: None });
                    }
                    (Err((error, state)), _) => return Err(Failure { error, limit: is_member.then_some(state) }),
                }
            }
            _ => None,
        };
        let (after, returned) = match &hour {
            Some(unit) => (is_member.then_some(unit.state), is_member.then_some(unit.returned)),
            None => (minute, minute),
        };
        let finish = |cx: &mut Context<'_, '_>| -> Result<Answer> {
            let status = if ready.dry { 200 } else { operation.status };
            let answer = Answer { status, content_type: operation.content_type, body: (ready.bound.run)(cx)? };
            hour.map_or(Ok(()), |unit| hourly_limits::spend(cx, unit).map(drop))?;
            repeat.map_or(Ok(()), |(fingerprint, _)| idempotency::remember(cx, fingerprint, operation, &answer))?;
            Ok(answer)
        };
        match finish(cx) {
            Ok(answer) => {
                let patience = cx.patience.and_then(|span| Some(Patience { user: cx.user_id().ok()?, span }));
                Ok(Success { result: Ok(answer), replayed: false, limit: after, patience })
            }
            Err(error) => Err(Failure { error, limit: returned }),
        }
    }

    fn limit_of(&self, prepared: &Prepared) -> Option<(Policy, Limit)> {
        prepared.policy().map(|policy| (policy, self.config.limits.of(policy)))
    }

    /// Counts a call of somebody who is known before it takes a place in the queue, so that a flood of one caller leaves
    /// room for the others. Whoever is not known yet is counted when the database has said who he is.
    pub(super) fn count_early(&self, prepared: &Prepared) -> Result<(), Failure> {
        let operation = &*prepared.operation;
        let Some((policy, limit)) = self.limit_of(prepared) else { return Ok(()) };
        if limit.window.is_in_the_database() {
            return Ok(());
        }
        let member = if operation.access.is_open() { None } else { self.known.find(&prepared.credentials) };
        let subject = match &member {
            Some(member) => member.user_id.0,
            None if operation.access.is_open() => prepared.client,
            None => return Ok(()),
        };
        match self.count_minute(prepared, subject, policy, limit, self.clock.now()) {
            Ok(_) => Ok(()),
            Err(failure) => Err(match member.and_then(|member| allow(operation, &Caller::Member(member))) {
                Some(error) => Failure { error, ..failure },
                None => failure,
            }),
        }
    }

    fn count_minute(&self, prepared: &Prepared, subject: Uuid, policy: Policy, limit: Limit, now: Ts) -> Result<LimitState, Failure> {
        if let Some(state) = prepared.counted.get() {
            return Ok(*state);
        }
        match self.minute_limits.take(subject, policy, limit, now) {
            Ok(state) => Ok(*prepared.counted.get_or_init(|| state)),
            Err(wait) => {
                let error = Error::rate_limited(policy, limit, wait);
                Err(Failure { error, limit: Some(LimitState { policy, limit, remaining: 0, reset: wait }) })
            }
        }
    }
}

/// What calls that count against the same limit of one subject wait for, where there is no row to lock.
pub fn lock_name(subject: Uuid, policy: Policy) -> i64 {
    let (high, low) = subject.as_u64_pair();
    (high ^ low ^ policy.name().len() as u64).cast_signed()
}

//! One call, one transaction: the only place that begins and commits.
//!
//! The order in a call: who is it and may he → the per-minute limit → a repeated call gets its first answer → the hourly
//! limit → the function → the use, the stored answer and the effects commit together, or nothing does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ::store::{Store, StoreError, Tx};
use serde_json::Value;
use uuid::Uuid;

use crate::base::clock::{Clock, Ts};
use crate::base::config::Config;
use crate::base::context::{Caller, Context, Member, Proof, Scope, Scopes};
use crate::base::error::{Error, Refusal, Result};
use crate::base::hourly_limits;
use crate::base::idempotency::{self, Fingerprint, IdempotencyKey};
use crate::base::ids::{KeyId, SessionId, UserId};
use crate::base::limit::{Limit, LimitState, MinuteLimits, Policy};
use crate::base::operation::{Access, Answer, Bound, Effect, Idempotency, Operation};
use crate::base::random::Entropy;

/// What a door found in a request, checked as far as that goes without the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// SHA-256 of an API key whose checksum is right.
    pub key: Option<[u8; 32]>,
    /// What a token with a good signature says.
    pub token: Option<TokenClaims>,
}

/// What a token with a good signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenClaims {
    /// Whose it is.
    pub user_id: UserId,
    /// The session behind it.
    pub session_id: SessionId,
}

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
    entropy: Entropy,
    resolve: Resolve,
    minute_limits: MinuteLimits,
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

struct Success {
    answer: Answer,
    replayed: bool,
    limit: Option<LimitState>,
}

struct Failure {
    error: Error,
    limit: Option<LimitState>,
}

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

/// What stays the same when the store runs the call again.
struct Prepared {
    operation: Arc<Operation>,
    credentials: Credentials,
    client: Uuid,
    /// The input, read; what is wrong with it is told to those only who may call.
    ready: Result<Ready>,
    /// The per-minute limit after this call, counted once although the store may run the call again.
    counted: OnceLock<LimitState>,
}

struct Ready {
    repeat: Option<(IdempotencyKey, [u8; 32])>,
    run: Bound,
}

impl Dispatcher {
    /// Over an open store.
    pub fn new(store: Store, clock: Clock, entropy: Entropy, config: Arc<Config>, resolve: Resolve) -> Self {
        Self { store, clock, config, entropy, resolve, minute_limits: MinuteLimits::default(), used_keys: Mutex::default() }
    }

    /// Runs one call.
    pub async fn call(self: &Arc<Self>, call: Call) -> Outcome {
        if !call.operation.access.is_open() && call.credentials == Credentials::default() {
            // Needs no database, so it takes no place in the queue either.
            return Outcome { result: Err(Refusal::AuthenticationRequired.into()), replayed: false, limit: None };
        }
        let prepared = Arc::new(prepare(call));
        let has_key = prepared.ready.as_ref().is_ok_and(|ready| ready.repeat.is_some());
        let done = match self.run(&prepared).await {
            // The key tells whether the lost commit happened: a repeated call finds its answer, or does it now.
            Err(failure) if failure.error.code() == "outcome_unknown" && has_key => self.run(&prepared).await,
            done => done,
        };
        match done {
            Ok(Success { answer, replayed, limit }) => Outcome { result: Ok(answer), replayed, limit },
            Err(Failure { error, limit }) => Outcome { result: Err(error), replayed: false, limit },
        }
    }

    /// Runs work of the program itself in a transaction.
    pub async fn system<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Fn(&mut Context<'_, '_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = Arc::clone(self);
        self.store.command(move |tx| work(&mut this.context(tx, Caller::System))).await
    }

    /// Reads for the program itself.
    pub async fn look<T: Send + 'static>(self: &Arc<Self>, work: impl Fn(&mut Context<'_, '_>) -> Result<T> + Send + 'static) -> Result<T> {
        let this = Arc::clone(self);
        self.store.query(move |tx| work(&mut this.context(tx, Caller::System))).await
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

    async fn run(self: &Arc<Self>, prepared: &Arc<Prepared>) -> Result<Success, Failure> {
        let (this, prepared) = (Arc::clone(self), Arc::clone(prepared));
        let effect = self.effect_of(&prepared.operation);
        let run = move |tx: &mut Tx<'_>| this.attempt(tx, &prepared);
        match effect {
            Effect::Query => self.store.query(run).await,
            Effect::Command => self.store.command(run).await,
        }
    }

    /// A limit that the database counts makes a read a write.
    fn effect_of(&self, operation: &Operation) -> Effect {
        let counted = operation.limit.is_some_and(|policy| self.config.limits.of(policy).window.is_in_the_database());
        if counted { Effect::Command } else { operation.effect }
    }

    fn context<'a, 'c>(&'a self, tx: &'a mut Tx<'c>, caller: Caller) -> Context<'a, 'c> {
        Context { tx, caller, now: self.clock.now(), rng: self.entropy.fork(), config: &self.config }
    }

    fn attempt(&self, tx: &mut Tx<'_>, prepared: &Prepared) -> Result<Success, Failure> {
        let operation = &*prepared.operation;
        let mut cx = self.context(tx, Caller::Anonymous);
        if !operation.access.is_open() {
            cx.caller = (self.resolve)(&mut cx, &prepared.credentials, self.effect_of(operation))?;
            self.note_use(&cx);
        }
        let refused = allow(operation, &cx.caller);
        let limit = operation.limit.map(|policy| (policy, cx.config.limits.of(policy)));
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
        let Ready { repeat, run } = prepared.ready.as_ref().map_err(|error| Failure { error: error.clone(), limit: minute })?;
        let fingerprint = repeat.as_ref().map(|(key, input_hash)| Fingerprint::new(subject, operation.name, key, *input_hash));
        if let Some(fingerprint) = &fingerprint
            && let Some(answer) =
                idempotency::earlier_answer(&mut cx, fingerprint, operation).map_err(|error| Failure { error, limit: minute })?
        {
            return Ok(Success { answer, replayed: true, limit: minute });
        }
        let is_member = matches!(cx.caller, Caller::Member(_));
        let hour = match limit {
            Some((policy, limit)) if limit.window.is_in_the_database() => {
                if !is_member {
                    // A member's row is locked already; an address has no row to lock.
                    cx.tx.serialize_on(lock_name(subject, policy))?;
                }
                let reserved = hourly_limits::reserve(&mut cx, subject, policy, limit);
                Some(reserved.map_err(|(error, state)| Failure { error, limit: is_member.then_some(state) })?)
            }
            _ => None,
        };
        let told = |state: fn(&hourly_limits::Unit) -> LimitState| hour.as_ref().map_or(minute, |unit| is_member.then(|| state(unit)));
        let finish = |cx: &mut Context<'_, '_>| -> Result<Answer> {
            let answer = Answer { status: operation.status, content_type: operation.content_type, body: run(cx)? };
            hour.as_ref().map_or(Ok(()), |unit| hourly_limits::spend(cx, unit))?;
            fingerprint.as_ref().map_or(Ok(()), |fingerprint| idempotency::remember(cx, fingerprint, &answer))?;
            Ok(answer)
        };
        match finish(&mut cx) {
            Ok(answer) => Ok(Success { answer, replayed: false, limit: told(|unit| unit.state) }),
            Err(error) => Err(Failure { error, limit: told(|unit| unit.returned) }),
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

fn prepare(call: Call) -> Prepared {
    let Call { operation, credentials, client, idempotency_key, input } = call;
    let ready = read(&operation, idempotency_key, input);
    Prepared { operation, credentials, client, ready, counted: OnceLock::new() }
}

fn read(operation: &Operation, idempotency_key: Option<IdempotencyKey>, input: Result<Value>) -> Result<Ready> {
    let input = input?;
    let repeat = match (operation.idempotency, idempotency_key) {
        (Idempotency::Ignored, _) | (Idempotency::Honoured, None) => None,
        (Idempotency::Required, None) => return Err(Refusal::IdempotencyKeyRequired.into()),
        (Idempotency::Honoured | Idempotency::Required, Some(key)) => Some((key, idempotency::hash_of(&input))),
    };
    Ok(Ready { repeat, run: operation.bind(input)? })
}

/// Why this caller may not call this operation, if he may not.
fn allow(operation: &Operation, caller: &Caller) -> Option<Error> {
    let refusal = match (operation.access, caller) {
        (Access::Open | Access::Sandbox, _) | (_, Caller::System) => return None,
        (_, Caller::Anonymous) => Refusal::AuthenticationRequired,
        (access, Caller::Member(member)) => refuse_member(access, operation.effect, member)?,
    };
    Some(refusal.into())
}

fn refuse_member(access: Access, effect: Effect, member: &Member) -> Option<Refusal> {
    let missing = |scope: Scope| match member.proof {
        Proof::Key { scopes, .. } if !scopes.has(scope) => Some(Refusal::ScopeMissing { scope: scope.name() }),
        Proof::Key { .. } | Proof::Session { .. } => None,
    };
    let by_access = match access {
        Access::Open | Access::Sandbox => None,
        Access::User(scope) => missing(scope),
        Access::Keys => Scope::ALL.into_iter().find_map(missing),
        Access::Admin if !member.is_admin => Some(Refusal::AdminOnly),
        Access::Admin => match member.proof {
            Proof::Key { scopes, .. } if scopes != Scopes::ALL => Some(Refusal::SessionRequired),
            Proof::Key { .. } | Proof::Session { .. } => None,
        },
    };
    by_access.or_else(|| (member.is_suspended && effect == Effect::Command).then_some(Refusal::UserSuspended))
}

fn lock_name(subject: Uuid, policy: Policy) -> i64 {
    let (high, low) = subject.as_u64_pair();
    (high ^ low ^ policy.name().len() as u64).cast_signed()
}

//! A call made ready before its transaction: the store may run it again.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use uuid::Uuid;

use crate::base::call::Call;
use crate::base::credentials::Credentials;
use crate::base::error::{Refusal, Result};
use crate::base::idempotency::{self, IdempotencyKey};
use crate::base::limit::{LimitState, Policy};
use crate::base::operation::{Bound, BoundLimited, Idempotency, Operation};
use crate::base::random::Rng;

/// What stays the same when the store runs the call again.
pub(super) struct Prepared {
    pub(super) operation: Arc<Operation>,
    pub(super) credentials: Credentials,
    pub(super) client: Uuid,
    /// The input, read; what is wrong with it is told to those only who may call.
    pub(super) ready: Result<Ready>,
    /// The chance of the call, the same each time it is run: how often that is depends on the engine and on others.
    pub(super) chance: Rng,
    /// The per-minute limit after this call, counted once although the store may run the call again.
    pub(super) counted: OnceLock<LimitState>,
    /// It ran without looking for an earlier answer: the next time it looks.
    pub(super) ran_before: AtomicBool,
}

pub(super) struct Ready {
    pub(super) repeat: Option<(IdempotencyKey, [u8; 32])>,
    pub(super) bound: Bound,
    pub(super) limited: Option<BoundLimited>,
    /// Only what would happen is asked.
    pub(super) dry: bool,
}

impl Prepared {
    pub(super) fn is_dry(&self) -> bool {
        self.ready.as_ref().is_ok_and(|ready| ready.dry)
    }

    /// What counts the call.
    pub(super) fn policy(&self) -> Option<Policy> {
        if self.is_dry() { Some(Policy::Read) } else { self.operation.limit }
    }
}

pub(super) fn prepare(call: Call, chance: Rng) -> Prepared {
    let Call { operation, credentials, client, idempotency_key, input } = call;
    let ready = read(&operation, idempotency_key, input);
    Prepared { operation, credentials, client, ready, chance, counted: OnceLock::new(), ran_before: AtomicBool::new(false) }
}

fn read(operation: &Operation, idempotency_key: Option<IdempotencyKey>, input: Result<Value>) -> Result<Ready> {
    let input = input?;
    let dry = operation.may_be_tried && input["dry_run"] == Value::Bool(true);
    let repeat = match (operation.idempotency, idempotency_key) {
        _ if dry => None,
        (Idempotency::Ignored, _) | (Idempotency::Honoured, None) => None,
        (Idempotency::Required, None) => return Err(Refusal::IdempotencyKeyRequired.into()),
        (Idempotency::Honoured | Idempotency::Required, Some(key)) => Some((key, idempotency::hash_of(&input))),
    };
    let limited = operation.bind_limited(&input)?;
    Ok(Ready { repeat, bound: operation.bind(input)?, limited, dry })
}

//! A repeated call: the same user, operation and key get the first answer again, byte for byte.
//!
//! The record is written in the transaction of the effect, so there is never one without the other.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::base::clock::Span;
use crate::base::context::Context;
use crate::base::error::{Refusal, Result};
use crate::base::input::canonical;
use crate::base::operation::{Answer, Idempotency, Operation};
use crate::base::store;

const KEPT: Span = Span::days(7);
const CHUNK: u64 = 500;

/// A key that the caller chose: 1 to 255 printable ASCII characters, bare or in double quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the header or the argument. Fails with `idempotency_key_invalid`.
    pub fn parse(text: &str) -> Result<Self> {
        let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        if (1..=255).contains(&bare.len()) && bare.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            Ok(Self(bare.to_owned()))
        } else {
            Err(Refusal::IdempotencyKeyInvalid.into())
        }
    }
}

/// What a call is recognised by.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint {
    digest: [u8; 16],
    input_hash: [u8; 32],
}

impl Fingerprint {
    /// Of a call by `user`.
    pub fn new(user: Uuid, operation: &str, key: &IdempotencyKey, input_hash: [u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(user.as_bytes());
        hash.update(operation.as_bytes());
        hash.update([0]);
        hash.update(key.0.as_bytes());
        let full: [u8; 32] = hash.finalize().into();
        let mut digest = [0; 16];
        digest.copy_from_slice(&full[..16]);
        Self { digest, input_hash }
    }
}

/// What two inputs are compared by.
pub fn hash_of(input: &serde_json::Value) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(256);
    canonical(input, &mut bytes);
    Sha256::digest(&bytes).into()
}

/// The answer of the earlier call, if there was one. Fails with `idempotency_key_reused`.
pub fn earlier_answer(cx: &mut Context<'_, '_>, fingerprint: &Fingerprint, operation: &Operation) -> Result<Option<Answer>> {
    let Some(stored) = store::answer(cx, fingerprint.digest)? else { return Ok(None) };
    if stored.input_hash != fingerprint.input_hash {
        return Err(Refusal::IdempotencyKeyReused.into());
    }
    let status = u16::try_from(stored.status).unwrap_or(operation.status);
    Ok(Some(Answer { status, content_type: operation.content_type, body: stored.body }))
}

/// Remembers the answer: for 7 days, or for ever where a key is required.
pub fn remember(cx: &mut Context<'_, '_>, fingerprint: &Fingerprint, operation: &Operation, answer: &Answer) -> Result<()> {
    let kept = operation.idempotency == Idempotency::Required;
    store::save_answer(cx, fingerprint.digest, fingerprint.input_hash, answer.status, &answer.body, kept)
}

/// Job: forgets answers after 7 days. Answers whether there may be more.
pub fn forget_old_answers(cx: &mut Context<'_, '_>) -> Result<bool> {
    let before = cx.now.minus(KEPT);
    Ok(store::forget_answers(cx, before, CHUNK.cast_signed())? == CHUNK)
}

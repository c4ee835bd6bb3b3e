//! Second factors: codes of six digits that an app makes from a secret and the time (RFC 6238), and recovery codes.

use ring::hmac;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::base::error::{Refusal, internal};
use crate::base::ids::SessionId;
use crate::base::{Context, Result, Span, Ts, UserId};
use crate::users::people::store;
use crate::users::session::{self, SignedIn};
use crate::users::{UserRefusal, second_factor};

const FACTORS_MAX: usize = 10;
const CHALLENGE_LASTS: Span = Span::minutes(5);
const TRIES_MAX: i64 = 5;
const STEP_SECONDS: i64 = 30;
const RECOVERY_CODES: usize = 10;
/// Readable: without 0, 1, I and O.
const CODE_LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

::store::row! {
    /// A second factor as stored.
    #[derive(Clone, Debug)]
    pub struct Factor {
        /// Which.
        pub id: Uuid,
        /// Whose.
        pub user_id: UserId,
        /// What he calls it.
        pub friendly_name: String,
        /// What the codes are made from, sealed.
        pub secret_sealed: Vec<u8>,
        /// When the first code was right; until then it does not count.
        pub verified_at: Option<Ts>,
        /// The newest time step whose code was used.
        pub last_step: i64,
        /// When a code was last asked for.
        pub challenged_at: Option<Ts>,
        /// Since when.
        pub created_at: Ts,
        /// Of any change.
        pub updated_at: Ts,
    }
}

::store::row! {
    /// A request for a code.
    pub(super) struct Challenge {
        pub(super) id: Uuid,
        pub(super) tries: i64,
        pub(super) expires_at: Ts,
    }
}

/// How a code was tried.
pub enum Tried {
    /// It was right: the session counts for more now. The recovery codes are there when it was the first factor.
    Right(Box<SignedIn>, Vec<String>),
    /// It was wrong; the try counts.
    Wrong,
    /// There is no such request for a code any more.
    Expired,
}

/// The second factors of a user.
pub fn of(cx: &mut Context<'_, '_>, user: UserId) -> Result<Vec<Factor>> {
    store::factors_of(cx, user)
}

/// A new factor of the user of a session, which counts when its first code was right.
///
/// # Errors
/// `second_factor_required`, `user_suspended`, `second_factor_name_taken`, `too_many_second_factors`.
pub fn enroll(cx: &mut Context<'_, '_>, session: SessionId, id: Uuid, name: &str, secret_sealed: &[u8]) -> Result<()> {
    let of = session::open_to_change(cx, session)?;
    second_factor::shown_lately(&of, cx.now)?;
    store::delete_unverified(cx, of.user.id)?;
    let verified: Vec<&Factor> = of.factors.iter().filter(|factor| factor.verified_at.is_some()).collect();
    if verified.iter().any(|factor| factor.friendly_name == name) {
        return Err(UserRefusal::FactorNameTaken.into());
    }
    if verified.len() >= FACTORS_MAX {
        return Err(UserRefusal::TooManyFactors { most: FACTORS_MAX }.into());
    }
    store::insert_factor(cx, id, of.user.id, name, secret_sealed)
}

/// A request for a code of a factor; answers its id and when it ends.
pub fn challenge(cx: &mut Context<'_, '_>, user: UserId, factor: Uuid) -> Result<(Uuid, Ts)> {
    let factor = store::factor(cx, factor, user)?.ok_or(Refusal::NotFound)?;
    let (id, until) = (cx.new_id(), cx.now.plus(CHALLENGE_LASTS));
    store::insert_challenge(cx, id, factor.id, until)?;
    Ok((id, until))
}

/// A code that is tried.
#[derive(Clone, Debug)]
pub struct Try {
    /// Of which factor.
    pub factor: Uuid,
    /// The request for it.
    pub challenge: Uuid,
    /// The opened secret of the factor.
    pub secret: Vec<u8>,
    /// As typed.
    pub code: String,
    /// What the session is kept by afterwards, when it is on the site.
    pub cookie_hash: Option<[u8; 32]>,
}

/// Tries a code. The first one of a factor makes it count.
///
/// # Errors
/// `user_suspended` for a factor that does not count yet.
pub fn try_code(cx: &mut Context<'_, '_>, of: &SignedIn, tried: &Try) -> Result<Tried> {
    let Try { challenge, secret, code, cookie_hash, .. } = tried;
    let factor = store::factor(cx, tried.factor, of.user.id)?.ok_or(Refusal::NotFound)?;
    if factor.verified_at.is_none() {
        session::open_to_change(cx, of.session_id)?;
    }
    let now = cx.now;
    let Some(challenge) = store::challenge(cx, *challenge, factor.id)?.filter(|one| one.expires_at > now && one.tries < TRIES_MAX) else {
        return Ok(Tried::Expired);
    };
    let Some(step) = matching_step(secret, code, now).filter(|step| *step > factor.last_step) else {
        store::challenge_tried(cx, challenge.id)?;
        return Ok(Tried::Wrong);
    };
    store::delete_challenge(cx, challenge.id)?;
    store::factor_used(cx, &factor, step)?;
    let is_first = of.factors.iter().all(|one| one.verified_at.is_none());
    let codes = if is_first { new_codes(cx, of.user.id)? } else { Vec::new() };
    let raised = raise(cx, of, "totp", *cookie_hash)?;
    store::delete_unverified(cx, of.user.id)?;
    store::end_weaker_sessions(cx, of.user.id, of.session_id)?;
    Ok(Tried::Right(Box::new(raised), codes))
}

/// Tries a recovery code, which works once.
pub fn try_recovery_code(cx: &mut Context<'_, '_>, of: &SignedIn, code: &str, cookie_hash: Option<[u8; 32]>) -> Result<Option<SignedIn>> {
    let clean: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    if !store::use_code(cx, code_hash(of.user.id, &clean), of.user.id)? {
        return Ok(None);
    }
    raise(cx, of, "recovery_code", cookie_hash).map(Some)
}

/// The session counts for more, under another cookie if it is on the site.
fn raise(cx: &mut Context<'_, '_>, of: &SignedIn, method: &str, cookie_hash: Option<[u8; 32]>) -> Result<SignedIn> {
    let mut amr: Vec<Value> = serde_json::from_str(&of.amr).map_err(internal)?;
    amr.push(json!({ "method": method, "timestamp": cx.now.as_seconds() }));
    store::raise_session(cx, of.session_id, &Value::from(amr).to_string(), cookie_hash)?;
    session::open(cx, of.session_id)
}

/// Takes a factor of the user of a session away.
///
/// # Errors
/// `second_factor_required` for a factor that counts, from a session that has not shown one lately; `user_suspended`.
pub fn unenroll(cx: &mut Context<'_, '_>, session: SessionId, factor: Uuid) -> Result<()> {
    let of = session::open_to_change(cx, session)?;
    let factor = store::factor(cx, factor, of.user.id)?.ok_or(Refusal::NotFound)?;
    if factor.verified_at.is_some() {
        second_factor::shown_lately(&of, cx.now)?;
    }
    store::delete_factor(cx, factor.id)?;
    let others = of.factors.iter().any(|one| one.id != factor.id && one.verified_at.is_some());
    if others { Ok(()) } else { store::set_codes(cx, of.user.id, &[]) }
}

fn new_codes(cx: &mut Context<'_, '_>, user: UserId) -> Result<Vec<String>> {
    let letter = |byte: &u8| char::from(CODE_LETTERS[usize::from(byte & 31)]);
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| cx.rng.bytes::<10>().iter().map(letter).collect()).collect();
    let hashes: Vec<[u8; 32]> = codes.iter().map(|code| code_hash(user, code)).collect();
    store::set_codes(cx, user, &hashes)?;
    Ok(codes)
}

fn code_hash(user: UserId, code: &str) -> [u8; 32] {
    Sha256::digest(format!("{user} {code}").as_bytes()).into()
}

/// The time step around `now` whose code this is.
fn matching_step(secret: &[u8], code: &str, now: Ts) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let step = now.as_seconds().div_euclid(STEP_SECONDS);
    (step - 1..=step + 1).find(|step| digits == code_of(secret, *step))
}

/// The code of a time step.
pub fn code_of(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let from = usize::from(tag[tag.len() - 1] & 15);
    let number = tag[from..from + 4].iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six digits.
        let secret = b"12345678901234567890";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            assert_eq!(code_of(secret, seconds / 30), code);
            assert!(matching_step(secret, code, Ts::from_milliseconds(seconds * 1_000)).is_some());
        }
        assert!(matching_step(secret, "287082", Ts::from_milliseconds(120_000)).is_none());
    }
}

//! Passwords: Argon2id, hashed and checked outside of any transaction.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;

use crate::base::Result;
use crate::base::error::internal;
use crate::base::random::Rng;
use crate::users::UserRefusal;
use crate::users::guessable::is_guessable;

/// Characters of the shortest password.
pub const LENGTH_MIN: usize = 10;
/// Characters of the longest password.
pub const LENGTH_MAX: usize = 128;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// The allocator of glibc maps what is larger than 32 MiB by itself, whatever was freed before.
const RETURNED_FROM: usize = 33 * 1_024 * 1_024;

/// What an unknown e-mail address is checked against, so that it takes as long as a known one.
pub const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cm9ib3JlbnQgbm9ib2R5$Yk1v3tYzXH4uLJX0mVzqWbXq3Y2cY0gk2C9C7w0x1n8";

/// Refuses what is easy to guess. Fails with `weak_password`.
pub fn check_strength(password: &str, email: &str) -> Result<()> {
    let length = password.chars().count();
    if !(LENGTH_MIN..=LENGTH_MAX).contains(&length) || is_guessable(password, email) {
        return Err(UserRefusal::WeakPassword { min: LENGTH_MIN, max: LENGTH_MAX }.into());
    }
    Ok(())
}

/// The hash to store, as a PHC string. Slow on purpose.
pub fn hash(password: &str, rng: &mut Rng) -> Result<String> {
    let salt: [u8; 16] = rng.bytes();
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(internal)?;
    let output = compute(Algorithm::Argon2id, Version::V0x13, params.clone(), password, &salt, Params::DEFAULT_OUTPUT_LEN)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(internal)?,
        salt: Some(Salt::new(&salt).map_err(internal)?),
        hash: Some(Output::new(&output).map_err(internal)?),
    };
    Ok(hash.to_string())
}

/// Whether the password is the one that was hashed. Slow on purpose.
pub fn verify(password: &str, hash: &str) -> Result<bool> {
    let hash = PasswordHash::new(hash).map_err(internal)?;
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Err(internal("a stored hash without salt or hash")) };
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(internal)?;
    let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from).map_err(internal)?;
    let params = Params::try_from(&hash).map_err(internal)?;
    let output = compute(algorithm, version, params, password, salt.as_ref(), expected.as_bytes().len())?;
    Ok(bool::from(output.ct_eq(expected.as_bytes())))
}

fn compute(algorithm: Algorithm, version: Version, params: Params, password: &str, salt: &[u8], length: usize) -> Result<Vec<u8>> {
    let mut memory = memory(params.block_count());
    let mut output = vec![0; length];
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut memory).map_err(internal)?;
    Ok(output)
}

/// Room for so many blocks, in an allocation so large that the allocator gives it back to the system when it is freed;
/// smaller ones it keeps, for each thread that ever hashed. What is beyond `blocks` is never touched and takes no memory.
fn memory(blocks: usize) -> Vec<Block> {
    let mut memory = Vec::with_capacity(blocks.max(RETURNED_FROM / Block::SIZE));
    memory.resize(blocks, Block::new());
    memory
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Entropy;

    #[test]
    fn a_password_is_recognised_by_its_hash_only() {
        let mut rng = Entropy::from_number(4).fork();
        let stored = hash("correct horse battery", &mut rng).expect("hashed");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("correct horse battery", &stored).expect("a hash"));
        assert!(!verify("correct horse batterz", &stored).expect("a hash"));
        assert!(!verify("anything", DUMMY).expect("the dummy is a hash"));
    }

    #[test]
    fn what_is_short_long_or_easy_is_refused() {
        for weak in ["short", &"xk".repeat(65), "Password123!", "me@example.com"] {
            assert!(check_strength(weak, "me@example.com").is_err(), "{weak}");
        }
        assert!(check_strength("correct horse battery", "me@example.com").is_ok());
    }
}

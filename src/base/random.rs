//! Randomness is handed in: seeded by the system in the server, by a number in tests.

use std::sync::{Mutex, PoisonError};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

use crate::base::error::{Result, internal};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Where the generators of single calls come from.
#[derive(Debug)]
pub struct Entropy(Mutex<(ChaCha12Rng, u32)>);

/// The generator of one call. A copy gives the same numbers again.
#[derive(Clone, Debug)]
pub struct Rng {
    chance: ChaCha12Rng,
    serial: u32,
}

impl Entropy {
    /// Seeded by the operating system.
    pub fn from_system() -> Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|e| internal(format!("no randomness: {e}")))?;
        Ok(Self(Mutex::new((ChaCha12Rng::from_seed(seed), 0))))
    }

    /// The same numbers each time, for tests.
    pub fn from_number(seed: u64) -> Self {
        Self(Mutex::new((ChaCha12Rng::seed_from_u64(seed), 0)))
    }

    /// A generator for one call.
    pub fn fork(&self) -> Rng {
        let mut seed = [0; 32];
        let mut source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        source.0.fill_bytes(&mut seed);
        source.1 = source.1.wrapping_add(1);
        Rng { chance: ChaCha12Rng::from_seed(seed), serial: source.1 }
    }
}

impl Rng {
    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.chance.fill_bytes(&mut bytes);
        bytes
    }

    /// The number of this call in this process: later calls have larger ones.
    pub const fn serial(&self) -> u32 {
        self.serial
    }

    /// Random text of digits and letters, each as likely as the others.
    pub fn base62(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            // 248 = 4 x 62: bytes above it would favour some characters.
            let [byte] = self.bytes();
            if byte < 248 {
                text.push(char::from(BASE62[usize::from(byte) % 62]));
            }
        }
        text
    }

    /// Random hexadecimal digits in lower case.
    pub fn hex(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b"0123456789abcdef"[usize::from(self.bytes::<1>()[0] & 15)])).collect()
    }
}

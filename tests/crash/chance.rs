//! Chance that can be repeated: `ROBORENT_TEST_SEED` takes the seed that a failed test has printed.

use roborent::base::random::{Entropy, Rng};

/// The seed of this run, shown when the test fails.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests may hand in the seed of an earlier run")]
pub fn seed(test: &str) -> u64 {
    let given = std::env::var("ROBORENT_TEST_SEED").ok().map(|text| text.parse().expect("ROBORENT_TEST_SEED is a number"));
    let seed = given.unwrap_or_else(|| u64::from_le_bytes(Entropy::from_system().unwrap().fork().bytes()));
    println!("{test}: ROBORENT_TEST_SEED={seed}");
    seed
}

/// A number from 0 to `end - 1`.
pub fn below(rng: &mut Rng, end: u32) -> u32 {
    u32::from_le_bytes(rng.bytes()) % end
}

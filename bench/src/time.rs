//! The machine's own time: a benchmark measures nothing else.

use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "a benchmark measures machine time; no rule of the product depends on it")]
pub fn now() -> Instant {
    Instant::now()
}

/// Waits for another process, which has no event to wait on.
#[expect(clippy::disallowed_methods, reason = "another process is asked again until it answers")]
pub fn pause(length: Duration) {
    std::thread::sleep(length);
}

//! Machine time: what is watched here is a real process, which has no clock to move.

use std::time::{Duration, Instant};

/// Lets the process under test run for a while.
#[expect(clippy::disallowed_methods, reason = "a real process is given time to run; no assertion depends on how much it does")]
pub fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// Measures.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts at zero.
    #[expect(clippy::disallowed_methods, reason = "measures a real process")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has run.
    pub fn read(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Asks again and again until there is something; fails the test after `limit`.
pub fn within<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Stopwatch::start();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(started.read() < limit, "{what}: not within {limit:?}");
        pause(Duration::from_millis(2));
    }
}

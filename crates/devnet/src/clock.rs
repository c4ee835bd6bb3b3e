//! Where the chain takes its time from.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds since 1970: a function that the embedding program brings, or the machine's clock. Can be put forward.
#[derive(Clone)]
pub struct Clock {
    base: Arc<dyn Fn() -> i64 + Send + Sync>,
    ahead_ms: Arc<AtomicI64>,
    movable: bool,
}

impl Clock {
    /// The machine's time, until somebody puts it forward.
    #[expect(clippy::disallowed_methods, reason = "a node that runs by itself has no other clock")]
    pub fn machine() -> Self {
        let base = || {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
        };
        Self { base: Arc::new(base), ahead_ms: Arc::default(), movable: true }
    }

    /// The time of the embedding program, which alone moves it.
    pub fn given(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { base: Arc::new(now_ms), ahead_ms: Arc::default(), movable: false }
    }

    /// Stands still until it is put forward: for tests.
    pub fn standing(now_ms: i64) -> Self {
        Self { base: Arc::new(move || now_ms), ahead_ms: Arc::default(), movable: true }
    }

    /// Now.
    pub fn now_ms(&self) -> i64 {
        (self.base)().saturating_add(self.ahead_ms.load(Ordering::SeqCst))
    }

    /// Puts it forward; `false` if it is the embedding program's. Never back.
    pub fn advance(&self, by_ms: i64) -> bool {
        if self.movable {
            self.ahead_ms.fetch_add(by_ms.max(0), Ordering::SeqCst);
        }
        self.movable
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({} ms)", self.now_ms())
    }
}

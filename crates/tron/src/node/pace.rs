//! How often a provider is asked: not more often than it takes, and not at all while it wants to be left alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::transport::{BoxFuture, Reply, Request, Transport, TransportFailure};

/// After a refusal that does not say for how long.
const QUIET: Duration = Duration::from_secs(1);
/// After a request that was taken and not answered in time: longer than such a wait lasts, so that whoever asks about many
/// things one after the other does not wait for each of them.
const QUIET_AFTER_SILENCE: Duration = Duration::from_secs(15);
/// A provider that wants more than this is asked in between: it may have been mistaken.
const QUIET_MAX: Duration = Duration::from_mins(5);

/// Sends requests at most `per_second` a second, evenly (0: as they come). After a 429 or what providers say instead of it,
/// nothing is sent for as long as `Retry-After` says, and nothing for a while after a silence; whoever asks meanwhile, or
/// waits for his turn, gets a 429 at once, so that a pool goes on to the next provider.
pub fn paced(inner: Transport, per_second: u32) -> Transport {
    let pace = Arc::new(Mutex::new(Pace::new(per_second)));
    // Providers count in machine time; nothing about money depends on it.
    let born = Instant::now();
    Arc::new(move |request| Box::pin(send(Arc::clone(&inner), Arc::clone(&pace), born, request)) as BoxFuture<_>)
}

async fn send(inner: Transport, pace: Arc<Mutex<Pace>>, born: Instant, request: Request) -> Result<Reply, TransportFailure> {
    let lock = || pace.lock().unwrap_or_else(PoisonError::into_inner);
    let turn = lock().turn(born.elapsed());
    if let Some(at) = turn {
        tokio::time::sleep_until(born + at).await;
    }
    if let Some(left) = lock().quiet(born.elapsed()) {
        return Ok(Reply { status: 429, retry_after_seconds: Some(left.as_secs() + 1), body: Vec::new() });
    }
    let reply = inner(request).await;
    match &reply {
        Ok(reply) if [403, 429, 503].contains(&reply.status) => {
            lock().refused(born.elapsed(), reply.retry_after_seconds.map(Duration::from_secs));
        }
        Err(TransportFailure::Timeout) => lock().refused(born.elapsed(), Some(QUIET_AFTER_SILENCE)),
        Ok(_) | Err(_) => {}
    }
    reply
}

/// Times are counted from one moment.
struct Pace {
    between: Duration,
    free_at: Duration,
    quiet_until: Duration,
}

impl Pace {
    fn new(per_second: u32) -> Self {
        let between = Duration::from_secs(1).checked_div(per_second).unwrap_or_default();
        Self { between, free_at: Duration::ZERO, quiet_until: Duration::ZERO }
    }

    /// When the next request may be sent, which is now taken as sent then; nothing while none may.
    fn turn(&mut self, now: Duration) -> Option<Duration> {
        if self.quiet(now).is_some() {
            return None;
        }
        let at = self.free_at.max(now);
        self.free_at = at + self.between;
        Some(at)
    }

    /// For how long nothing may be sent.
    fn quiet(&self, now: Duration) -> Option<Duration> {
        self.quiet_until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// A refusal never shortens what an earlier one asked for.
    fn refused(&mut self, now: Duration, retry_after: Option<Duration>) {
        let until = now + retry_after.unwrap_or(QUIET).clamp(QUIET, QUIET_MAX);
        self.quiet_until = self.quiet_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn requests_are_spread_over_the_second() {
        let mut pace = Pace::new(10);
        let turns: Vec<_> = (0..3).map(|_| pace.turn(ms(5_000))).collect();
        assert_eq!(turns, [Some(ms(5_000)), Some(ms(5_100)), Some(ms(5_200))]);
        assert_eq!(pace.turn(ms(9_000)), Some(ms(9_000)), "nothing is saved up");
        let mut free = Pace::new(0);
        assert_eq!((free.turn(ms(1)), free.turn(ms(1))), (Some(ms(1)), Some(ms(1))));
    }

    #[test]
    fn a_provider_is_left_alone_for_as_long_as_it_says() {
        let mut pace = Pace::new(0);
        for (said, quiet) in [(None, 1_000), (Some(ms(0)), 1_000), (Some(ms(7_000)), 7_000), (Some(ms(86_400_000)), 300_000)] {
            pace.refused(ms(100), said);
            assert_eq!((pace.turn(ms(100)), pace.quiet(ms(100))), (None, Some(ms(quiet))), "{said:?}");
            assert_eq!(pace.turn(ms(100 + quiet)), Some(ms(100 + quiet)), "{said:?}");
        }
    }

    #[tokio::test]
    async fn while_it_is_left_alone_nothing_is_sent() {
        let (asked, status) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU16::new(429)));
        let (count, now) = (Arc::clone(&asked), Arc::clone(&status));
        let inner: Transport = Arc::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            let reply = Reply { status: now.load(Ordering::Relaxed), retry_after_seconds: Some(60), body: Vec::new() };
            Box::pin(std::future::ready(Ok(reply)))
        });
        let transport = paced(inner, 1_000);
        let request = || Request { url: "http://node.test/".into(), api_key: None, body: "{}".into() };
        assert_eq!(transport(request()).await.unwrap().status, 429);
        status.store(200, Ordering::Relaxed);
        let held = transport(request()).await.unwrap();
        assert_eq!((held.status, held.retry_after_seconds, asked.load(Ordering::Relaxed)), (429, Some(60), 1));
    }

    #[tokio::test]
    async fn one_that_takes_requests_and_says_nothing_is_waited_for_once() {
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        let inner: Transport = Arc::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(Err(TransportFailure::Timeout)))
        });
        let transport = paced(inner, 0);
        let request = || Request { url: "http://node.test/".into(), api_key: None, body: "{}".into() };
        assert_eq!(transport(request()).await.unwrap_err(), TransportFailure::Timeout);
        for _ in 0..100 {
            assert_eq!(transport(request()).await.unwrap().status, 429);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}

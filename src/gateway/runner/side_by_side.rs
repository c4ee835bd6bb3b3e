//! Some things at once, as many as nodes may be asked for at the same time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use crate::base::error::Result;

/// So many at once.
const AT_ONCE: usize = 8;

/// Does `work` for each of `items`, begun in their order. One that fails does not keep the rest; answers one of the failures.
pub(super) async fn side_by_side<I, F: Future<Output = Result<()>>>(items: Vec<I>, work: impl Fn(I) -> F) -> Result<()> {
    let (mut items, mut running, mut failed) = (items.into_iter(), Vec::<Pin<Box<F>>>::new(), None);
    poll_fn(move |cx| {
        loop {
            running.extend(items.by_ref().take(AT_ONCE - running.len()).map(|item| Box::pin(work(item))));
            let before = running.len();
            running.retain_mut(|one| match one.as_mut().poll(cx) {
                Poll::Pending => true,
                Poll::Ready(done) => {
                    failed = done.err().or(failed.take());
                    false
                }
            });
            if running.is_empty() && items.len() == 0 {
                return Poll::Ready(failed.take().map_or(Ok(()), Err));
            }
            if running.len() == before {
                return Poll::Pending;
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn all_are_done_eight_at_a_time_and_a_failure_is_told() {
        let (now, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let told = side_by_side((0..50).collect(), |n: usize| {
            let (now, most, done) = (&now, &most, &done);
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                for _ in 0..=n % 3 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::Relaxed);
                done.fetch_add(1, Ordering::Relaxed);
                if n == 7 { Err(crate::base::error::internal("seven")) } else { Ok(()) }
            }
        })
        .await;
        assert!(told.is_err());
        assert_eq!((most.into_inner(), done.into_inner()), (AT_ONCE, 50));
        assert!(side_by_side(Vec::<usize>::new(), |_| async { Ok(()) }).await.is_ok());
    }
}

//! Some things at once, as many as nodes may be asked for at the same time.

use tokio::task::JoinSet;

use crate::base::error::{Error, Result, internal};

/// So many at once.
const AT_ONCE: usize = 8;

/// Does `work` for each of `items`. One that fails does not keep the rest; answers one of the failures.
pub(super) async fn side_by_side<I, F>(items: Vec<I>, work: impl Fn(I) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (mut running, mut failed) = (JoinSet::new(), None);
    for item in items {
        if running.len() == AT_ONCE {
            failed = wait(&mut running).await.or(failed);
        }
        running.spawn(work(item));
    }
    while !running.is_empty() {
        failed = wait(&mut running).await.or(failed);
    }
    failed.map_or(Ok(()), Err)
}

/// Waits for one of them; answers its failure.
async fn wait(running: &mut JoinSet<Result<()>>) -> Option<Error> {
    running.join_next().await.and_then(|done| done.map_err(internal).and_then(|done| done).err())
}

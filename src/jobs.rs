//! The background jobs: name, period, function. Each may run twice, late, or on several nodes at once.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::base::call::Dispatcher;
use crate::base::error::internal;
use crate::base::{Context, Result, UserId, idempotency, recent};
use crate::events::Moved;
use crate::ledger::seal::Sealed;
use crate::webhooks::Deliverer;
use crate::{events, ledger, mailer, tasks, users, wallet, webhooks};

/// Items that a job has under way at once; SQLite commits them together.
const SIDE_BY_SIDE: usize = 64;

/// One job.
#[derive(Clone)]
pub struct Job {
    /// As in the log and the metrics.
    pub name: &'static str,
    /// How often it runs.
    pub period: Duration,
    /// Makes it run before its period is over.
    wake: Option<Arc<Notify>>,
    run: Arc<dyn Fn(Arc<Dispatcher>) -> Running + Send + Sync>,
}

type Running = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// The table of jobs.
pub fn jobs(deliverer: &Arc<Deliverer>) -> Vec<Job> {
    vec![
        seal(),
        each_due("clock", Duration::from_millis(500), tasks::clock::due, tasks::clock::act),
        each_due("withdrawals", Duration::from_millis(500), wallet::risk::waiting, wallet::risk::look_at),
        in_steps("count_tallies", Duration::from_secs(1), users::reputation::count_tallies),
        number_events(deliverer),
        deliver_webhooks(deliverer),
        in_steps("forget_old_attempts", Duration::from_mins(10), webhooks::forget_old_attempts),
        in_steps("forget_recent", Duration::from_mins(10), recent::forget_old),
        in_steps("forget_old_answers", Duration::from_mins(10), idempotency::forget_old_answers),
        Job {
            name: "save_last_uses",
            period: Duration::from_mins(1),
            wake: None,
            run: Arc::new(|dispatcher| Box::pin(save_last_uses(dispatcher))),
        },
        in_steps("answer_mail_requests", Duration::from_secs(1), users::people::account::answer_requests),
        Job {
            name: "send_mails",
            period: Duration::from_secs(2),
            wake: None,
            run: Arc::new(|dispatcher| Box::pin(mailer::send_mails(dispatcher))),
        },
        in_steps("forget_old_mails", Duration::from_mins(10), users::people::mails::forget_old),
        in_steps("forget_ended_keys", Duration::from_hours(1), users::forget_ended_keys),
        in_steps("forget_ended_sessions", Duration::from_hours(1), users::forget_ended_sessions),
    ]
}

/// A job that is repeated until it answers that nothing is left.
fn in_steps(name: &'static str, period: Duration, step: fn(&mut Context<'_, '_>) -> Result<bool>) -> Job {
    let run = move |dispatcher: Arc<Dispatcher>| -> Running {
        Box::pin(async move {
            while dispatcher.system(step).await? {}
            Ok(())
        })
    };
    Job { name, period, wake: None, run: Arc::new(run) }
}

/// A job that lists what is due and does each in a transaction of its own, some at a time, until nothing is left. What
/// fails is left for the next run and does not keep the rest.
fn each_due<T: Copy + Send + Sync + 'static>(
    name: &'static str,
    period: Duration,
    list: fn(&mut Context<'_, '_>) -> Result<Vec<T>>,
    act: fn(&mut Context<'_, '_>, T) -> Result<()>,
) -> Job {
    let run = move |dispatcher: Arc<Dispatcher>| -> Running {
        Box::pin(async move {
            loop {
                let due = dispatcher.look(list).await?;
                let mut failed = None;
                for some in due.chunks(SIDE_BY_SIDE) {
                    let mut running = JoinSet::new();
                    for &item in some {
                        let dispatcher = Arc::clone(&dispatcher);
                        running.spawn(async move { dispatcher.system(move |cx| act(cx, item)).await });
                    }
                    while let Some(done) = running.join_next().await {
                        failed = done.map_err(internal).and_then(|done| done).err().or(failed);
                    }
                }
                match failed {
                    Some(error) => return Err(error),
                    None if due.is_empty() => return Ok(()),
                    None => {}
                }
            }
        })
    };
    Job { name, period, wake: None, run: Arc::new(run) }
}

/// Seals, and wakes the pages of those whose money has moved.
fn seal() -> Job {
    let run = move |dispatcher: Arc<Dispatcher>| -> Running {
        Box::pin(async move {
            loop {
                let seal = |cx: &mut Context<'_, '_>| {
                    let Sealed { accounts, published, more } = ledger::seal::seal(cx)?;
                    let moved = Moved { users: accounts.iter().map(|account| UserId(account.uuid())).collect(), published };
                    if !moved.users.is_empty() {
                        moved.announce(cx)?;
                    }
                    Ok((moved, more))
                };
                let (moved, more) = dispatcher.system(seal).await?;
                if !moved.users.is_empty() {
                    moved.ring(&dispatcher.news);
                }
                if !more {
                    return Ok(());
                }
            }
        })
    };
    Job { name: "seal", period: Duration::from_secs(1), wake: None, run: Arc::new(run) }
}

/// Numbers new events and puts them into the queues of webhooks; then wakes those on this node who wait for them.
fn number_events(deliverer: &Arc<Deliverer>) -> Job {
    let wake = Arc::clone(&deliverer.wake);
    let run = move |dispatcher: Arc<Dispatcher>| -> Running {
        let wake = Arc::clone(&wake);
        Box::pin(async move {
            loop {
                let number = |cx: &mut Context<'_, '_>| {
                    let numbered = events::number(cx)?;
                    let queued = webhooks::enqueue(cx, &numbered)?;
                    Ok((numbered, queued))
                };
                let (numbered, queued) = dispatcher.system(number).await?;
                for user in numbered.users() {
                    dispatcher.news.ring(user);
                }
                if queued {
                    wake.notify_one();
                }
                if !numbered.more {
                    return Ok(());
                }
            }
        })
    };
    Job { name: "number_events", period: Duration::from_millis(250), wake: None, run: Arc::new(run) }
}

/// Starts to deliver what is due; at once when something new is.
fn deliver_webhooks(deliverer: &Arc<Deliverer>) -> Job {
    let wake = Some(Arc::clone(&deliverer.wake));
    let deliverer = Arc::clone(deliverer);
    let run = move |dispatcher: Arc<Dispatcher>| -> Running {
        let deliverer = Arc::clone(&deliverer);
        Box::pin(async move { deliverer.start_due(&dispatcher).await })
    };
    Job { name: "deliver_webhooks", period: Duration::from_millis(250), wake, run: Arc::new(run) }
}

/// Each node writes down the uses that it has seen itself.
pub async fn save_last_uses(dispatcher: Arc<Dispatcher>) -> Result<()> {
    let mut uses = dispatcher.take_used_keys();
    // In one order on every node, so that two of them never wait for each other.
    uses.sort_unstable();
    for some in uses.chunks(200) {
        let some = some.to_vec();
        dispatcher.system(move |cx| users::save_last_uses(cx, &some)).await?;
    }
    Ok(())
}

/// Runs every job once, to its end.
pub async fn run_all(jobs: &[Job], dispatcher: &Arc<Dispatcher>) -> Result<()> {
    for job in jobs {
        (job.run)(Arc::clone(dispatcher)).await?;
    }
    Ok(())
}

/// Runs every job in its period until `stop`, one beside the other, so that a long one keeps no other waiting. A job that
/// is under way then is left; its next run goes on.
pub async fn run_for_ever(jobs: &[Job], dispatcher: &Arc<Dispatcher>, stop: &CancellationToken) {
    let mut running = JoinSet::new();
    for job in jobs {
        running.spawn(repeat(job.clone(), Arc::clone(dispatcher), stop.clone()));
    }
    while running.join_next().await.is_some() {}
}

#[expect(clippy::disallowed_methods, reason = "the period of a job is machine time; what is due is decided by cx.now")]
async fn repeat(job: Job, dispatcher: Arc<Dispatcher>, stop: CancellationToken) {
    loop {
        let done = tokio::select! {
            () = stop.cancelled() => return,
            done = (job.run)(Arc::clone(&dispatcher)) => done,
        };
        if let Err(error) = done {
            tracing::warn!(job = job.name, %error, "a job failed; it runs again in its period");
            metrics::counter!("roborent_job_failures_total", "job" => job.name).increment(1);
        }
        let woken = async {
            match &job.wake {
                Some(wake) => wake.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(job.period) => {}
            () = woken => {}
        }
    }
}

//! Delivers: takes lanes that have something due, and works on each of them in a task of its own until nothing is. What
//! came of attempts is written down while the next ones are under way, as many together as have ended meanwhile.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::base::call::Dispatcher;
use crate::base::config::Config;
use crate::base::error::internal;
use crate::base::secrets::WebhookSecret;
use crate::base::strangers::{Lookup, Strangers};
use crate::base::{Context, Result, UserId};
use crate::users::webhook;
use crate::webhooks::attempt::{Done, attempt};
use crate::webhooks::lane::Lane;
use crate::webhooks::record::{After, lease, record};
use crate::webhooks::store::{self, DueRow};

/// Events of a lane that are loaded together.
const LOADED_TOGETHER: i64 = 256;
/// Lanes that are worked on at once.
const HEALTHY_LANES_MAX: usize = 1_024;
const FAILING_LANES_MAX: usize = 256;
/// Often enough for the lease.
const RENEWED_EVERY: Duration = Duration::from_secs(2);
/// An endpoint that takes longer gets fewer at once.
const SLOW_MS: i64 = 1_000;
const WIDTH_AT_FIRST: usize = 4;

/// Delivers webhooks on this node.
pub struct Deliverer {
    strangers: Strangers,
    /// Attempts at once; those of endpoints that failed last have places of their own, so they take none of the others.
    healthy: Arc<Semaphore>,
    failing: Arc<Semaphore>,
    active: Mutex<Active>,
    /// Rung when something was put into a queue, or a place is free.
    pub wake: Arc<Notify>,
    /// Ends what is under way; what is not written down then is sent again after the next start.
    pub stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Active {
    healthy: HashSet<UserId>,
    failing: HashSet<UserId>,
}

impl Active {
    fn of(&mut self, failing: bool) -> &mut HashSet<UserId> {
        if failing { &mut self.failing } else { &mut self.healthy }
    }
}

/// What a lane needs to go on.
struct Load {
    url: Option<String>,
    secrets: Vec<WebhookSecret>,
    lane: Lane,
    due: Vec<DueRow>,
}

impl Deliverer {
    /// As the settings say.
    pub fn new(config: &Config, lookup: Lookup) -> Result<Arc<Self>> {
        let settings = &config.webhooks;
        let strangers = Strangers::new(webhook::rule(config), Duration::from_millis(settings.timeout_ms), lookup)?;
        Ok(Arc::new(Self {
            strangers,
            healthy: Arc::new(Semaphore::new(settings.attempts_at_once)),
            failing: Arc::new(Semaphore::new(settings.attempts_at_once.div_ceil(4))),
            active: Mutex::default(),
            wake: Arc::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Takes what is due and starts to work on it.
    pub async fn start_due(self: &Arc<Self>, dispatcher: &Arc<Dispatcher>) -> Result<()> {
        for (failing, most) in [(false, HEALTHY_LANES_MAX), (true, FAILING_LANES_MAX)] {
            let busy: HashSet<UserId> = {
                let active = self.active();
                active.healthy.union(&active.failing).copied().collect()
            };
            let free = most.saturating_sub(self.active().of(failing).len());
            if free == 0 {
                continue;
            }
            for user in dispatcher.system(move |cx| take(cx, failing, &busy, free)).await? {
                // Two runs of this job may have seen the same lane.
                if self.active().of(failing).insert(user) {
                    let (this, dispatcher) = (Arc::clone(self), Arc::clone(dispatcher));
                    self.tasks.spawn(async move { this.work(&dispatcher, user, failing).await });
                }
            }
        }
        Ok(())
    }

    /// Waits until no lane is worked on.
    pub async fn rest(&self) {
        let mut look = tokio::time::interval(Duration::from_millis(5));
        while !self.tasks.is_empty() {
            look.tick().await;
        }
    }

    async fn work(self: Arc<Self>, dispatcher: &Arc<Dispatcher>, user: UserId, failing: bool) {
        let worked = tokio::select! {
            () = self.stop.cancelled() => Ok(()),
            worked = self.empty(dispatcher, user) => worked,
        };
        if let Err(error) = worked {
            tracing::warn!(%error, %user, "a queue of webhooks was left; it is taken up again");
        }
        self.active().of(failing).remove(&user);
        self.wake.notify_one();
    }

    /// Works on a lane until nothing is due.
    async fn empty(&self, dispatcher: &Arc<Dispatcher>, user: UserId) -> Result<()> {
        loop {
            let Load { url, secrets, lane, due } = dispatcher.look(move |cx| load(cx, user)).await?;
            let after = match url {
                Some(url) => self.send(dispatcher, user, &lane, due, (url.into(), secrets.into())).await?,
                None => dispatcher.system(move |cx| store::give_up_all(cx, user).and_then(|_| record(cx, user, &[], true))).await?,
            };
            if after == After::Rests {
                return Ok(());
            }
        }
    }

    /// Sends what is due.
    async fn send(
        &self,
        dispatcher: &Arc<Dispatcher>,
        user: UserId,
        lane: &Lane,
        due: Vec<DueRow>,
        (url, secrets): (Arc<str>, Arc<[WebhookSecret]>),
    ) -> Result<After> {
        let most = lane.width(dispatcher.config.webhooks.attempts_at_once_per_endpoint);
        let places = if lane.failures == 0 { &self.healthy } else { &self.failing };
        let (mut width, mut failed) = (most.min(WIDTH_AT_FIRST), lane.failures);
        let mut ready: VecDeque<DueRow> = due.into();
        let (mut flying, mut recording) = (JoinSet::new(), JoinSet::new());
        let mut ended: Vec<Done> = Vec::new();
        let mut renew = tokio::time::interval(RENEWED_EVERY);
        renew.reset();
        loop {
            while flying.len() < width
                && let Some(event) = ready.pop_front()
            {
                let (strangers, places, dispatcher) = (self.strangers.clone(), Arc::clone(places), Arc::clone(dispatcher));
                let (url, secrets) = (Arc::clone(&url), Arc::clone(&secrets));
                flying.spawn(async move {
                    let _place = places.acquire_owned().await;
                    attempt(&strangers, &url, &event, &secrets, dispatcher.clock.now()).await
                });
            }
            let at_end = ready.is_empty() && flying.is_empty();
            if recording.is_empty() && (at_end || !ended.is_empty()) {
                let results = std::mem::take(&mut ended);
                let dispatcher = Arc::clone(dispatcher);
                recording.spawn(async move {
                    dispatcher.system(move |cx| record(cx, user, &results, at_end)).await.map(|after| (at_end, after))
                });
            }
            tokio::select! {
                Some(done) = flying.join_next() => {
                    let done: Done = done.map_err(internal)?;
                    tell(&done);
                    (failed, width) = if done.is_success() { (0, paced(width, most, done.milliseconds)) } else { (failed + 1, 1) };
                    if Lane::stops_after(failed) {
                        ready.clear();
                    }
                    ended.push(done);
                }
                Some(recorded) = recording.join_next() => {
                    if let (true, after) = recorded.map_err(internal)?? {
                        return Ok(after);
                    }
                }
                _ = renew.tick() => dispatcher.system(move |cx| renew_lease(cx, user)).await?,
            }
        }
    }

    fn active(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn paced(width: usize, most: usize, milliseconds: i64) -> usize {
    if milliseconds < SLOW_MS { (width + 1).min(most) } else { (width / 2).max(1) }
}

fn tell(done: &Done) {
    let outcome = if done.is_success() { "delivered" } else { "failed" };
    metrics::counter!("roborent_webhook_attempts_total", "outcome" => outcome).increment(1);
}

/// Takes lanes for this node.
fn take(cx: &mut Context<'_, '_>, failing: bool, busy: &HashSet<UserId>, free: usize) -> Result<Vec<UserId>> {
    let at_most = i64::try_from(free + busy.len()).unwrap_or(i64::MAX);
    let mut users = store::due_lanes(cx, failing, at_most)?;
    users.retain(|user| !busy.contains(user));
    users.truncate(free);
    let until = lease(cx);
    if until > cx.now {
        store::lease_lanes(cx, &users, until)?;
    }
    Ok(users)
}

fn renew_lease(cx: &mut Context<'_, '_>, user: UserId) -> Result<()> {
    let until = lease(cx);
    if until > cx.now { store::lease_lanes(cx, &[user], until) } else { Ok(()) }
}

fn load(cx: &mut Context<'_, '_>, user: UserId) -> Result<Load> {
    let lane = store::lane(cx, user)?.ok_or_else(|| internal("a lane is gone"))?;
    let Some((url, endpoint)) = webhook::endpoint(cx, user)?.filter(|(_, endpoint)| endpoint.is_on) else {
        return Ok(Load { url: None, secrets: Vec::new(), lane, due: Vec::new() });
    };
    // One is enough to find out whether it works again.
    let at_most = if lane.is_failing_for_long() { 1 } else { LOADED_TOGETHER };
    let due = if lane.is_paused(cx.now) { Vec::new() } else { store::due(cx, user, at_most)? };
    Ok(Load { url, secrets: webhook::secrets(cx, user, &endpoint)?, lane, due })
}

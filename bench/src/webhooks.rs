//! Webhooks to a fast receiver on the same machine: a backlog, and the time from the commit to the first attempt.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::Postgres;
use crate::figures::{Tenths, Times, judged, latencies, per_second, percentile, say};
use crate::receiver::{self, Arrived, Evil};
use crate::requests::Connection;
use crate::servers::Server;
use crate::time::now;
use crate::{Engine, Fallible, Options, machine, requests};

const ENDPOINTS: i64 = 4;
const BACKLOG: i64 = 100_000;
const RATE_LEAST: u64 = 2_000;
const FIRST_ATTEMPT_MOST: Duration = Duration::from_secs(1);
const BESIDE_MOST: Times = Times(110);
const GROWTH_MIB_MOST: u64 = 20;
const RANGE: i64 = 1_000;
const PROBES: usize = 500;
const PROBE_EVERY: Duration = Duration::from_millis(10);
const DRAINED_WITHIN: Duration = Duration::from_mins(10);

/// Somebody with a webhook.
struct Owner {
    address: SocketAddr,
    key: String,
    connection: Connection,
}

impl Owner {
    async fn register(address: SocketAddr) -> Fallible<Self> {
        let (status, body) = requests::once(address, "POST", "/api/v1/agent/register", "{}")?;
        let answer: Value = serde_json::from_str(&body)?;
        let key = answer["api_key"].as_str().ok_or_else(|| format!("no key: {status} {body}"))?.to_owned();
        Ok(Self { address, key, connection: Connection::open(address).await? })
    }

    async fn call(&mut self, method: &str, path: &str, body: &Value) -> Fallible<Value> {
        let (key, body) = (&self.key, body.to_string());
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        Ok(serde_json::from_slice(self.connection.ask(request.as_bytes()).await?)?)
    }

    async fn happen(&mut self) -> Fallible<Value> {
        self.call("POST", "/api/v1/agent/webhook/test", &json!({})).await
    }

    async fn last_seq(&mut self, after: i64) -> Fallible<i64> {
        let list = self.call("GET", &format!("/api/v1/agent/events?limit=1&after={after}"), &json!({})).await?;
        Ok(list["items"].as_array().map_or(0, |items| i64::try_from(items.len()).unwrap_or(0)))
    }
}

pub async fn measure(options: &Options, engine: Engine) -> Fallible<()> {
    let name = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    say(&format!("webhooks ({name}): {BACKLOG} events of {ENDPOINTS} endpoints to a receiver on this machine"));
    let dir = options.folder()?;
    let cluster = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Postgres::start(&options.folder()?.keep())?),
    };
    let url = match &cluster {
        Some(cluster) => Some(cluster.make_database().await?),
        None => None,
    };
    let watch = machine::Watch::start();
    let mut server = Server::spawn_roborent_over(dir.path(), url.as_deref())?;
    server.wait_until_ready()?;
    let (hook, arrived) = receiver::start().await?;
    let mut owners = Vec::new();
    for _ in 0..ENDPOINTS {
        owners.push(Owner::register(server.address).await?);
    }
    fill(server.address, &owners).await?;
    settled(&mut owners).await?;
    drain(&server, &mut owners, hook, &arrived).await?;
    first_attempts(&mut owners, &arrived).await?;
    server.stop()?;
    watch.finish();
    Ok(())
}

/// Events from before there is a webhook.
async fn fill(address: SocketAddr, owners: &[Owner]) -> Fallible<()> {
    const WRITERS: i64 = 8;
    let mut writers = tokio::task::JoinSet::new();
    for owner in owners {
        for _ in 0..WRITERS {
            let mut owner = Owner { address, key: owner.key.clone(), connection: Connection::open(address).await? };
            writers.spawn(async move {
                for _ in 0..BACKLOG / ENDPOINTS / WRITERS {
                    owner.happen().await?;
                }
                Fallible::Ok(())
            });
        }
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    Ok(())
}

/// Until every event has its number.
async fn settled(owners: &mut [Owner]) -> Fallible<()> {
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    for owner in owners {
        while owner.last_seq(BACKLOG / ENDPOINTS - 1).await? == 0 {
            looks.tick().await;
        }
    }
    Ok(())
}

async fn drain(server: &Server, owners: &mut [Owner], hook: SocketAddr, arrived: &Arc<Arrived>) -> Fallible<()> {
    let before = machine::resident_kib(server.pid())?;
    let (started, cpu) = (now(), machine::cpu_of(server.pid()));
    let each = BACKLOG / ENDPOINTS;
    for owner in owners.iter_mut() {
        owner.call("PATCH", "/api/v1/agent/profile", &json!({ "webhook_url": format!("http://{hook}/") })).await?;
    }
    for from in (1..=each).step_by(usize::try_from(RANGE)?) {
        for owner in owners.iter_mut() {
            let range = json!({ "from_seq": from, "to_seq": (from + RANGE - 1).min(each) });
            owner.call("POST", "/api/v1/agent/webhook/redeliver", &range).await?;
        }
    }
    let (queued, mut most) = (started.elapsed(), before);
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    while arrived.count() < BACKLOG.unsigned_abs() {
        looks.tick().await;
        most = most.max(machine::resident_kib(server.pid())?);
        if started.elapsed() > DRAINED_WITHIN {
            return Err(format!("{} of {BACKLOG} arrived", arrived.count()).into());
        }
    }
    let elapsed = started.elapsed();
    let rate = per_second(BACKLOG.unsigned_abs(), elapsed);
    let cpu = Tenths::microseconds_each(machine::cpu_of(server.pid()).saturating_sub(cpu), BACKLOG.unsigned_abs());
    say(&format!(
        "  {rate} deliveries/s with their log (at least {RATE_LEAST}): {}, {cpu} µs CPU each; all were queued after {} ms",
        judged(rate >= RATE_LEAST),
        queued.as_millis()
    ));
    let grown = most.saturating_sub(before) >> 10;
    say(&format!(
        "  memory: {} MiB before, {} MiB more at most while it drained (at most {GROWTH_MIB_MOST}): {}",
        before >> 10,
        grown,
        judged(grown <= GROWTH_MIB_MOST)
    ));
    arrived.take();
    Ok(())
}

/// How long the first attempt takes, alone and beside endpoints that never answer, hang up, or answer without end.
async fn first_attempts(owners: &mut [Owner], arrived: &Arc<Arrived>) -> Fallible<()> {
    let [probed, neighbours @ ..] = owners else { return Err("no owners".into()) };
    let first = BACKLOG / ENDPOINTS + 1;
    let alone = attempts(probed, arrived, first).await?;
    let p99 = percentile(&alone, 990);
    let holds = u128::from(p99) <= FIRST_ATTEMPT_MOST.as_micros();
    say(&format!("  commit to first attempt at 100 events/s: {} (p99 at most 1 s): {}", latencies(&alone), judged(holds)));
    let mut busy = tokio::task::JoinSet::new();
    for (neighbour, kind) in neighbours.iter_mut().zip([Evil::Silent, Evil::HangsUp, Evil::Endless]) {
        let hook = receiver::start_evil(kind).await?;
        neighbour.call("PATCH", "/api/v1/agent/profile", &json!({ "webhook_url": format!("http://{hook}/") })).await?;
        let mut caller =
            Owner { address: neighbour.address, key: neighbour.key.clone(), connection: Connection::open(neighbour.address).await? };
        busy.spawn(async move {
            let mut ticks = tokio::time::interval(PROBE_EVERY);
            loop {
                ticks.tick().await;
                if caller.happen().await.is_err() {
                    return;
                }
            }
        });
    }
    let beside = attempts(probed, arrived, first + i64::try_from(PROBES)?).await?;
    busy.shutdown().await;
    let times = Times::of(u64::from(percentile(&beside, 990)), u64::from(p99));
    say(&format!(
        "  beside three endpoints that misbehave: {}, p99 {times} (at most {BESIDE_MOST}): {}",
        latencies(&beside),
        judged(times <= BESIDE_MOST)
    ));
    Ok(())
}

/// One event after the other, the first of them with the number `first`: from the answer, which comes after the commit, to
/// the receiver.
async fn attempts(owner: &mut Owner, arrived: &Arc<Arrived>, first: i64) -> Fallible<Vec<u32>> {
    let mut told: Vec<Instant> = Vec::with_capacity(PROBES);
    let mut ticks = tokio::time::interval(PROBE_EVERY);
    for _ in 0..PROBES {
        ticks.tick().await;
        owner.happen().await?;
        told.push(now());
    }
    tokio::time::sleep_until(tokio::time::Instant::now() + FIRST_ATTEMPT_MOST * 3).await;
    let times: Vec<u32> = arrived
        .take()
        .into_iter()
        .filter_map(|(seq, at)| {
            let told = told.get(usize::try_from(seq - first).ok()?)?;
            u32::try_from(at.saturating_duration_since(*told).as_micros()).ok()
        })
        .collect();
    if times.len() == PROBES { Ok(times) } else { Err(format!("{} of {PROBES} arrived", times.len()).into()) }
}

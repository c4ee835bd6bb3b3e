//! The life of a task over HTTP: publish, accept, submit, approve, each answer durable before it leaves.

mod actors;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cluster::Postgres;
use crate::figures::{Spread, Tenths, Times, judged, latencies, per_second, say};
use crate::servers::Server;
use crate::time::{now, pause};
use crate::{Engine, Fallible, Options, machine, wal};

use actors::{Pair, lives, market, slots};

const CLIENTS: [usize; 3] = [8, 64, 256];
/// What a tuned server of the usual kind did on such a machine, in life cycles per second at 8, 64 and 256 clients.
const PEER: [u64; 3] = [125, 105, 93];
const SQLITE_TIMES: [u64; 3] = [13, 20, 24];
const POSTGRES_TIMES: [u64; 3] = [6, 7, 8];
const SQLITE_LEAST_AT_64: u64 = 1_500;
const LOG_KIB_MOST: u64 = 90;
const BUSY_CREATOR_LEAST: Times = Times(70);
/// The peer's processor time for a life cycle, and how many times less ours has to be.
const PEER_CPU_US: u64 = 16_000;
const SQLITE_CPU_TIMES: u64 = 35;

/// One run.
struct Run {
    lives: u64,
    elapsed: Duration,
    cpu: Duration,
    database_cpu: Duration,
    latencies_us: Vec<u32>,
}

struct Place<'p> {
    server: &'p Server,
    database: Option<u32>,
}

impl Place<'_> {
    async fn run<F: Future<Output = Fallible<Vec<u32>>> + Send + 'static>(&self, clients: Vec<F>, calls_each: u64) -> Fallible<Run> {
        let database = || self.database.map_or(Duration::ZERO, machine::cpu_of_tree);
        let (started, cpu, database_cpu) = (now(), machine::cpu_of(self.server.pid()), database());
        let tasks: Vec<_> = clients.into_iter().map(tokio::spawn).collect();
        let mut latencies_us = Vec::new();
        for task in tasks {
            latencies_us.extend(task.await??);
        }
        let elapsed = started.elapsed();
        let cpu = machine::cpu_of(self.server.pid()).saturating_sub(cpu);
        let database_cpu = database().saturating_sub(database_cpu);
        Ok(Run { lives: latencies_us.len() as u64 / calls_each, elapsed, cpu, database_cpu, latencies_us })
    }
}

pub async fn measure(options: &Options, engine: Engine) -> Fallible<()> {
    let dir = options.folder()?;
    let watch = machine::Watch::start();
    let cluster = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Postgres::start(&options.folder()?.keep())?),
    };
    let url = match &cluster {
        Some(cluster) => Some(cluster.make_database().await?),
        None => None,
    };
    let named = if cluster.is_some() { "PostgreSQL" } else { "SQLite (WAL, synchronous=FULL)" };
    say(&format!("lifecycle: publish, accept, submit, approve over HTTP, {named}"));
    let mut server = Server::spawn_roborent_over(dir.path(), url.as_deref())?;
    server.wait_until_ready()?;
    let most = *CLIENTS.iter().max().unwrap_or(&1);
    let pairs = market(server.address, most)?;
    let place = Place { server: &server, database: cluster.as_ref().and_then(Postgres::pid) };
    if let (Some(cluster), Some(url)) = (&cluster, &url) {
        statements_of_a_life(&place, &pairs, cluster, url).await?;
    } else {
        log_of_a_life(&place, &pairs, dir.path()).await?;
    }
    let times = if cluster.is_some() { POSTGRES_TIMES } else { SQLITE_TIMES };
    for (n, clients) in CLIENTS.into_iter().enumerate() {
        let least = PEER[n] * times[n];
        report(options, &place, &pairs[..clients], least, cluster.is_some()).await?;
    }
    busy_creator(options, &place, &pairs[..64]).await?;
    server.stop()?;
    watch.finish();
    audit(dir.path(), url.as_deref())?;
    if let (Some(cluster), Some(url)) = (&cluster, &url) {
        cluster.drop_database(url).await?;
    }
    Ok(())
}

async fn report(options: &Options, place: &Place<'_>, pairs: &[Arc<Pair>], least: u64, postgres: bool) -> Fallible<()> {
    let clients = |time: Duration| pairs.iter().map(|pair| lives(Arc::clone(pair), now() + time, usize::MAX)).collect::<Vec<_>>();
    place.run(clients(options.run_time() / 4), 4).await?;
    let mut runs = Vec::new();
    for _ in 0..options.rounds {
        runs.push(place.run(clients(options.run_time()), 4).await?);
    }
    let rates = Spread::of(runs.iter().map(|run| per_second(run.lives, run.elapsed)).collect());
    let lives_in_all = runs.iter().map(|run| run.lives).sum();
    let own = Tenths::microseconds_each(runs.iter().map(|run| run.cpu).sum(), lives_in_all);
    let database = Tenths::microseconds_each(runs.iter().map(|run| run.database_cpu).sum(), lives_in_all);
    let clients = pairs.len();
    let rate = rates.median;
    let latencies = latencies(&runs.into_iter().flat_map(|run| run.latencies_us).collect::<Vec<_>>());
    let database_text = if postgres { format!(" + {database} µs in PostgreSQL") } else { String::new() };
    say(&format!(
        "  {clients:>3} clients: {rates} life cycles/s, a call {latencies}, {own} µs CPU a life cycle{database_text} (at least {least}/s): {}",
        judged(rate >= least)
    ));
    if !postgres && clients == 64 {
        say(&format!("               at least {SQLITE_LEAST_AT_64}/s: {}", judged(rate >= SQLITE_LEAST_AT_64)));
        let most = PEER_CPU_US / SQLITE_CPU_TIMES;
        say(&format!("               CPU at most {most} µs a life cycle: {}", judged(own <= Tenths(most * 10))));
    }
    Ok(())
}

/// How many statements PostgreSQL gets for a life cycle of one of 64 clients.
async fn statements_of_a_life(place: &Place<'_>, pairs: &[Arc<Pair>], cluster: &Postgres, url: &str) -> Fallible<()> {
    const LIVES_EACH: usize = 5;
    let far = now() + Duration::from_hours(1);
    let clients = |each: usize| pairs[..64].iter().map(|pair| lives(Arc::clone(pair), far, each)).collect::<Vec<_>>();
    // A server has statistics of tables that grow a minute after they began to; afterwards everything is prepared.
    place.run(clients(2), 4).await?;
    cluster.analyze(url).await?;
    place.run(clients(2), 4).await?;
    pause(Duration::from_secs(3));
    cluster.log_statements(true).await?;
    pause(Duration::from_secs(1));
    let before = cluster.logged_statements()?;
    let run = place.run(clients(LIVES_EACH), 4).await?;
    let busy = cluster.logged_statements()?;
    pause(Duration::from_secs(3));
    let after = cluster.logged_statements()?;
    cluster.log_statements(false).await?;
    let each = |count: u64| Tenths::of(count.saturating_sub(before), run.lives);
    say(&format!(
        "  statements: {} a life cycle of four calls while it runs, {} with the jobs after it, BEGIN and COMMIT among them",
        each(busy),
        each(after)
    ));
    Ok(())
}

/// How much SQLite writes to its log for a life cycle of one of 64 clients, while the log is not folded.
async fn log_of_a_life(place: &Place<'_>, pairs: &[Arc<Pair>], dir: &Path) -> Fallible<()> {
    const LIVES_EACH: usize = 5;
    let database = dir.join("data").join(roborent::start::DATABASE_FILE);
    let far = now() + Duration::from_hours(1);
    let clients = |each: usize| pairs[..64].iter().map(|pair| lives(Arc::clone(pair), far, each)).collect::<Vec<_>>();
    place.run(clients(1), 4).await?;
    // The jobs that follow a life cycle belong to it.
    pause(Duration::from_secs(3));
    let before = wal::read(&database)?;
    let run = place.run(clients(LIVES_EACH), 4).await?;
    let busy = wal::read(&database)?;
    pause(Duration::from_secs(3));
    let after = wal::read(&database)?;
    let each = |bytes: u64| Tenths::of(bytes.saturating_sub(before.bytes), run.lives * 1_024);
    let (in_calls, whole) = (each(busy.bytes), each(after.bytes));
    say(&format!(
        "  log: {in_calls} KiB a life cycle while it runs, {whole} KiB with the jobs after it (at most {LOG_KIB_MOST}): {}; {} calls per commit",
        judged(whole <= Tenths(LOG_KIB_MOST * 10)),
        Tenths::of(run.lives * 4, busy.commits.saturating_sub(before.commits).max(1))
    ));
    Ok(())
}

/// Accept, submit and approve by 64 workers: at the tasks of one creator, against tasks of 64 creators.
async fn busy_creator(options: &Options, place: &Place<'_>, pairs: &[Arc<Pair>]) -> Fallible<()> {
    let mut runs: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..options.rounds {
        for shared in [false, true, true, false] {
            let clients = slots(pairs, shared, now() + options.run_time())?;
            let run = place.run(clients, 3).await?;
            runs[usize::from(shared)].push(per_second(run.lives, run.elapsed));
        }
    }
    let [apart, together] = runs.map(Spread::of);
    let ratio = Times::of(together.median, apart.median);
    say(&format!(
        "  64 workers: {apart} slots/s at tasks of their own, {together} at the task of one creator: {ratio} (at least {BUSY_CREATOR_LEAST}): {}",
        judged(ratio >= BUSY_CREATOR_LEAST)
    ));
    Ok(())
}

/// What was measured has to have happened.
fn audit(dir: &Path, database_url: Option<&str>) -> Fallible<()> {
    let source = match database_url {
        Some(url) => audit::Source::Postgres(url.to_owned()),
        None => audit::Source::Sqlite(dir.join("data").join(roborent::start::DATABASE_FILE)),
    };
    let report = audit::audit(&source, &audit::Options::default())?;
    if report.exit_code() != 0 {
        return Err(format!("the audit is red:\n{report}").into());
    }
    say(&format!("  verified: {} checks of the audit passed in {} ms", report.checks.len(), report.elapsed.as_millis()));
    Ok(())
}

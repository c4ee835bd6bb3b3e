//! A read with a key over HTTP, against the bare server on the same machine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::figures::{Spread, Tenths, Times, judged, latencies, per_second, say};
use crate::servers::Server;
use crate::time::{now, pause};
use crate::{Fallible, Options, machine, requests};

const RATIO_MOST: Times = Times(400);
const IDLE_MIB_MOST: u64 = 20;

/// One run against one server.
pub struct Run {
    pub requests: u64,
    elapsed: Duration,
    pub cpu: Duration,
    pub latencies_us: Vec<u32>,
}

impl Run {
    pub fn rate(&self) -> u64 {
        per_second(self.requests, self.elapsed)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = Tenths::microseconds_each(self.cpu, self.requests);
        write!(f, "{} req/s, {cpu} µs CPU each, {}", self.rate(), latencies(&self.latencies_us))
    }
}

/// A GET that keeps its connection.
pub fn get(path: &str, api_key: Option<&str>) -> Arc<[u8]> {
    let key = api_key.map_or_else(String::new, |key| format!("x-api-key: {key}\r\n"));
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{key}\r\n").into_bytes().into()
}

pub async fn run(server: &Server, request: &Arc<[u8]>, clients: usize, time: Duration) -> Fallible<Run> {
    let (started, cpu) = (now(), machine::cpu_of(server.pid()));
    let latencies_us = requests::load(server.address, request, clients, time).await?;
    let (elapsed, cpu) = (started.elapsed(), machine::cpu_of(server.pid()).saturating_sub(cpu));
    Ok(Run { requests: latencies_us.len() as u64, elapsed, cpu, latencies_us })
}

pub async fn measure(options: &Options) -> Fallible<()> {
    say(&format!("http: GET /api/v1/finance/balance with an API key, {} connections, beside axum hello", options.clients));
    let dir = options.folder()?;
    let watch = machine::Watch::start();
    let hello = Server::hello()?;
    let mut roborent = Server::spawn_roborent(dir.path())?;
    roborent.wait_until_ready()?;
    pause(Duration::from_secs(1));
    let idle = machine::resident_kib(roborent.pid())?;
    let key = register(&roborent)?;
    let ours = (&roborent, get("/api/v1/finance/balance", Some(&key)));
    let bare = (&hello, get("/", None));

    let warm_up = options.run_time() / 4;
    for (server, request) in [&ours, &bare] {
        run(server, request, options.clients, warm_up).await?;
    }
    let (mut our_runs, mut bare_runs) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        for ((server, request), runs) in [(&ours, true), (&bare, false), (&bare, false), (&ours, true)] {
            let done = run(server, request, options.clients, options.run_time()).await?;
            if runs { our_runs.push(done) } else { bare_runs.push(done) }
        }
    }
    let loaded = machine::resident_kib(roborent.pid())?;
    roborent.stop()?;
    hello.stop()?;
    report(our_runs, bare_runs);
    let mib = |kib: u64| Tenths::of(kib, 1_024);
    say(&format!(
        "  memory: idle {} MiB (at most {IDLE_MIB_MOST}): {}; after the load {} MiB",
        mib(idle),
        judged(idle <= IDLE_MIB_MOST << 10),
        mib(loaded)
    ));
    watch.finish();
    Ok(())
}

/// A new bot; answers its key.
pub fn register(server: &Server) -> Fallible<String> {
    let (status, body) = requests::once(server.address, "POST", "/api/v1/agent/register", "{}")?;
    let answer: Value = serde_json::from_str(&body)?;
    let key = answer["api_key"].as_str().ok_or_else(|| format!("no key: {status} {body}"))?;
    Ok(key.to_owned())
}

fn report(ours: Vec<Run>, bare: Vec<Run>) {
    let sums = [("roborent", ours), ("axum hello", bare)].map(|(name, runs)| {
        let rates = Spread::of(runs.iter().map(Run::rate).collect());
        let requests = runs.iter().map(|run| run.requests).sum();
        let cpu = Tenths::microseconds_each(runs.iter().map(|run| run.cpu).sum(), requests);
        let all: Vec<u32> = runs.into_iter().flat_map(|run| run.latencies_us).collect();
        say(&format!("  {name:<11} {rates} req/s, {cpu} µs CPU each, {}", latencies(&all)));
        (rates.median, cpu.0)
    });
    let [(our_rate, our_cpu), (bare_rate, bare_cpu)] = sums;
    let (by_cpu, by_rate) = (Times::of(our_cpu, bare_cpu), Times::of(bare_rate, our_rate));
    say(&format!(
        "  CPU per request {by_cpu} of the bare server (at most {RATIO_MOST}): {}; throughput 1/{by_rate}: {}",
        judged(by_cpu <= RATIO_MOST),
        judged(by_rate <= RATIO_MOST)
    ));
}

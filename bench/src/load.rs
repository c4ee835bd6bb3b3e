//! A closed loop of commands: each client waits for its answer before it calls again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::figures::{Spread, Tenths, latencies, per_second};
use crate::market::Market;
use crate::settle::Shape;
use crate::time::now;
use crate::{Fallible, machine};

/// When a client stops.
#[derive(Clone, Copy)]
pub enum Until {
    Time(Duration),
    /// After so many calls of each client.
    Calls(usize),
}

/// One run.
pub struct Run {
    elapsed: Duration,
    /// Of this process: the product, and the little that the clients need.
    cpu: Duration,
    /// Of the database server.
    server_cpu: Duration,
    latencies_us: Vec<u32>,
}

impl Run {
    pub fn commands(&self) -> u64 {
        self.latencies_us.len() as u64
    }
}

/// Lets every client of `market` call at once. `server` is the process of the database server, if there is one.
pub async fn run(market: &Arc<Market>, shape: Shape, until: Until, server: Option<u32>) -> Fallible<Run> {
    let server_time = || server.map_or(Duration::ZERO, machine::cpu_of_tree);
    let (started, cpu, server_cpu) = (now(), machine::cpu_of(std::process::id()), server_time());
    let clients: Vec<_> =
        (0..market.clients()).map(|client| tokio::spawn(calls(Arc::clone(market), client, shape, until, started))).collect();
    let mut latencies_us = Vec::new();
    for client in clients {
        latencies_us.extend(client.await??);
    }
    let elapsed = started.elapsed();
    let cpu = machine::cpu_of(std::process::id()).saturating_sub(cpu);
    Ok(Run { elapsed, cpu, server_cpu: server_time().saturating_sub(server_cpu), latencies_us })
}

/// As [`run`] for a time, with the sealing job beside it as the product runs it: once a second, to the end of its queue.
pub async fn run_while_sealing(market: &Arc<Market>, shape: Shape, time: Duration, server: Option<u32>) -> Fallible<Run> {
    let sealing = tokio::spawn(seal_each_second(Arc::clone(market)));
    let done = run(market, shape, Until::Time(time), server).await;
    sealing.abort();
    match sealing.await {
        // What the job has queued is still done; the next one takes the rest.
        Err(stopped) if stopped.is_cancelled() => done,
        Err(panicked) => Err(panicked.into()),
        Ok(Err(error)) => Err(error),
        Ok(Ok(never)) => match never {},
    }
}

async fn seal_each_second(market: Arc<Market>) -> Fallible<Infallible> {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        market.seal().await?;
    }
}

async fn calls(market: Arc<Market>, client: usize, shape: Shape, until: Until, started: Instant) -> Fallible<Vec<u32>> {
    let mut latencies = Vec::new();
    for turn in 0.. {
        let called = now();
        match until {
            Until::Time(time) if called >= started + time => break,
            Until::Calls(count) if turn >= count => break,
            Until::Time(_) | Until::Calls(_) => {}
        }
        market.settle(client, turn, shape).await?;
        latencies.push(u32::try_from(called.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(latencies)
}

/// What several runs of one variant say together.
pub struct Summary {
    pub rates: Spread,
    text: String,
}

impl Summary {
    pub fn of(runs: Vec<Run>, server: bool) -> Self {
        let rates = Spread::of(runs.iter().map(|run| per_second(run.commands(), run.elapsed)).collect());
        let commands = runs.iter().map(Run::commands).sum();
        let each = |time: Duration| Tenths::microseconds_each(time, commands);
        let own = each(runs.iter().map(|run| run.cpu).sum());
        let others =
            if server { format!(" + {} µs in PostgreSQL", each(runs.iter().map(|run| run.server_cpu).sum())) } else { String::new() };
        let latencies = latencies(&runs.into_iter().flat_map(|run| run.latencies_us).collect::<Vec<_>>());
        let text = format!("{rates} commands/s, {latencies}, {own} µs CPU each{others}");
        Self { rates, text }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

//! The settling command through the product's own dispatcher, on both engines, with every commit durable.

use std::sync::Arc;
use std::time::Duration;

use store::{BATCH_MAX, EngineSettings};

use crate::cluster::Postgres;
use crate::figures::{Tenths, Times, judged, say};
use crate::load::{self, Run, Summary, Until};
use crate::market::Market;
use crate::settle::Shape;
use crate::{Fallible, Options, machine, wal};

const SQLITE_LEAST: u64 = 10_000;
const GROUP_COMMIT_LEAST: Times = Times(350);
const POSTGRES_LEAST: u64 = 3_000;
const PLATFORM_MOST: Times = Times(110);
/// Few enough that the log is not folded meanwhile.
const CALLS_FOR_THE_LOG: usize = 20;

pub async fn sqlite(options: &Options) -> Fallible<()> {
    say(&format!("ledger, SQLite (WAL, synchronous=FULL), {} clients", options.clients));
    let dir = options.folder()?;
    let watch = machine::Watch::start();
    let mut markets = Vec::new();
    for (name, batch_max) in [("grouped", BATCH_MAX), ("single", 1)] {
        let data_dir = dir.path().join(name);
        std::fs::create_dir(&data_dir)?;
        let path = data_dir.join(roborent::start::DATABASE_FILE);
        let market = Market::open(EngineSettings::sqlite(&path), &data_dir, batch_max, options.clients).await?;
        markets.push((Arc::new(market), path));
    }
    let both = [(Arc::clone(&markets[0].0), Shape::Platform), (Arc::clone(&markets[1].0), Shape::Platform)];
    let ([grouped, single], sealing) = interleaved(options, &both, None).await?;
    let beside = while_sealing(options, &both[0], None).await?;
    drop(both);
    let mut lines = Vec::new();
    for ((market, path), name) in markets.into_iter().zip(["group commit", "one transaction per command"]) {
        wal::fold(&path)?;
        let run = load::run(&market, Shape::Platform, Until::Calls(CALLS_FOR_THE_LOG), None).await?;
        let log = wal::read(&path)?;
        market.seal().await?;
        let kib = Tenths::of(log.bytes, run.commands() * 1_024);
        lines.push(format!("{name}: {kib} KiB of log per command, {} commands per commit", Tenths::of(run.commands(), log.commits)));
        Arc::into_inner(market).ok_or("a client is still at work")?.close_and_verify().await?;
    }
    say(&format!("  group commit                 {grouped} (at least {SQLITE_LEAST}/s): {}", judged(grouped.rates.median >= SQLITE_LEAST)));
    say(&format!("  one transaction per command  {single}"));
    let gain = Times::of(grouped.rates.median, single.rates.median);
    say(&format!("  group commit is {gain} as fast (at least {GROUP_COMMIT_LEAST}): {}", judged(gain >= GROUP_COMMIT_LEAST)));
    for line in &lines {
        say(&format!("  {line}"));
    }
    say(&format!("  sealing afterwards: {sealing} µs per transaction"));
    say(&format!("  sealing beside it: group commit {beside}"));
    watch.finish();
    Ok(())
}

pub async fn postgres(options: &Options) -> Fallible<()> {
    let cluster = match &options.database_url {
        Some(url) => Postgres::given(url).await?,
        None => Postgres::start(&options.folder()?.keep())?,
    };
    say(&format!("ledger, PostgreSQL ({}), {} clients", cluster.describe().await?, options.clients));
    let watch = machine::Watch::start();
    let (dir, url) = (options.folder()?, cluster.make_database().await?);
    let market = Arc::new(Market::open(EngineSettings::postgres(&url), dir.path(), BATCH_MAX, options.clients).await?);
    cluster.analyze(&url).await?;
    let both = [(Arc::clone(&market), Shape::Platform), (Arc::clone(&market), Shape::People)];
    let ([platform, people], sealing) = interleaved(options, &both, cluster.pid()).await?;
    let beside = while_sealing(options, &both[0], cluster.pid()).await?;
    drop(both);
    Arc::into_inner(market).ok_or("a client is still at work")?.close_and_verify().await?;
    say(&format!(
        "  all post to the platform     {platform} (at least {POSTGRES_LEAST}/s): {}",
        judged(platform.rates.median >= POSTGRES_LEAST)
    ));
    say(&format!("  none posts to the platform   {people}"));
    let ratio = Times::of(people.rates.median, platform.rates.median);
    say(&format!("  without the platform {ratio} as fast (at most {PLATFORM_MOST}): {}", judged(ratio <= PLATFORM_MOST)));
    say(&format!("  sealing afterwards: {sealing} µs per transaction"));
    say(&format!("  sealing beside it: all post to the platform {beside}"));
    watch.finish();
    cluster.drop_database(&url).await
}

/// The first variant with the sealing job beside it.
async fn while_sealing(options: &Options, variant: &(Arc<Market>, Shape), server: Option<u32>) -> Fallible<Summary> {
    let (market, shape) = variant;
    let mut runs = Vec::new();
    for _ in 0..options.rounds {
        runs.push(load::run_while_sealing(market, *shape, options.run_time(), server).await?);
        market.seal().await?;
    }
    Ok(Summary::of(runs, server.is_some()))
}

/// Two variants in the order A B B A, after a warm-up of each; what was booked is sealed after each run. Answers also
/// how long sealing takes for each transaction.
async fn interleaved(options: &Options, variants: &[(Arc<Market>, Shape); 2], server: Option<u32>) -> Fallible<([Summary; 2], Tenths)> {
    let warm_up = (options.run_time() / 2).max(Duration::from_secs(1));
    for (market, shape) in variants {
        load::run(market, *shape, Until::Time(warm_up), server).await?;
        market.seal().await?;
    }
    let mut runs: [Vec<Run>; 2] = [Vec::new(), Vec::new()];
    let (mut sealing, mut sealed) = (Duration::ZERO, 0);
    for _ in 0..options.rounds {
        for which in [0, 1, 1, 0] {
            let (market, shape) = &variants[which];
            let run = load::run(market, *shape, Until::Time(options.run_time()), server).await?;
            sealing += market.seal().await?;
            sealed += run.commands();
            runs[which].push(run);
        }
    }
    Ok((runs.map(|runs| Summary::of(runs, server.is_some())), Tenths::microseconds_each(sealing, sealed)))
}

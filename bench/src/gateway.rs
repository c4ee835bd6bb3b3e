//! Reading blocks of a busy chain through the gateway's own path, among few and many deposit addresses; and signing payouts.

use std::time::Duration;

use roborent::base::Usdt;

use crate::figures::{Spread, Tenths, Times, judged, per_second, say};
use crate::node::FIRST;
use crate::servers::Server;
use crate::template::TRANSACTIONS;
use crate::time::{now, pause};
use crate::treasury::Treasury;
use crate::{Fallible, Options, machine, requests, treasury};

/// Blocks a second, with this many deposit addresses.
const BLOCKS_LEAST: u64 = 1_000;
const BOUND_ADDRESSES: u64 = 100_000;
/// What a block costs may differ by this from the fewest to the most addresses.
const DIFFERENCE_MOST: Times = Times(120);
/// Blocks in a run are this times its seconds.
const BLOCKS_A_SECOND: u64 = 1_000;
const PAYOUTS: u64 = 1_000;
const PAYOUT: Usdt = Usdt::from_micro(20_000_000);
const PAYOUTS_WITHIN: Duration = Duration::from_secs(10);

pub async fn measure(options: &Options) -> Fallible<()> {
    let node = Server::node()?;
    let tip = scan(options, &node).await?;
    payouts(options, &node, tip).await?;
    node.stop()
}

/// Runs of one number of addresses.
struct Runs {
    addresses: u64,
    treasury: Treasury,
    rates: Vec<u64>,
    /// Processor time of this process in microseconds for each block.
    costs: Vec<u64>,
}

/// Answers the newest block of the node.
async fn scan(options: &Options, node: &Server) -> Fallible<u64> {
    let blocks = BLOCKS_A_SECOND * options.seconds.max(1);
    say(&format!("gateway: reading blocks of {TRANSACTIONS} transactions from a node on this machine, SQLite"));
    let watch = machine::Watch::start();
    let (mut all, mut dirs, mut tip) = (Vec::new(), Vec::new(), FIRST);
    for addresses in &options.addresses {
        let dir = options.folder()?;
        let treasury = Treasury::open(dir.path(), node.address, *addresses).await?;
        all.push(Runs { addresses: *addresses, treasury, rates: Vec::new(), costs: Vec::new() });
        dirs.push(dir);
    }
    for round in 0..=2 * options.rounds {
        // The first is a warm-up; then there and back again.
        let blocks = if round == 0 { blocks.min(500) } else { blocks };
        tip = move_to(node, tip + blocks)?;
        let mut order: Vec<_> = all.iter_mut().collect();
        if round % 2 == 0 {
            order.reverse();
        }
        for runs in order {
            let (rate, cost) = run(runs, blocks, tip).await?;
            if round > 0 {
                runs.rates.push(rate);
                runs.costs.push(cost);
            }
        }
    }
    let mut costs = Vec::new();
    for runs in all {
        let (rate, cost) = (Spread::of(runs.rates), Spread::of(runs.costs));
        let bound =
            (runs.addresses == BOUND_ADDRESSES).then(|| format!(" (at least {BLOCKS_LEAST}): {}", judged(rate.median >= BLOCKS_LEAST)));
        say(&format!("  {:>9} addresses: {rate} blocks/s, {cost} µs CPU each{}", runs.addresses, bound.unwrap_or_default()));
        costs.push((runs.addresses, cost.median, rate.median));
        runs.treasury.close_and_verify(treasury::OF_ADDRESSES).await?;
    }
    if let [(fewest, few, slow), .., (most, many, fast)] = costs.as_slice() {
        let (cost, time) = (Times::of(*many, *few), Times::of(*slow, *fast));
        let holds = cost <= DIFFERENCE_MOST && time <= DIFFERENCE_MOST;
        say(&format!("  {most} addresses against {fewest}: {cost} CPU, {time} time (at most {DIFFERENCE_MOST}): {}", judged(holds)));
    }
    watch.finish();
    Ok(tip)
}

/// One run: from a node that has so many new blocks to a database that has them.
async fn run(runs: &Runs, blocks: u64, tip: u64) -> Fallible<(u64, u64)> {
    let (started, cpu) = (now(), machine::cpu_of(std::process::id()));
    runs.treasury.gateway.round().await;
    let (elapsed, cpu) = (started.elapsed(), machine::cpu_of(std::process::id()).saturating_sub(cpu));
    let read = runs.treasury.read().await?;
    if u64::try_from(read)? != tip {
        return Err(format!("read up to block {read} instead of {tip}").into());
    }
    Ok((per_second(blocks, elapsed), Tenths::microseconds_each(cpu, blocks).0 / 10))
}

fn move_to(node: &Server, tip: u64) -> Fallible<u64> {
    requests::once(node.address, "POST", "/bench/tip", &format!(r#"{{"num":{tip}}}"#))?;
    Ok(tip)
}

/// From queued to signed and stored, through a gateway that goes round; sending goes on beside it.
async fn payouts(options: &Options, node: &Server, tip: u64) -> Fallible<()> {
    say(&format!("gateway: {PAYOUTS} queued payouts until each is signed and stored, SQLite"));
    let watch = machine::Watch::start();
    let mut times = Vec::new();
    for _ in 0..options.rounds {
        let dir = options.folder()?;
        let treasury = Treasury::open(dir.path(), node.address, 0).await?;
        move_to(node, tip)?;
        treasury.queue_payouts(PAYOUTS, PAYOUT).await?;
        let gateway = std::sync::Arc::clone(&treasury.gateway);
        let (stop, started) = (tokio_util::sync::CancellationToken::new(), now());
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { gateway.run(&stop).await }
        });
        while treasury.signed().await? < PAYOUTS {
            if started.elapsed() > 6 * PAYOUTS_WITHIN {
                return Err("the payouts are never signed".into());
            }
            tokio::task::spawn_blocking(|| pause(Duration::from_millis(5))).await?;
        }
        times.push(u64::try_from(started.elapsed().as_millis())?);
        stop.cancel();
        running.await??;
        treasury.close_and_verify(treasury::OF_PAYOUTS).await?;
    }
    let spread = Spread::of(times);
    let holds = Duration::from_millis(spread.median) <= PAYOUTS_WITHIN;
    say(&format!("  {spread} ms (at most {} s): {}", PAYOUTS_WITHIN.as_secs(), judged(holds)));
    watch.finish();
    Ok(())
}

//! Searches among many open tasks, one after the other, through the product's own dispatcher.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use store::EngineSettings;

use crate::cluster::Postgres;
use crate::figures::{Tenths, judged, latencies, percentile, say};
use crate::hall::{Dice, Hall, texts};
use crate::time::now;
use crate::{Engine, Fallible, Options, machine, wal};

/// The bound of p99 in microseconds for so many open tasks.
const BOUNDS: [(u64, u32); 3] = [(10_000, 1_000), (100_000, 2_000), (1_000_000, 5_000)];
const CALLS: usize = 2_000;
const DEEP: usize = 10_000;
const PUBLISHERS: usize = 32;
const PUBLISHED_EACH: usize = 16;

pub async fn measure(options: &Options) -> Fallible<()> {
    for tasks in &options.tasks {
        if options.wants_engine(Engine::Sqlite) {
            let dir = options.folder()?;
            let path = dir.path().join(roborent::start::DATABASE_FILE);
            let hall = Hall::open(EngineSettings::sqlite(&path), dir.path(), *tasks).await?;
            measure_in(hall, *tasks, Some(&path)).await?;
        }
        if options.wants_engine(Engine::Postgres) {
            let cluster = match &options.database_url {
                Some(url) => Postgres::given(url).await?,
                None => Postgres::start(&options.folder()?.keep())?,
            };
            let (dir, url) = (options.folder()?, cluster.make_database().await?);
            let hall = Hall::open(EngineSettings::postgres(&url), dir.path(), *tasks).await?;
            cluster.analyze(&url).await?;
            measure_in(hall, *tasks, None).await?;
            cluster.drop_database(&url).await?;
        }
    }
    Ok(())
}

async fn measure_in(hall: Hall, tasks: u64, file: Option<&Path>) -> Fallible<()> {
    let hall = Arc::new(hall);
    say(&format!("search, {}, {tasks} open tasks", if file.is_some() { "SQLite" } else { "PostgreSQL" }));
    let watch = machine::Watch::start();
    let bound = BOUNDS.iter().find(|(size, _)| *size == tasks && file.is_some()).map(|(_, bound)| *bound);
    for (what, bounded, wanted) in searches() {
        run(&hall, what, bound.filter(|_| bounded), &wanted).await?;
    }
    run_deep(&hall, bound).await?;
    publish(&hall, file).await?;
    watch.finish();
    hall.dispatcher.store.close();
    Ok(())
}

type Wanted = Box<dyn Fn(&mut Dice) -> Value>;

/// What is searched for, and whether the bound is for it.
fn searches() -> Vec<(&'static str, bool, Wanted)> {
    fn one_of<T: Copy>(dice: &mut Dice, all: &[T]) -> T {
        all[usize::try_from(dice.below(all.len() as u64)).unwrap_or(0)]
    }
    vec![
        ("category + min_reward", true, Box::new(|d| json!({ "category": d.category(), "min_reward": one_of(d, &["0.5", "1", "5"]) }))),
        (
            "category + min_reward, few fit",
            true,
            Box::new(|d| json!({ "category": d.category(), "min_reward": one_of(d, &["90", "97", "100"]) })),
        ),
        (
            "category + reward range, few fit",
            true,
            Box::new(|d| json!({ "category": d.category(), "min_reward": "3", "max_reward": "3.05" })),
        ),
        ("no filter", true, Box::new(|_| json!({}))),
        ("sort reward", true, Box::new(|d| json!({ "category": d.category(), "sort": "reward", "max_reward": one_of(d, &["2", "20"]) }))),
        ("sort expiring + min_reward", true, Box::new(|d| json!({ "sort": "expiring", "min_reward": one_of(d, &["1", "50"]) }))),
        ("q, a frequent word", false, Box::new(|d| json!({ "q": format!("w{}", d.below(4)) }))),
        ("q, a usual word", false, Box::new(|d| json!({ "q": format!("w{}", 100 + d.below(100)) }))),
        ("q, a rare word", false, Box::new(|d| json!({ "q": format!("w{}", 20_000 + d.below(10_000)) }))),
        ("q, two usual words", false, Box::new(|d| json!({ "q": format!("w{} w{}", d.below(64), 64 + d.below(64)) }))),
        (
            "q + category + sort reward",
            false,
            Box::new(|d| json!({ "q": format!("w{}", 200 + d.below(99)), "category": d.category(), "sort": "reward" })),
        ),
        ("tags, a frequent one", false, Box::new(|d| json!({ "tags": [format!("t{}", d.below(4))] }))),
        ("tags, two rare ones", false, Box::new(|d| json!({ "tags": [format!("t{}", 256 + d.below(256)), format!("t{}", d.below(8))] }))),
    ]
}

async fn run(hall: &Hall, what: &str, bound: Option<u32>, wanted: &Wanted) -> Fallible<()> {
    let mut dice = Dice(42);
    for _ in 0..CALLS / 20 {
        hall.search(&wanted(&mut dice)).await?;
    }
    let (mut times, mut rows, mut short) = (Vec::new(), 0, 0_u64);
    for _ in 0..CALLS {
        let wanted = wanted(&mut dice);
        let (page, time) = timed(hall, &wanted).await?;
        times.push(time);
        let found = page["items"].as_array().map_or(0, Vec::len);
        rows += found as u64;
        short += u64::from(found < 20 && !page["next_cursor"].is_null());
    }
    tell(what, bound, &times, &format!("{} rows, {short} pages short", Tenths::of(rows, CALLS as u64)));
    Ok(())
}

/// The first page over and over, and one that many others come before.
async fn run_deep(hall: &Hall, bound: Option<u32>) -> Fallible<()> {
    let mut deep = Value::Null;
    let mut pages = 0;
    while pages < DEEP {
        let page = hall.search(&json!({ "cursor": deep })).await?;
        if page["next_cursor"].is_null() {
            break;
        }
        deep = page["next_cursor"].clone();
        pages += 1;
    }
    for (what, cursor) in [("page 1".to_owned(), Value::Null), (format!("page {pages}"), deep)] {
        let wanted = json!({ "cursor": cursor });
        let mut times = Vec::new();
        for _ in 0..CALLS {
            times.push(timed(hall, &wanted).await?.1);
        }
        tell(&what, bound, &times, "no filter");
    }
    Ok(())
}

async fn timed(hall: &Hall, wanted: &Value) -> Fallible<(Value, u32)> {
    let called = now();
    let page = hall.search(wanted).await?;
    Ok((page, u32::try_from(called.elapsed().as_micros()).unwrap_or(u32::MAX)))
}

fn tell(what: &str, bound: Option<u32>, times: &[u32], more: &str) {
    let p99 = percentile(times, 990);
    let verdict = bound.map_or(String::new(), |bound| format!(" (p99 at most {} ms): {}", bound / 1_000, judged(p99 <= bound)));
    say(&format!("  {what:<34} {}, {more}{verdict}", latencies(times)));
}

/// What publishing costs among so many tasks, with many creators at once.
async fn publish(hall: &Arc<Hall>, file: Option<&Path>) -> Fallible<()> {
    let (_, creator) = hall.creator;
    hall.dispatcher
        .system(move |cx| {
            let reference = cx.new_id();
            crate::market::deposit(cx, creator, reference, roborent::base::Usdt::from_micro(1_000_000_000_000))
        })
        .await?;
    if let Some(file) = file {
        wal::fold(file)?;
    }
    let started = now();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let hall = Arc::clone(hall);
            tokio::spawn(async move {
                let mut dice = Dice(7 + publisher as u64);
                for _ in 0..PUBLISHED_EACH {
                    let (title, description, tags) = texts(&mut dice);
                    let task = json!({ "title": title, "description": description, "tags": tags, "category": dice.category(), "reward_usd": 1, "slots": 1 });
                    hall.call("publish_task", &hall.creator.0, &task).await?;
                }
                Fallible::Ok(())
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await??;
    }
    let (elapsed, count) = (started.elapsed(), (PUBLISHERS * PUBLISHED_EACH) as u64);
    let log = file.map(wal::read).transpose()?.map_or(String::new(), |log| {
        format!(", {} KiB of log each, {} per commit", Tenths::of(log.bytes, count * 1_024), Tenths::of(count, log.commits))
    });
    say(&format!(
        "  publish, {PUBLISHERS} at once: {} µs each{log}",
        Tenths::microseconds_each(elapsed.max(Duration::from_micros(1)), count)
    ));
    Ok(())
}

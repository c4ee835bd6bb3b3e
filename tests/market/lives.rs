//! Random lives of the market, each step compared with the small model: what was answered, and the money of everybody.

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config as Cases, RngSeed, TestRunner};
use roborent::testing::{Engine, TestApp};

use crate::life::{Difference, Life, Step, steps};

const STEPS: usize = 200;
const SIDE_BY_SIDE: usize = 8;

/// How many lives, and the number of the first: `cargo xtask prove` sets both.
#[expect(clippy::disallowed_methods, reason = "the size of a proof is no setting of the market")]
fn asked_for(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn drawn(seed: u64) -> Vec<Step> {
    let mut runner = TestRunner::new(Cases { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Cases::default() });
    steps(STEPS).new_tree(&mut runner).unwrap().current()
}

/// One life from its beginning; where it and the model part ways, if they do.
fn live(steps: &[Step]) -> Result<Vec<String>, Difference> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let app = TestApp::start_with(Engine::Sqlite, Life::settings).await.unwrap();
        Life::begin(&app).await.play(steps).await
    })
}

fn check(seed: u64) {
    let mut steps = drawn(seed);
    let Err(mut difference) = live(&steps) else { return };
    steps.truncate(difference.after);
    // Leaves out halves, quarters … single steps, as long as market and model still differ.
    let (mut size, mut attempts) = (steps.len().div_ceil(2), 0);
    while size > 0 && attempts < 300 {
        let mut from = 0;
        while from < steps.len() {
            let shorter = [&steps[..from], &steps[(from + size).min(steps.len())..]].concat();
            attempts += 1;
            match live(&shorter) {
                Err(still) => {
                    steps = shorter;
                    steps.truncate(still.after);
                    difference = still;
                }
                Ok(_) => from += size,
            }
        }
        size /= 2;
    }
    let told: Vec<String> = steps.iter().map(|step| format!("    {step:?}")).collect();
    panic!("life {seed}: {}\n{}\nagain: cargo xtask prove --only lives --seed {seed} --runs 1", difference.why, told.join("\n"));
}

#[test]
fn random_lives_agree_with_the_model() {
    let (runs, first) = (asked_for("ROBORENT_LIVES", 200), asked_for("ROBORENT_LIVES_SEED", 1));
    println!("{runs} lives of {STEPS} steps, seeds {first}..{}", first + runs);
    std::thread::scope(|threads| {
        let some = |n: usize| (first..first + runs).skip(n).step_by(SIDE_BY_SIDE).for_each(check);
        let running: Vec<_> = (0..SIDE_BY_SIDE).map(|n| threads.spawn(move || some(n))).collect();
        for thread in running {
            thread.join().unwrap_or_else(|why| std::panic::resume_unwind(why));
        }
    });
}

/// Ids come from the same chance, so not only the answers but the books are the same to the last byte.
#[tokio::test(flavor = "multi_thread")]
async fn both_engines_live_the_same_lives() {
    let first = asked_for("ROBORENT_LIVES_SEED", 1);
    for seed in first..first + 5 {
        let steps = drawn(seed);
        let sqlite = TestApp::start_with(Engine::Sqlite, Life::settings).await.unwrap();
        let Some(postgres) = TestApp::start_with(Engine::Postgres, Life::settings).await else {
            println!("SKIPPED both_engines_live_the_same_lives: no PostgreSQL; ./test.sh starts one");
            return;
        };
        let mut told = Vec::new();
        for app in [&sqlite, &postgres] {
            let mut life = Life::begin(app).await;
            life.one_by_one = true;
            told.push(life.play(&steps).await.unwrap_or_else(|difference| panic!("life {seed}: {}", difference.why)));
        }
        assert_eq!(told[0], told[1], "life {seed}");
        assert_eq!(sqlite.audit().await.digest, postgres.audit().await.digest, "life {seed}");
        sqlite.finish().await;
        postgres.finish().await;
    }
}

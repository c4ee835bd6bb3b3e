//! Group commit and races: what one bad command may do to the others, which is nothing.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use store::{EngineSettings, Migration, Settings, Store, StoreError};

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "things",
    sql: "create table things (id {int} primary key, n {int} not null check (n >= 0)) {table};\n\
          create table twins (id {int} primary key, n {int} not null unique) {table};",
}];

store::statements! {
    INSERT: (i64, i64) => () = "insert into things (id, n) values ($1, $2)";
    INSERT_MANY: (i64, i64) => () = "insert into things (id, n) values {rows}";
    ADD: (i64, i64) => () = "update things set n = n + $2 where id = $1";
    COUNT: () => (i64, i64) = "select count(*), coalesce(cast(sum(n) as bigint), 0) from things";
    READ: (i64,) => (i64,) = "select n from things where id = $1 {lock}";
    TWIN: (i64, i64) => () = "insert into twins (id, n) values ($1, $2)";
    HAS_TWIN: (i64,) => (i64,) = "select id from twins where n = $1";
}

#[derive(Debug)]
enum Outcome {
    Refused,
    Store(StoreError),
}

impl From<StoreError> for Outcome {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn settings(engine: EngineSettings) -> Settings {
    Settings { engine, queue_max: 10_000, batch_max: store::BATCH_MAX }
}

fn sqlite(dir: &tempfile::TempDir) -> Store {
    Store::open(&settings(EngineSettings::sqlite(dir.path().join("test.sqlite"))), MIGRATIONS, 0).unwrap()
}

async fn count(store: &Store) -> (i64, i64) {
    store.query(|tx| Ok::<_, Outcome>(tx.one(&COUNT, ())?)).await.unwrap()
}

/// Starts `commands` so close together that they share batches; answers how each ended.
async fn at_once<T: Send + 'static>(commands: Vec<impl Future<Output = Result<T, Outcome>> + Send + 'static>) -> Vec<Result<T, Outcome>> {
    let running: Vec<_> = commands.into_iter().map(tokio::spawn).collect();
    let mut outcomes = Vec::new();
    for task in running {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

#[derive(Clone, Copy, PartialEq)]
enum Poison {
    RefuseLate,
    RefuseEarly,
    BreakTheSchema,
    Panic,
}

async fn one_bad_among_64(store: &Store, poison: Poison) {
    let before = count(store).await.0;
    let commands = (0..64).map(|n| {
        let store = store.clone();
        async move {
            let id = before * 1_000 + n + 1;
            store
                .command(move |tx| {
                    if n == 20 && poison == Poison::RefuseEarly {
                        return Err(Outcome::Refused);
                    }
                    tx.write(&INSERT, (id, 1))?;
                    match poison {
                        Poison::RefuseLate if n == 20 => return Err(Outcome::Refused),
                        Poison::BreakTheSchema if n == 20 => tx.write(&ADD, (id, -5))?,
                        Poison::Panic if n == 20 => panic!("this is part of the test"),
                        _ => {}
                    }
                    Ok(())
                })
                .await
        }
    });
    let outcomes = at_once(commands.collect()).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 63);
    match (&outcomes[20], poison) {
        (Err(Outcome::Refused), Poison::RefuseEarly | Poison::RefuseLate)
        | (Err(Outcome::Store(StoreError::Violation(_))), Poison::BreakTheSchema)
        | (Err(Outcome::Store(StoreError::Bug(_))), Poison::Panic) => {}
        (other, _) => panic!("the bad one got {other:?}"),
    }
    assert_eq!(count(store).await.0, before + 63);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_command_does_not_touch_the_other_63_of_its_batch() {
    let dir = tempfile::TempDir::new().unwrap();
    let store = sqlite(&dir);
    for poison in [Poison::RefuseLate, Poison::RefuseEarly, Poison::BreakTheSchema, Poison::Panic, Poison::RefuseLate] {
        one_bad_among_64(&store, poison).await;
    }
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_late_over_and_over_does_not_double_the_work_of_others() {
    let dir = tempfile::TempDir::new().unwrap();
    let store = sqlite(&dir);
    let runs = Arc::new(AtomicU32::new(0));
    let commands = (0..2_000).map(|n| {
        let (store, runs) = (store.clone(), Arc::clone(&runs));
        async move {
            store
                .command(move |tx| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    tx.write(&INSERT, (n, 1))?;
                    if n % 2 == 0 { Err(Outcome::Refused) } else { Ok(()) }
                })
                .await
        }
    });
    let outcomes = at_once(commands.collect()).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1_000);
    assert_eq!(count(&store).await.0, 1_000);
    // Only the batch that met the first late failure runs twice; at most one batch in 33 does.
    let runs = runs.load(Ordering::Relaxed);
    assert!(runs <= 2_000 + 2 * 256, "{runs} runs for 2000 commands");
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swallowed_failure_still_undoes_the_command() {
    let dir = tempfile::TempDir::new().unwrap();
    let store = sqlite(&dir);
    let swallowed = store
        .command(|tx| {
            tx.write(&INSERT, (1, 1))?;
            drop(tx.write(&INSERT, (1, 2)));
            Ok::<_, Outcome>(())
        })
        .await;
    assert!(matches!(swallowed, Err(Outcome::Store(StoreError::Violation(_)))), "{swallowed:?}");
    assert_eq!(count(&store).await.0, 0);
    let nothing_changed = store.command(|tx| Ok::<_, Outcome>(tx.write(&ADD, (99, 1))?)).await;
    assert!(nothing_changed.is_err(), "a write that changes no row is a failure");
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_cannot_write_and_a_closed_store_answers_so() {
    let dir = tempfile::TempDir::new().unwrap();
    let store = sqlite(&dir);
    let written = store.query(|tx| Ok::<_, Outcome>(tx.write(&INSERT, (1, 1))?)).await;
    assert!(written.is_err());
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.command(|tx| Ok::<_, Outcome>(tx.write_rows(&INSERT_MANY, &[(1, 1), (2, 2)])?)).await })
    };
    waiting.await.unwrap().unwrap();
    store.close();
    let late = store.command(|_| Ok::<_, Outcome>(())).await;
    assert!(matches!(late, Err(Outcome::Store(StoreError::Closed))));
    let again = sqlite(&dir);
    assert_eq!(count(&again).await, (2, 3));
    again.close();
}

/// A database of its own on the test server, or nothing when there is none.
#[expect(clippy::disallowed_methods, reason = "the test script says through the environment where its server is")]
async fn postgres(name: &str, change: impl FnOnce(&str) -> String) -> Option<Store> {
    let Ok(server) = std::env::var("ROBORENT_TEST_POSTGRES_URL") else {
        assert!(std::env::var("ROBORENT_REQUIRE_POSTGRES").is_err(), "ROBORENT_TEST_POSTGRES_URL is not set; run the tests with ./test.sh");
        return None;
    };
    let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let name = format!("store_{name}_{}", std::process::id());
    client.batch_execute(&format!("drop database if exists {name} with (force)")).await.unwrap();
    client.batch_execute(&format!("create database {name}")).await.unwrap();
    client.batch_execute(&change(&name)).await.unwrap();
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    let engine = EngineSettings::Postgres { url, writers: 8, readers: 2 };
    Some(tokio::task::spawn_blocking(move || Store::open(&settings(engine), MIGRATIONS, 0).unwrap()).await.unwrap())
}

async fn drop_database(name: &str) {
    #[expect(clippy::disallowed_methods, reason = "the test script says through the environment where its server is")]
    let server = std::env::var("ROBORENT_TEST_POSTGRES_URL").unwrap();
    let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("drop database store_{name}_{} with (force)", std::process::id())).await.unwrap();
}

async fn many_rows(store: &Store) {
    for rows in [1_i64, 2, 5, 63, 64, 150, 333] {
        let before = count(store).await.0;
        let written = store
            .command(move |tx| {
                let rows: Vec<_> = (before..before + rows).map(|n| (n, 1)).collect();
                Ok::<_, Outcome>(tx.write_rows(&INSERT_MANY, &rows)?)
            })
            .await;
        written.unwrap();
        assert_eq!(count(store).await.0, before + rows);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_are_written_at_once_on_sqlite() {
    let dir = tempfile::TempDir::new().unwrap();
    let store = sqlite(&dir);
    many_rows(&store).await;
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_are_written_at_once_on_postgres() {
    let Some(store) = postgres("rows", |_| String::new()).await else { return };
    many_rows(&store).await;
    store.close();
    drop_database("rows").await;
}

/// Read, think, write: with a lock each of the increments must be there.
async fn increments(store: &Store) {
    store.command(|tx| Ok::<_, Outcome>(tx.write(&INSERT, (1, 0))?)).await.unwrap();
    let commands = (0..200).map(|_| {
        let store = store.clone();
        async move {
            store
                .command(|tx| {
                    let (n,) = tx.one(&READ, (1,))?;
                    tx.write(&ADD, (1, 1))?;
                    Ok::<_, Outcome>(n)
                })
                .await
        }
    });
    let mut seen: Vec<i64> = at_once(commands.collect()).await.into_iter().map(Result::unwrap).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..200).collect::<Vec<_>>(), "each command saw the one before it");
    assert_eq!(count(store).await, (1, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_increment_is_lost_on_sqlite() {
    let dir = tempfile::TempDir::new().unwrap();
    let store = sqlite(&dir);
    increments(&store).await;
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_increment_is_lost_on_postgres() {
    let Some(store) = postgres("increments", |_| String::new()).await else { return };
    increments(&store).await;
    store.close();
    drop_database("increments").await;
}

/// An announced read is the read itself, only earlier; what a write may have changed is asked again.
async fn announced(store: &Store) {
    store.command(|tx| Ok::<_, Outcome>(tx.write(&INSERT, (1, 0))?)).await.unwrap();
    let commands = (0..100).map(|_| {
        let store = store.clone();
        async move {
            store
                .command(|tx| {
                    tx.announce(&READ, (1,));
                    tx.announce(&READ, (2,));
                    tx.announce(&COUNT, ());
                    let twin = tx.maybe(&HAS_TWIN, (-1,))?;
                    let (n,) = tx.one(&READ, (1,))?;
                    let before = tx.one(&COUNT, ())?;
                    tx.announce(&COUNT, ());
                    tx.announce(&READ, (1,));
                    tx.one(&READ, (1,))?;
                    tx.write(&ADD, (1, 1))?;
                    let after = tx.one(&COUNT, ())?;
                    Ok::<_, Outcome>((twin, n, before.1, after.1))
                })
                .await
        }
    });
    let mut seen: Vec<_> = at_once(commands.collect()).await.into_iter().map(Result::unwrap).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..100).map(|n| (None, n, n, n + 1)).collect::<Vec<_>>(), "each command saw the one before it, and itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_read_finds_what_the_read_finds_on_sqlite() {
    let dir = tempfile::TempDir::new().unwrap();
    let store = sqlite(&dir);
    announced(&store).await;
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_read_finds_what_the_read_finds_on_postgres() {
    let Some(store) = postgres("announced", |_| String::new()).await else { return };
    announced(&store).await;
    store.close();
    drop_database("announced").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn serialization_failures_are_run_again() {
    let serializable = |name: &str| format!("alter database {name} set default_transaction_isolation = 'serializable'");
    let Some(store) = postgres("serializable", serializable).await else { return };
    increments(&store).await;
    store.close();
    drop_database("serializable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_race_is_run_again_and_finds_the_winner() {
    let Some(store) = postgres("race", |_| String::new()).await else { return };
    for round in 0..20 {
        let commands = (0..16).map(|n| {
            let store = store.clone();
            async move {
                store
                    .command(move |tx| match tx.maybe(&HAS_TWIN, (round,))? {
                        Some(_) => Err(Outcome::Refused),
                        None => Ok(tx.write(&TWIN, (round * 100 + n, round))?),
                    })
                    .await
            }
        });
        let outcomes = at_once(commands.collect()).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(Outcome::Refused))), "{outcomes:?}");
    }
    store.close();
    drop_database("race").await;
}

/// COMMIT is on its way already when the server finds that a part of the command changed nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_changes_no_row_undoes_its_command_on_postgres() {
    let Some(store) = postgres("guards", |_| String::new()).await else { return };
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let missed = store
        .command(move |tx| {
            counted.fetch_add(1, Ordering::Relaxed);
            tx.write_rows(&INSERT_MANY, &[(1, 1), (2, 2)])?;
            tx.write(&TWIN, (1, 1))?;
            Ok::<_, Outcome>(tx.write(&ADD, (99, 1))?)
        })
        .await;
    assert!(matches!(&missed, Err(Outcome::Store(StoreError::Race(text))) if text.contains("update things set n")), "{missed:?}");
    assert_eq!(runs.load(Ordering::Relaxed), 50, "somebody else may have changed the row: it was looked for again");
    let alone = store.command(|tx| Ok::<_, Outcome>(tx.write(&ADD, (99, 1))?)).await;
    assert!(matches!(&alone, Err(Outcome::Store(StoreError::Race(_)))), "{alone:?}");
    assert_eq!(count(&store).await, (0, 0));
    let twins = store.query(|tx| Ok::<_, Outcome>(tx.maybe(&HAS_TWIN, (1,))?)).await.unwrap();
    assert_eq!(twins, None);
    store.command(|tx| Ok::<_, Outcome>(tx.write_if_there(&ADD, (99, 1))?)).await.expect("none is there, and none has to be");
    store.close();
    drop_database("guards").await;
}

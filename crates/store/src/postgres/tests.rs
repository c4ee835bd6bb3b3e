//! Lines that fall silent.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;

crate::statements! {
    ONE: () => (i64,) = "select cast(1 as bigint)";
    SLEEP: () => (i64,) = "select cast(1 as bigint) from pg_sleep(0.1)";
}

const SHORT: Duration = Duration::from_millis(400);
const PATIENCE: Patience = Patience { statements: SHORT, commit: SHORT, rollback: SHORT };

/// A line to the test server that can be told to swallow everything, without breaking.
struct Line {
    url: String,
    silent: Arc<AtomicBool>,
}

impl Line {
    /// Nothing when there is no test server.
    #[expect(clippy::disallowed_methods, reason = "the test script says through the environment where its server is")]
    fn new() -> Option<Self> {
        let Ok(server) = std::env::var("ROBORENT_TEST_POSTGRES_URL") else {
            assert!(std::env::var("ROBORENT_REQUIRE_POSTGRES").is_err(), "ROBORENT_TEST_POSTGRES_URL is not set");
            return None;
        };
        let config: tokio_postgres::Config = server.parse().expect("a URL");
        let address = format!("127.0.0.1:{}", config.get_ports()[0]);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = server.replace(&address, &listener.local_addr().expect("an address").to_string());
        assert_ne!(url, server, "the test server listens on 127.0.0.1");
        let silent = Arc::new(AtomicBool::new(false));
        let state = Arc::clone(&silent);
        std::thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let server = TcpStream::connect(&address).expect("the server");
                let (answers, answered) = (server.try_clone().expect("a socket"), caller.try_clone().expect("a socket"));
                for (from, to) in [(caller, server), (answers, answered)] {
                    let silent = Arc::clone(&state);
                    std::thread::spawn(move || carry(from, to, &silent));
                }
            }
        });
        Some(Self { url, silent })
    }

    fn falls_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }

    fn open(&self) -> Postgres {
        Postgres::connect_with(&self.url, PATIENCE).expect("connects")
    }
}

/// Whoever has swallowed something says nothing any more.
fn carry(mut from: TcpStream, mut to: TcpStream, silent: &AtomicBool) {
    let (mut buffer, mut swallowed) = ([0; 4096], false);
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        swallowed |= silent.load(Ordering::SeqCst);
        if !swallowed && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
}

fn ask(postgres: &mut Postgres, statement: &crate::Stmt<(), (i64,)>) -> Result<(), StoreError> {
    postgres.query(statement.raw(), &[], 1, &mut |_| Ok(()))
}

#[test]
fn a_silent_line_is_lost_and_the_next_transaction_gets_another_one() {
    let Some(line) = Line::new() else { return };
    let mut postgres = line.open();
    for statements_before in 0..2 {
        postgres.start("begin").expect("a line");
        (0..statements_before).for_each(|_| ask(&mut postgres, &ONE).expect("answers"));
        line.falls_silent(true);
        let lost = ask(&mut postgres, &ONE).expect_err("no answer");
        assert!(matches!(&lost, StoreError::Lost(text) if text.contains("no answer within 400ms")), "{lost:?}");
        postgres.rollback();
        assert!(postgres.wire.is_lost(), "the server is told by hanging up");
        postgres.give_up();
        line.falls_silent(false);
        postgres.start("begin").expect("another line");
        ask(&mut postgres, &ONE).expect("answers");
        postgres.commit().expect("commits");
    }
    assert_eq!(STATEMENTS.len(), 2);
}

#[test]
fn silence_after_commit_is_ambiguous() {
    let Some(line) = Line::new() else { return };
    let mut postgres = line.open();
    postgres.start("begin").expect("a line");
    ask(&mut postgres, &ONE).expect("answers");
    line.falls_silent(true);
    let unknown = postgres.commit().expect_err("no answer");
    assert!(matches!(unknown, StoreError::Ambiguous(_)), "{unknown:?}");
    line.falls_silent(false);
    postgres.rollback();
    postgres.start("begin").expect("another line");
    ask(&mut postgres, &SLEEP).expect("slow is not silent");
}

#[test]
fn silence_after_rollback_costs_the_line_and_nothing_else() {
    let Some(line) = Line::new() else { return };
    let mut postgres = line.open();
    postgres.start("begin").expect("a line");
    ask(&mut postgres, &ONE).expect("answers");
    line.falls_silent(true);
    postgres.rollback();
    assert!(postgres.wire.is_lost());
    line.falls_silent(false);
    postgres.start("begin").expect("another line");
    ask(&mut postgres, &ONE).expect("answers");
}

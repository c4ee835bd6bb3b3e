//! SIGKILL leaves the page cache alone, so it cannot show a missing sync. The system calls can: on SQLite each answer
//! goes out after the sync that covers its commit.

use std::process::Command;

use roborent::testing::Engine;

use crate::client::{Connection, Request};
use crate::journal::Account;
use crate::place::Place;
use crate::server::Start;

const CALLS: usize = 50;

#[test]
fn sqlite_answers_after_the_sync() {
    if !Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success()) {
        println!("SKIPPED strace: it is not installed, or may not trace here");
        return;
    }
    let place = Place::new(Engine::Sqlite).unwrap();
    let trace = place.dir.path().join("trace");
    let calls = "trace=pwrite64,fsync,fdatasync,sendto,write,writev,sendmsg";
    // With -D the server is our child, not strace: it ends with the test, and strace with it.
    let under = ["strace", "-D", "-f", "-y", "-s", "4096", "-e", calls, "-o", trace.to_str().unwrap()].map(str::to_owned).to_vec();
    // The role web has no background jobs, so every sync is one of the calls.
    let mut server = Start { role: "web", under, ..Start::all(&place) }.run();
    let mut connection = Connection::open(server.address).unwrap();
    let user = Account::register(&mut connection);
    for n in 0..CALLS {
        let change = Request::patch("/api/v1/agent/profile", &format!("{{\"bio\":\"call {n}\"}}")).by(&user.key);
        drop(connection.send(&change).unwrap().expect(200));
    }
    // strace writes down a call before it lets the process go on, so what we were answered is in the file.
    server.kill();
    let answers = check(&std::fs::read_to_string(trace).unwrap());
    assert_eq!(answers, CALLS);
}

/// Reads the system calls in their order; answers how many calls were answered.
fn check(trace: &str) -> usize {
    let (mut unsynced, mut writes, mut syncs, mut answers) = (false, 0, 0, 0);
    let mut syncing = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.trim_start().split_once(' ').unwrap();
        let call = call.trim_start();
        let is_sync = call.starts_with("fsync(") || call.starts_with("fdatasync(");
        let is_log = call.contains(".sqlite-wal>");
        if (call.starts_with("pwrite64(") || call.starts_with("write(")) && is_log {
            unsynced = true;
            writes += 1;
        } else if is_sync && is_log && call.contains("unfinished") {
            syncing.push(thread);
        } else if (is_sync && is_log || call.contains("sync resumed>") && syncing.contains(&thread)) && call.ends_with("= 0") {
            syncing.retain(|other| *other != thread);
            unsynced = false;
            syncs += 1;
        } else if call.contains("HTTP/1.1 200") && call.contains("max_hourly_spend_usd") && !call.contains("resumed>") {
            assert!(!unsynced && writes > 0 && syncs > 0, "answer {answers} went out before the sync: {line}");
            (writes, syncs) = (0, 0);
            answers += 1;
        }
    }
    answers
}

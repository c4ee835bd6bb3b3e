//! PostgreSQL ends our connections again and again: clear answers, and each call has one effect.

use std::time::Duration;

use roborent::base::random::Entropy;
use roborent::testing::Engine;

use crate::chance::seed;
use crate::client::Connection;
use crate::journal::{Account, Entry, Repeated};
use crate::load::{Mix, under_load};
use crate::lossy_line::{Fault, LossyLine};
use crate::machine_time::{Stopwatch, pause};
use crate::place::Place;
use crate::server::{Server, Start};
use crate::verdict;

const ROUNDS_MAX: u64 = 6;
const CUT_FOR: Duration = Duration::from_secs(2);
const CUT_ALL: &str =
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
/// Leaves most of them alone, so that many calls get as far as their commit.
const CUT_SOME: &str = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and random() < 0.1";

#[test]
fn cut_connections_cost_no_call_its_effect_and_give_none_two() {
    let Some(place) = Place::new(Engine::Postgres) else { return };
    let entropy = Entropy::from_number(seed("cut connections"));
    let server = Server::start(&place);
    let mut connection = Connection::open(server.address).unwrap();
    let users: Vec<_> = (0..4).map(|_| Account::register(&mut connection)).collect();
    let mut entries = Vec::new();
    for (cut, every) in [(CUT_ALL, Duration::from_millis(20)), (CUT_SOME, Duration::from_millis(5))] {
        let mut cuts = 0;
        let mut told = under_load(server.address, &users, Mix::OnlyMoney, &entropy, |_| {
            let started = Stopwatch::start();
            place.run_sql(cut, || {
                pause(every);
                cuts += 1;
                started.read() < CUT_FOR
            });
        });
        let mut repeated = Repeated::default();
        repeated.all(server.address, &mut told);
        println!("{cuts} cuts, {} calls, {repeated:?}", told.len());
        entries.append(&mut told);
    }
    verdict::check(&place, server.address, &users, &entries);
}

#[test]
fn a_lost_commit_is_found_out_by_its_key() {
    commits_go_wrong(Fault::Break, seed("lost commits"));
}

/// Takes as long as the server waits for an answer to a COMMIT: 25 seconds.
#[test]
fn a_commit_that_is_never_answered_is_found_out_by_its_key() {
    commits_go_wrong(Fault::Silence, seed("silent commits"));
}

fn commits_go_wrong(fault: Fault, seed: u64) {
    let Some(place) = Place::new(Engine::Postgres) else { return };
    let direct = url::Url::parse(place.url().unwrap()).unwrap();
    let line = LossyLine::to(format!("{}:{}", direct.host_str().unwrap(), direct.port().unwrap_or(5432)), seed);
    let mut through = direct.clone();
    through.set_ip_host(line.address.ip()).unwrap();
    through.set_port(Some(line.address.port())).unwrap();
    let server = Start { database_url: Some(through.into()), ..Start::all(&place) }.run();
    let mut connection = Connection::open(server.address).unwrap();
    let users: Vec<_> = (0..4).map(|_| Account::register(&mut connection)).collect();
    let (mut entries, mut repeated, mut found_out) = (Vec::new(), Repeated::default(), 0);
    // Commits of the gateway and of jobs break, too: again until one of the calls was hit.
    for round in 0..ROUNDS_MAX {
        let mut told = under_load(server.address, &users, Mix::OnlyMoney, &Entropy::from_number(seed.wrapping_add(round)), |_| {
            line.at_commits(fault);
            pause(CUT_FOR);
            line.at_commits(Fault::None);
        });
        found_out += told.iter().filter_map(|entry: &Entry| entry.ack.as_ref()).filter(|ack| ack.is_replay()).count();
        repeated.all(server.address, &mut told);
        entries.append(&mut told);
        if found_out + repeated.were_done > 0 {
            break;
        }
    }
    let ((before, after), told) = (line.broken(), entries.iter().filter(|entry: &&Entry| !entry.unsure).count());
    println!(
        "{before} lost commits, {after} lost answers to commits, {} calls, {told} answered, {found_out} found out at once, {repeated:?}",
        entries.len()
    );
    assert!(before > 0 && after > 0 && found_out + repeated.were_done > 0, "the line never broke at the right moment");
    verdict::check(&place, server.address, &users, &entries);
}

//! SIGTERM and SIGINT under load: a quick, clean end that loses nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use roborent::base::random::Entropy;
use roborent::testing::Engine;

use crate::chance::seed;
use crate::client::{Connection, Request};
use crate::journal::{Account, Repeated};
use crate::load::{Mix, under_load};
use crate::machine_time::{Stopwatch, pause};
use crate::place::Place;
use crate::server::{Server, Start};
use crate::verdict;

const LOAD: Duration = Duration::from_millis(300);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// The aim is two seconds; a machine busy with other tests gets as much again.
const STOPPED_WITHIN: Duration = Duration::from_secs(4);

#[test]
fn a_stop_on_sqlite_is_quick_and_loses_nothing() {
    stop_and_restart(Engine::Sqlite);
}

#[test]
fn a_stop_on_postgres_is_quick_and_loses_nothing() {
    stop_and_restart(Engine::Postgres);
}

#[test]
fn every_role_answers_inside_and_stops_quickly() {
    let place = Place::new(Engine::Sqlite).unwrap();
    // On a fresh folder, where a role without doors must not make the admin whose password it cannot show.
    for role in ["gateway", "jobs", "web", "all"] {
        let mut server = Start { role, settings: vec![("ROBORENT__LOG__LEVEL", "info")], ..Start::all(&place) }.run();
        let mut inside = Connection::open(server.internal).unwrap();
        for path in ["/healthz", "/readyz", "/metrics"] {
            drop(inside.send(&Request::get(path, "")).unwrap().expect(200));
        }
        let has_doors = matches!(role, "web" | "all");
        assert_eq!(Connection::open(server.address).is_ok(), has_doors, "{role}");
        assert_eq!(place.count("users where is_admin"), i64::from(has_doors), "{role}");
        let stopping = Stopwatch::start();
        server.signal("TERM");
        let ended = server.wait(WAIT_MAX);
        let took = stopping.read();
        println!("{role}: SIGTERM took {took:.0?}");
        assert_eq!(ended.code(), Some(0), "{role}: {ended}");
        assert!(took < STOPPED_WITHIN, "{role}: SIGTERM took {took:?}");
    }
    place.log_is_clean();
    place.audit("as the last role left it");
}

fn stop_and_restart(engine: Engine) {
    let Some(place) = Place::new(engine) else { return };
    let entropy = Entropy::from_number(seed(&format!("stop on {engine:?}")));
    let mut server = Server::start(&place);
    let mut connection = Connection::open(server.address).unwrap();
    let users: Vec<_> = (0..2).map(|_| Account::register(&mut connection)).collect();
    let mut entries = Vec::new();
    for signal in ["TERM", "INT"] {
        let mut told = under_load(server.address, &users, Mix::Everything, &entropy, |fate| {
            pause(LOAD);
            fate.ending.store(true, Ordering::SeqCst);
            let stopping = Stopwatch::start();
            server.signal(signal);
            let ended = server.wait(WAIT_MAX);
            let took = stopping.read();
            println!("{engine:?}: SIG{signal} took {took:.0?}");
            assert_eq!(ended.code(), Some(0), "SIG{signal}: {ended}");
            assert!(took < STOPPED_WITHIN, "SIG{signal} took {took:?}");
        });
        place.audit(&format!("as SIG{signal} left it"));
        server = Server::start(&place);
        let mut repeated = Repeated::default();
        repeated.all(server.address, &mut told);
        println!("{engine:?}: {} calls, {repeated:?}", told.len());
        assert_eq!(repeated.were_done, 0, "a call was done and not answered, though there was time");
        entries.append(&mut told);
    }
    verdict::check(&place, server.address, &users, &entries);
}

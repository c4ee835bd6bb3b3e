//! SIGKILL under load, restart on the same data, again and again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use roborent::base::random::Entropy;
use roborent::testing::Engine;

use crate::chance::{below, seed};
use crate::client::Connection;
use crate::journal::{Account, Repeated};
use crate::load::{Mix, under_load};
use crate::machine_time::pause;
use crate::place::Place;
use crate::server::Server;
use crate::verdict;

const CYCLES: usize = 20;
const USERS: usize = 4;

#[test]
fn sqlite_loses_nothing_that_it_acknowledged() {
    kill_and_restart(Engine::Sqlite);
}

#[test]
fn postgres_loses_nothing_that_was_acknowledged() {
    kill_and_restart(Engine::Postgres);
}

fn kill_and_restart(engine: Engine) {
    let Some(place) = Place::new(engine) else { return };
    let entropy = Entropy::from_number(seed(&format!("kill on {engine:?}")));
    let mut rng = entropy.fork();
    let mut server = Server::start(&place);
    let mut connection = Connection::open(server.address).unwrap();
    let users: Vec<_> = (0..USERS).map(|_| Account::register(&mut connection)).collect();
    let (mut entries, mut restarts, mut repeated) = (Vec::new(), Vec::new(), Repeated::default());
    for cycle in 0..CYCLES {
        let life = Duration::from_millis(u64::from(30 + below(&mut rng, 270)));
        let mut told = under_load(server.address, &users, Mix::Everything, &entropy, |fate| {
            pause(life);
            fate.ending.store(true, Ordering::SeqCst);
            server.kill();
        });
        place.audit(&format!("as kill {cycle} left it"));
        server = Server::start(&place);
        restarts.push(server.ready_after);
        repeated.all(server.address, &mut told);
        place.audit(&format!("after restart {cycle}"));
        entries.append(&mut told);
    }
    verdict::check(&place, server.address, &users, &entries);
    restarts.sort();
    let [least, middle, most] = [restarts[0], restarts[CYCLES / 2], restarts[CYCLES - 1]];
    println!(
        "{engine:?}: {CYCLES} kills, {} calls, {repeated:?}, ready again after {least:.0?} / {middle:.0?} / {most:.0?}",
        entries.len()
    );
    assert!(repeated.calls >= CYCLES, "the kills hit nothing: {repeated:?}");
}

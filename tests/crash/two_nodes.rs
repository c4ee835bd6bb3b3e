//! Two processes over one PostgreSQL database behave as one.

use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;

use roborent::base::Usdt;
use roborent::testing::Engine;

use crate::client::{Connection, Reply, Request};
use crate::journal::Account;
use crate::load::pour;
use crate::place::Place;
use crate::server::Start;
use crate::verdict;

const CALLS: usize = 64;
const REGISTRATIONS: usize = 5;

#[test]
fn two_nodes_keep_one_limit_and_do_a_repeated_call_once() {
    let Some(place) = Place::new(Engine::Postgres) else { return };
    let node = |role| Start { role, settings: vec![("ROBORENT__LIMITS__REGISTER", "5/h")], ..Start::all(&place) }.run();
    let nodes = [node("all"), node("web")];
    let addresses = [nodes[0].address, nodes[1].address];

    let registered = at_once(addresses, &Request::post("/api/v1/agent/register", "{}"));
    let (done, refused): (Vec<_>, Vec<_>) = registered.into_iter().partition(Reply::is_success);
    assert!(
        refused.iter().all(|reply| reply.status == 429 && reply.json()["code"] == "rate_limited" && reply.header("retry-after").is_some())
    );
    assert_eq!(done.len(), REGISTRATIONS);

    let users: Vec<_> = done.iter().map(Account::of).collect();
    let mut entry = pour(&users[0], Usdt::from_micro(1_234_567), "one key on two nodes".to_owned());
    let answers = at_once(addresses, &entry.request);
    let first = answers[0].clone().expect(200);
    assert!(answers.iter().all(|answer| (answer.status, &answer.body) == (first.status, &first.body)));
    assert_eq!(answers.iter().filter(|answer| !answer.is_replay()).count(), 1);
    entry.acknowledge(first);
    verdict::check(&place, addresses[0], &users, &[entry]);
}

/// The same request from many connections at once, half of them to each node.
fn at_once(addresses: [SocketAddr; 2], request: &Request) -> Vec<Reply> {
    let together = &Barrier::new(CALLS);
    thread::scope(|scope| {
        let call = |n: usize| {
            let mut connection = Connection::open(addresses[n % 2]).unwrap();
            scope.spawn(move || {
                together.wait();
                connection.send(request).unwrap()
            })
        };
        let calls: Vec<_> = (0..CALLS).map(call).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

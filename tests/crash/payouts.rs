//! SIGKILL in each step of a payout. The chain is held at the step's side: a node that does not answer, or a database that
//! takes no writes. Afterwards the payment is on the chain once, and the books say the same.

use std::net::SocketAddr;
use std::time::Duration;

use roborent::testing::Engine;
use serde_json::{Value, json};

use crate::client::{Connection, Request};
use crate::journal::Account;
use crate::machine_time::{pause, within};
use crate::place::Place;
use crate::server::{Server, Start, make_admin};

const OUTSIDE: &str = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH";
const ADMIN: (&str, &str) = ("root@example.com", "correct horse battery");
/// A slow answer comes after this, and what follows it is done after this once more.
const SLOW: Duration = Duration::from_millis(700);
const PATIENCE: Duration = Duration::from_secs(30);
/// Blocks come when they are asked for.
const SETTINGS: [(&str, &str); 3] =
    [("ROBORENT__DEVNET__BLOCK_MS", "86400000"), ("ROBORENT__DEVNET__SOLID_LAG", "2"), ("ROBORENT__CHAIN__POLL_MS", "20")];
const ATTEMPTS: &str = "select count(*) from attempts a join orders o on o.id = a.order_id where o.kind = 'payout'";
const SENDS: &str =
    "select cast(coalesce(sum(a.sends), 0) as bigint) from attempts a join orders o on o.id = a.order_id where o.kind = 'payout'";
const COMPLETED: &str = "select count(*) from withdrawals where status = 'completed'";

/// What the kill leaves of the payment: attempts stored, sends written down.
type Left = (i64, i64);

/// How the process is held in a step.
#[derive(Clone, Copy)]
enum Hold {
    /// The node never answers there.
    Deaf(&'static str),
    /// The node takes the transaction and never answers; then it makes so many blocks.
    Mute(u64),
    /// The node answers there, and what follows cannot be written down.
    Unwritten(&'static str),
}

/// A step: its name, whether it comes before the signature or after the transaction was sent, how it is held.
const STEPS: [(&str, bool, Hold, Left); 8] = [
    ("asking what it costs", false, Hold::Deaf("triggerconstantcontract"), (0, 0)),
    ("signed, not stored", false, Hold::Unwritten("triggerconstantcontract"), (0, 0)),
    ("stored, not sent", false, Hold::Deaf("broadcasthex"), (1, 0)),
    ("sent, not answered", false, Hold::Mute(0), (1, 0)),
    ("sent, not answered, and in a block", false, Hold::Mute(1), (1, 0)),
    ("answered, not written down", false, Hold::Unwritten("broadcasthex"), (1, 0)),
    ("solid, not read", true, Hold::Deaf("gettransactioninfobyblocknum"), (1, 1)),
    ("read, not stored", true, Hold::Unwritten("gettransactioninfobyblocknum"), (1, 1)),
];

#[test]
fn sqlite_pays_once_in_whichever_step_it_is_killed() {
    kill_in_every_step(Engine::Sqlite);
}

#[test]
fn postgres_pays_once_in_whichever_step_it_is_killed() {
    kill_in_every_step(Engine::Postgres);
}

fn kill_in_every_step(engine: Engine) {
    for (name, is_sent, hold, left) in STEPS {
        let Some(place) = Place::new(engine) else { return };
        let mut scene = Scene::open(&place);
        if is_sent {
            scene.withdraw();
            within(PATIENCE, "it is sent", || (place.number(SENDS) > 0).then_some(()));
        }
        let held = scene.hold(hold, is_sent);
        scene.server.kill();
        drop(held);
        place.audit(name);
        assert_eq!((place.number(ATTEMPTS), place.number(SENDS), place.number(COMPLETED)), (left.0, left.1, 0), "{name}");
        scene.end(name);
    }
    for (name, blocks) in [("in a block that is not solid", 1), ("confirmed", 3)] {
        let Some(place) = Place::new(engine) else { return };
        let mut scene = Scene::open(&place);
        scene.withdraw();
        within(PATIENCE, "it is sent", || (place.number(SENDS) > 0).then_some(()));
        scene.order("mine", &json!({ "blocks": blocks }));
        if blocks > 2 {
            within(PATIENCE, "it is completed", || (place.number(COMPLETED) > 0).then_some(()));
        }
        scene.server.kill();
        place.audit(name);
        scene.end(name);
    }
}

/// A sandbox with a user who has money, and an admin.
struct Scene<'p> {
    place: &'p Place,
    server: Server,
    user: Account,
    admin: String,
}

impl<'p> Scene<'p> {
    fn open(place: &'p Place) -> Self {
        make_admin(place, ADMIN.0, ADMIN.1);
        let server = start(place);
        let mut connection = Connection::open(server.address).unwrap();
        let user = Account::register(&mut connection);
        let pour = json!({ "user_id": user.user_id, "usdt": 100 });
        drop(connection.send(&Request::post("/sandbox/faucet", &pour.to_string())).unwrap().expect(200));
        let signing_in = json!({ "email": ADMIN.0, "password": ADMIN.1 }).to_string();
        let signed_in = connection.send(&Request::post("/auth/v1/token?grant_type=password", &signing_in)).unwrap().expect(200);
        let token = signed_in.json()["access_token"].as_str().unwrap().to_owned();
        Self { place, server, user, admin: token }
    }

    fn connection(&self) -> Connection {
        Connection::open(self.server.address).unwrap()
    }

    /// An order to the devnet, or a question.
    fn order(&self, order: &str, body: &Value) -> Value {
        let info = self.connection().send(&Request::get("/sandbox", "")).unwrap().expect(200).json();
        let devnet: SocketAddr = info["devnet_url"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
        let request = Request::post(&format!("/devnet/{order}"), &body.to_string());
        Connection::open(devnet).unwrap().send(&request).unwrap().expect(200).json()
    }

    /// Takes money out, and lets it go.
    fn withdraw(&self) {
        let body = json!({ "amount": 25, "address": OUTSIDE }).to_string();
        let request = Request::post("/api/v1/finance/withdraw", &body).by(&self.user.key).keyed("one".to_owned());
        let mut connection = self.connection();
        let id = connection.send(&request).unwrap().expect(201).json()["withdrawal_id"].as_str().unwrap().to_owned();
        let approve = Request::post(&format!("/api/v1/admin/withdrawals/{id}/approve"), r#"{"reason":"known"}"#).signed_in(&self.admin);
        within(PATIENCE, "an admin may look at it", || (connection.send(&approve).unwrap().status == 200).then_some(()));
    }

    /// Brings the process into a step and keeps it there.
    fn hold(&self, hold: Hold, is_sent: bool) -> Option<crate::place::Held> {
        let rule = match hold {
            Hold::Deaf(endpoint) => json!({ "kind": "deaf", "endpoint": endpoint, "times": 1 }),
            Hold::Mute(_) => json!({ "kind": "accept_then_timeout", "times": 1 }),
            Hold::Unwritten(endpoint) => {
                json!({ "kind": "slow", "ms": u64::try_from(SLOW.as_millis()).unwrap(), "endpoint": endpoint, "times": 1 })
            }
        };
        drop(self.order("faults", &json!({ "rules": [rule] })));
        if is_sent {
            drop(self.order("mine", &json!({ "blocks": 3 })));
        } else {
            self.withdraw();
        }
        within(PATIENCE, "the step is reached", || (self.order("faults", &json!({}))["rules"] == json!([])).then_some(()));
        match hold {
            Hold::Deaf(_) => None,
            Hold::Mute(blocks) => {
                drop(self.order("mine", &json!({ "blocks": blocks })));
                None
            }
            Hold::Unwritten(_) => {
                let lock = self.place.hold_writes();
                pause(SLOW + SLOW);
                Some(lock)
            }
        }
    }

    /// After a start everything ends well.
    fn end(&mut self, name: &str) {
        self.server = start(self.place);
        let mut connection = self.connection();
        let list = Request::get("/api/v1/finance/withdrawals", &self.user.key);
        let done = within(PATIENCE, name, || {
            drop(self.order("mine", &json!({ "blocks": 3 })));
            let done = connection.send(&list).unwrap().expect(200).json()["items"][0].clone();
            (done["status"] == "completed").then_some(done)
        });
        // What it would do twice it does in the next rounds.
        for _ in 0..3 {
            drop(connection.send(&Request::post("/sandbox/clock", r#"{"advance_seconds":20}"#)).unwrap().expect(200));
        }
        let (info, truth) = (connection.send(&Request::get("/sandbox", "")).unwrap().json(), self.order("truth", &json!({})));
        let debits: Vec<_> = truth["transfers"].as_array().unwrap().iter().filter(|moved| moved["from"] == info["hot_address"]).collect();
        assert_eq!(debits.len(), 1, "{name}: {debits:?}");
        assert_eq!(
            (&debits[0]["txid"], &debits[0]["to"], &debits[0]["units"]),
            (&done["txid"], &json!(OUTSIDE), &json!("23500000")),
            "{name}"
        );
        assert_eq!(self.place.number(ATTEMPTS), 1, "{name}: nothing was signed twice");
        let open = connection.send(&Request::get("/api/v1/transparency", "")).unwrap().expect(200).json();
        assert_eq!(open["difference"], json!(0.0), "{name}");
        self.place.audit(name);
        self.place.log_is_clean();
    }
}

fn start(place: &Place) -> Server {
    Start { settings: SETTINGS.to_vec(), ..Start::all(place) }.run()
}

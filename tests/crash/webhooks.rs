//! SIGKILL in the middle of deliveries: whatever happened arrives, and nothing else does.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use roborent::base::random::Entropy;
use roborent::testing::Engine;
use serde_json::json;

use crate::chance::{below, seed};
use crate::client::{Connection, Request};
use crate::machine_time::{pause, within};
use crate::place::Place;
use crate::server::{Server, Start};

const KILLS: usize = 20;
const USERS: usize = 3;

#[test]
fn sqlite_delivers_whatever_happened() {
    kill_while_delivering(Engine::Sqlite);
}

#[test]
fn postgres_delivers_whatever_happened() {
    kill_while_delivering(Engine::Postgres);
}

/// Keeps the id of each message, and answers some of them with 500 first.
struct Receiver {
    address: SocketAddr,
    ids: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, ids) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&ids);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || drop(receive(socket, &kept)));
            }
        });
        Self { address, ids }
    }
}

fn receive(socket: TcpStream, ids: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    let mut writer = socket;
    loop {
        let (mut id, mut length, mut line) = (String::new(), 0, String::new());
        while reader.read_line(&mut line)? > 2 {
            if let Some(value) = line.strip_prefix("webhook-id: ") {
                value.trim().clone_into(&mut id);
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        if id.is_empty() {
            return Ok(());
        }
        reader.read_exact(&mut vec![0; length])?;
        let count = {
            let mut ids = ids.lock().unwrap();
            ids.push(id);
            ids.len()
        };
        let status = if count % 7 == 0 { "500 Not Yet" } else { "200 OK" };
        write!(writer, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")?;
    }
}

fn start(place: &Place) -> Server {
    let settings = vec![("ROBORENT__WEBHOOKS__RETRIES", "1,1,1,1,1,1,1,1"), ("ROBORENT__WEBHOOKS__TIMEOUT_MS", "500")];
    Start { settings, ..Start::all(place) }.run()
}

fn kill_while_delivering(engine: Engine) {
    let Some(place) = Place::new(engine) else { return };
    let mut rng = Entropy::from_number(seed(&format!("kill while delivering on {engine:?}"))).fork();
    let receiver = Receiver::start();
    let mut server = start(&place);
    let mut connection = Connection::open(server.address).unwrap();
    let mut keys = Vec::new();
    for _ in 0..USERS {
        let registered = connection.send(&Request::post("/api/v1/agent/register", "{}")).unwrap().expect(201).json();
        let key = registered["api_key"].as_str().unwrap().to_owned();
        let hook = json!({ "webhook_url": format!("http://{}/", receiver.address) });
        let patch = Request { method: "PATCH", ..Request::post("/api/v1/agent/profile", &hook.to_string()).by(&key) };
        drop(connection.send(&patch).unwrap().expect(200));
        keys.push(key);
    }
    for _ in 0..KILLS {
        let ending = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for key in &keys {
                let (address, ending) = (server.address, &ending);
                scope.spawn(move || {
                    let mut connection = Connection::open(address).unwrap();
                    while !ending.load(Ordering::SeqCst) {
                        if connection.send(&Request::post("/api/v1/agent/webhook/test", "{}").by(key)).is_err() {
                            return;
                        }
                    }
                });
            }
            pause(Duration::from_millis(u64::from(150 + below(&mut rng, 600))));
            ending.store(true, Ordering::SeqCst);
            server.kill();
        });
        place.audit("as a kill left it");
        server = start(&place);
    }
    let mut connection = Connection::open(server.address).unwrap();
    let mut happened = BTreeSet::new();
    for key in &keys {
        within(Duration::from_mins(2), "an empty queue", || {
            let state = connection.send(&Request::get("/api/v1/agent/webhook", key)).unwrap().expect(200).json();
            assert_eq!(state["status"], "on");
            state["next_attempt_at"].is_null().then_some(())
        });
        for after in (0..).step_by(200) {
            let page =
                connection.send(&Request::get(&format!("/api/v1/agent/events?limit=200&after={after}"), key)).unwrap().expect(200).json();
            let items = page["items"].as_array().unwrap();
            happened.extend(items.iter().map(|event| event["event_id"].as_str().unwrap().to_owned()));
            if items.is_empty() {
                break;
            }
        }
    }
    let arrived = receiver.ids.lock().unwrap().clone();
    let once: BTreeSet<String> = arrived.iter().cloned().collect();
    println!("{engine:?}: {KILLS} kills, {} events, {} messages", happened.len(), arrived.len());
    assert_eq!(once, happened, "each event, and nothing else");
    assert!(happened.len() > 100 && arrived.len() > happened.len());
    place.audit("at the end");
    place.log_is_clean();
}

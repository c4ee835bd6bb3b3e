//! The program as its users run it: a process with ports of its own, which never outlives the test.

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use roborent::base::random::Entropy;

use crate::chance::below;
use crate::client::{Connection, Request};
use crate::machine_time::{Stopwatch, within};
use crate::place::Place;

const READY_WITHIN: Duration = Duration::from_secs(30);
const PORT_ATTEMPTS: usize = 5;

/// Limits that no load here reaches, and the same secret on every node.
const SETTINGS: [(&str, &str); 6] = [
    ("ROBORENT__LIMITS__REGISTER", "100000/h"),
    ("ROBORENT__LIMITS__READ", "1000000/min"),
    ("ROBORENT__LOG__LEVEL", "warn"),
    // Each pour is credited by itself.
    ("ROBORENT__CHAIN__DEPOSIT_MIN", "0.000001"),
    ("ROBORENT__CHAIN__LEASE_SECONDS", "2"),
    ("ROBORENT__AUTH__SECRET", "the same words on every node of the test"),
];

/// A running server.
pub struct Server {
    /// Where its public door is.
    pub address: SocketAddr,
    /// Where its health and metrics are.
    pub internal: SocketAddr,
    /// How long it took from the start to the first `ready`.
    pub ready_after: Duration,
    child: Child,
}

/// How to start a server.
pub struct Start<'p> {
    pub place: &'p Place,
    pub role: &'static str,
    pub settings: Vec<(&'static str, &'static str)>,
    /// Instead of the URL of the place.
    pub database_url: Option<String>,
    /// A program that runs the server, with its arguments.
    pub under: Vec<String>,
}

impl Server {
    /// Starts the whole program on `place` and waits until it is ready.
    pub fn start(place: &Place) -> Self {
        Start::all(place).run()
    }

    /// SIGKILL: no chance to finish anything.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        // The shell has `kill` built in; the standard library can only send SIGKILL.
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "kill: {sent}");
    }

    /// Waits for the end of the process.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        within(limit, "the end of the server", || self.child.try_wait().unwrap())
    }
}

/// Makes an admin, before or while a server runs.
pub fn make_admin(place: &Place, email: &str, password: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roborent"));
    command.args(["admin", "create", "--email", email, "--password", password, "--data-dir"]).arg(place.dir.path());
    if let Some(url) = place.url() {
        command.args(["--database-url", url]);
    }
    let made = command.env_clear().envs(SETTINGS).stdout(Stdio::null()).status().unwrap();
    assert!(made.success(), "{made}");
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl<'p> Start<'p> {
    /// The whole program.
    pub fn all(place: &'p Place) -> Self {
        Self { place, role: "all", settings: Vec::new(), database_url: None, under: Vec::new() }
    }

    /// Starts it on free ports and waits until it is ready.
    pub fn run(self) -> Server {
        (0..PORT_ATTEMPTS).find_map(|_| self.attempt()).expect("free ports")
    }

    /// Nothing when somebody else took a port in between.
    fn attempt(&self) -> Option<Server> {
        let (address, internal) = (free_address(), free_address());
        let started = Stopwatch::start();
        let mut server = Server { address, internal, ready_after: Duration::ZERO, child: self.command(address, internal).spawn().unwrap() };
        let door = if matches!(self.role, "all" | "web") { address } else { internal };
        let ready = within(READY_WITHIN, "ready", || match server.child.try_wait().unwrap() {
            Some(ended) => Some(Err(ended)),
            None => is_ready(door).then_some(Ok(())),
        });
        server.ready_after = started.read();
        match ready {
            Ok(()) => Some(server),
            Err(ended) => {
                let log = std::fs::read_to_string(self.place.log_file()).unwrap();
                assert!(log.lines().next_back().is_some_and(|line| line.contains("in use")), "the server ended with {ended}:\n{log}");
                None
            }
        }
    }

    fn command(&self, address: SocketAddr, internal: SocketAddr) -> Command {
        let program = env!("CARGO_BIN_EXE_roborent").to_owned();
        let mut words = self.under.iter().chain([&program]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg("serve").arg("--data-dir").arg(self.place.dir.path()).args(["--role", self.role]);
        command.args(["--listen", &address.to_string(), "--internal-listen", &internal.to_string(), "--devnet-listen", "127.0.0.1:0"]);
        if let Some(url) = self.database_url.as_deref().or(self.place.url()) {
            command.args(["--database-url", url]);
        }
        let log = OpenOptions::new().create(true).append(true).open(self.place.log_file()).unwrap();
        command.env_clear().envs(SETTINGS).envs(self.settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }
}

fn is_ready(address: SocketAddr) -> bool {
    let asked = Connection::open(address).and_then(|mut connection| connection.send(&Request::get("/readyz", "")));
    asked.is_ok_and(|reply| reply.status == 200)
}

/// Below the range from which outgoing connections take their ports: a client that knocks while nobody listens there
/// cannot connect to itself.
fn free_address() -> SocketAddr {
    let mut rng = Entropy::from_system().unwrap().fork();
    let port = || u16::try_from(15_000 + below(&mut rng, 15_000)).unwrap();
    let mut addresses = std::iter::repeat_with(port).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    addresses.find(|address| TcpListener::bind(address).is_ok()).unwrap()
}

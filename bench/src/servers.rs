//! Servers as processes of their own: the release binary of roborent, and the bare one.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::time::{now, pause};
use crate::{Fallible, requests};

/// What a benchmark does is far from what one user does.
const LIMITS: [(&str, &str); 7] = [
    ("READ", "100000000/min"),
    ("MCP", "100000000/min"),
    ("REGISTER", "100000000/h"),
    ("PUBLISH", "100000000/h"),
    ("ACCEPT", "100000000/h"),
    ("SUBMIT", "100000000/h"),
    ("REVIEW", "100000000/h"),
];
const START_WITHIN: Duration = Duration::from_secs(30);
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A running server; ended when it is dropped.
pub struct Server {
    child: Child,
    spawned: Instant,
    pub address: SocketAddr,
}

/// The release binary, which stands beside this program.
pub fn binary() -> Fallible<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("roborent");
    if path.exists() { Ok(path) } else { Err(format!("{} is missing: use `cargo xtask bench`", path.display()).into()) }
}

fn free_address() -> Fallible<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl Server {
    /// Starts roborent over the data in `dir` and does not wait for it.
    pub fn spawn_roborent(dir: &Path) -> Fallible<Self> {
        Self::spawn_roborent_over(dir, None)
    }

    /// The same over a PostgreSQL database.
    pub fn spawn_roborent_over(dir: &Path, database_url: Option<&str>) -> Fallible<Self> {
        let (address, internal, devnet) = (free_address()?, free_address()?, free_address()?);
        let spawned = now();
        let log = File::create(dir.join("stderr.log"))?;
        let child = Command::new(binary()?)
            .arg("serve")
            .arg("--data-dir")
            .arg(dir.join("data"))
            .args(["--listen", &address.to_string(), "--internal-listen", &internal.to_string(), "--devnet-listen", &devnet.to_string()])
            .env_clear()
            // The limiter stays on; it only never says no.
            .envs(LIMITS.map(|(name, limit)| (format!("ROBORENT__LIMITS__{name}"), limit)))
            // Ten thousand streams, and whoever looks on.
            .env("ROBORENT__SERVER__CONNECTIONS_MAX", "11000")
            .env("ROBORENT__DATABASE__URL", database_url.unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(Self { child, spawned, address })
    }

    /// Waits for the first 200 of `/readyz`; answers how long that is after its start.
    pub fn wait_until_ready(&mut self) -> Fallible<Duration> {
        loop {
            if let Ok((200, _)) = requests::once(self.address, "GET", "/readyz", "") {
                return Ok(self.spawned.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("roborent ended with {status}").into());
            }
            if self.spawned.elapsed() > START_WITHIN {
                return Err("roborent did not become ready".into());
            }
            pause(Duration::from_micros(200));
        }
    }

    /// Starts this program once more, as the bare server.
    pub fn hello() -> Fallible<Self> {
        Self::myself("hello")
    }

    /// Starts this program once more, as a node of a chain.
    pub fn node() -> Fallible<Self> {
        Self::myself("node")
    }

    fn myself(part: &str) -> Fallible<Self> {
        let spawned = now();
        let mut child = Command::new(std::env::current_exe()?).arg(part).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or("no standard output of a server")?;
        BufReader::new(output).read_line(&mut line)?;
        Ok(Self { child, spawned, address: line.trim().parse()? })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits.
    pub fn stop(mut self) -> Fallible<()> {
        drop(self.child.stdin.take());
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        let started = now();
        while self.child.try_wait()?.is_none() {
            if started.elapsed() > STOP_WITHIN {
                return Err("a server did not stop".into());
            }
            pause(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ends it when a run failed half-way; after `stop` there is nothing left to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

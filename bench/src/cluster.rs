//! A PostgreSQL server: a throw-away cluster of our own, or one that was named.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio_postgres::{Client, NoTls};

use crate::Fallible;
use crate::time::{now, pause};

const START_WITHIN: Duration = Duration::from_secs(30);
const SETTINGS: &str = "
listen_addresses = ''
max_connections = 50
shared_buffers = 256MB
max_wal_size = 4GB
fsync = on
synchronous_commit = on
";

pub struct Postgres {
    /// Of the database that is always there.
    url: String,
    own: Option<Cluster>,
}

/// A server that was started here; stopped and removed when dropped.
struct Cluster {
    child: Child,
    folder: PathBuf,
    programs: PathBuf,
    user: Option<(u32, u32)>,
}

impl Postgres {
    /// Uses a server that runs already.
    pub async fn given(url: &str) -> Fallible<Self> {
        connect(url).await?;
        Ok(Self { url: url.to_owned(), own: None })
    }

    /// Makes a cluster in `folder`, which is removed at the end. It listens on a socket in that folder only.
    pub fn start(folder: &Path) -> Fallible<Self> {
        let (programs, user) = (programs()?, server_user()?);
        let data = folder.join("data");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        fs::create_dir(&data)?;
        if let Some((uid, gid)) = user {
            chown(folder, Some(uid), Some(gid))?;
            chown(&data, Some(uid), Some(gid))?;
        }
        let mut initdb = as_user(&programs.join("initdb"), user, folder);
        let made =
            initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-D"]).arg(&data).stdout(Stdio::null()).status()?;
        if !made.success() {
            return Err(format!("initdb ended with {made}").into());
        }
        let conf = data.join("postgresql.conf");
        let settings = format!("{}{SETTINGS}unix_socket_directories = '{}'\n", fs::read_to_string(&conf)?, folder.display());
        fs::write(&conf, settings)?;
        let log = fs::File::create(folder.join("server.log"))?;
        let child = as_user(&programs.join("postgres"), user, folder)
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let url = format!("postgres://postgres@{}/postgres", folder.display().to_string().replace('/', "%2F"));
        let mut cluster = Cluster { child, folder: folder.to_owned(), programs, user };
        cluster.wait_until_ready()?;
        Ok(Self { url, own: Some(cluster) })
    }

    /// The process of the server, when it is ours.
    pub fn pid(&self) -> Option<u32> {
        self.own.as_ref().map(|cluster| cluster.child.id())
    }

    /// Version and durability, as the server says them.
    pub async fn describe(&self) -> Fallible<String> {
        let client = connect(&self.url).await?;
        let sql = "select 'version ' || current_setting('server_version') || ', fsync=' || current_setting('fsync') || ', synchronous_commit=' || current_setting('synchronous_commit')";
        Ok(client.query_one(sql, &[]).await?.get(0))
    }

    /// Makes an empty database; answers its URL.
    pub async fn make_database(&self) -> Fallible<String> {
        static SERIAL: AtomicU32 = AtomicU32::new(1);
        let name = format!("roborent_bench_{}_{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
        connect(&self.url).await?.batch_execute(&format!("create database {name}")).await?;
        let (before, _) = self.url.rsplit_once('/').ok_or("the URL names no database")?;
        Ok(format!("{before}/{name}"))
    }

    /// Statistics for the planner, which autovacuum would bring a minute later.
    pub async fn analyze(&self, url: &str) -> Fallible<()> {
        Ok(connect(url).await?.batch_execute("analyze").await?)
    }

    /// Makes the server write down each statement, from now on or no more.
    pub async fn log_statements(&self, all: bool) -> Fallible<()> {
        let client = connect(&self.url).await?;
        client.batch_execute(&format!("alter system set log_statement = '{}'", if all { "all" } else { "none" })).await?;
        Ok(client.batch_execute("select pg_reload_conf()").await?)
    }

    /// The statements that a server of our own has written down, BEGIN and COMMIT among them.
    pub fn logged_statements(&self) -> Fallible<u64> {
        let own = self.own.as_ref().ok_or("the log of a server that was named is not ours to read")?;
        let log = fs::read_to_string(own.folder.join("server.log"))?;
        let tells = |line: &str| line.contains(" LOG:  execute ") || line.contains(" LOG:  statement: ");
        Ok(log.lines().filter(|line| tells(line)).count() as u64)
    }

    pub async fn drop_database(&self, url: &str) -> Fallible<()> {
        let name = url.rsplit_once('/').ok_or("the URL names no database")?.1;
        Ok(connect(&self.url).await?.batch_execute(&format!("drop database {name} with (force)")).await?)
    }
}

impl Cluster {
    /// The server itself notes in the eighth line of this file when it takes connections.
    fn wait_until_ready(&mut self) -> Fallible<()> {
        let started = now();
        let is_ready = |text: String| text.lines().nth(7).is_some_and(|line| line.starts_with("ready"));
        while !fs::read_to_string(self.folder.join("data/postmaster.pid")).is_ok_and(is_ready) {
            let ended = self.child.try_wait()?;
            if ended.is_some() || started.elapsed() > START_WITHIN {
                let log = fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
                return Err(format!("PostgreSQL did not start: {log}").into());
            }
            pause(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = as_user(&self.programs.join("pg_ctl"), self.user, &self.folder);
        let stopped = stop.args(["stop", "-s", "-w", "-m", "fast", "-D"]).arg(self.folder.join("data")).status();
        if !stopped.is_ok_and(|status| status.success()) {
            drop(self.child.kill());
        }
        drop(self.child.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

async fn connect(url: &str) -> Fallible<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The newest server programs of the system's packages, or those on the path.
fn programs() -> Fallible<PathBuf> {
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = packaged.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))).max();
    let on_path = std::env::split_paths(&path())
        .map(|dir| dir.join("postgres"))
        .find_map(|file| file.canonicalize().ok()?.parent().map(Path::to_owned));
    newest
        .map(|(_, dir)| dir)
        .filter(|dir| dir.join("initdb").exists())
        .or(on_path)
        .ok_or_else(|| "no initdb found: install PostgreSQL, or use --database-url".into())
}

#[expect(clippy::disallowed_methods, reason = "the search path of programs is no setting of the product")]
fn path() -> String {
    std::env::var("PATH").unwrap_or_default()
}

/// PostgreSQL does not run as root: whom it runs as then.
fn server_user() -> Fallible<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt as _;
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let found = ["postgres", "nobody"].into_iter().find_map(|name| {
        let fields: Vec<&str> = users.lines().find(|line| line.split(':').next() == Some(name))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    });
    found.map(Some).ok_or_else(|| "PostgreSQL does not run as root, and there is no user postgres or nobody".into())
}

/// A program of PostgreSQL, run as its user, in a folder that it may stand in.
fn as_user(program: &Path, user: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

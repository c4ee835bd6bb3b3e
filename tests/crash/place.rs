//! Where a server keeps its data: a folder, and a PostgreSQL database of its own when it asks for one.

use std::path::PathBuf;

use audit::{Options, Source};
use roborent::start::DATABASE_FILE;
use roborent::testing::{Engine, TestDatabase};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Outlives the servers that run on it, and goes away with the test.
pub struct Place {
    pub dir: TempDir,
    database: Option<TestDatabase>,
    runtime: Runtime,
}

/// A lock that ends with its connection.
#[expect(dead_code, reason = "what counts is that it is open")]
pub enum Held {
    Sqlite(rusqlite::Connection),
    Postgres(tokio_postgres::Client),
}

impl Place {
    /// A fresh one; nothing when the engine is not there.
    pub fn new(engine: Engine) -> Option<Self> {
        let runtime = Runtime::new().unwrap();
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => {
                let Some(database) = runtime.block_on(TestDatabase::create()) else {
                    println!("SKIPPED: no PostgreSQL; ./test.sh starts one");
                    return None;
                };
                Some(database)
            }
        };
        Some(Self { dir: TempDir::new().unwrap(), database, runtime })
    }

    /// How to reach the PostgreSQL database, if it is one.
    pub fn url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url.as_str())
    }

    /// The embedded database.
    pub fn file(&self) -> PathBuf {
        self.dir.path().join(DATABASE_FILE)
    }

    /// Where the servers write their log.
    pub fn log_file(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// The auditor finds nothing.
    pub fn audit(&self, when: &str) {
        let source = self.url().map_or_else(|| Source::Sqlite(self.file()), |url| Source::Postgres(url.to_owned()));
        let report = audit::audit(&source, &Options::default()).unwrap_or_else(|error| panic!("{when}: {error}"));
        assert_eq!(report.exit_code(), 0, "{when}: {report}");
    }

    /// Runs SQL on a connection of its own to the PostgreSQL database until `again` says no; answers nothing.
    pub fn run_sql(&self, sql: &str, mut again: impl FnMut() -> bool) {
        self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(self.url().unwrap(), tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            while again() {
                client.batch_execute(sql).await.unwrap();
            }
        });
    }

    /// How many rows a table has.
    pub fn count(&self, table: &str) -> i64 {
        self.number(&format!("select count(*) from {table}"))
    }

    /// The one number that a query answers.
    pub fn number(&self, sql: &str) -> i64 {
        let Some(url) = self.url() else {
            return rusqlite::Connection::open(self.file()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
        };
        self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.query_one(sql, &[]).await.unwrap().get(0)
        })
    }

    /// Until this is dropped no gateway writes anything down.
    pub fn hold_writes(&self) -> Held {
        let Some(url) = self.url() else {
            let connection = rusqlite::Connection::open(self.file()).unwrap();
            connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
            connection.execute_batch("begin immediate").unwrap();
            return Held::Sqlite(connection);
        };
        Held::Postgres(self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute("begin; lock table gateway_lease in exclusive mode").await.unwrap();
            client
        }))
    }

    /// No server has logged a bug or a panic.
    pub fn log_is_clean(&self) {
        let log = std::fs::read_to_string(self.log_file()).unwrap();
        for line in log.lines() {
            assert!(!line.contains("a bug") && !line.contains("panicked"), "{line}");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(database) = self.database.take() {
            self.runtime.block_on(database.drop());
        }
    }
}

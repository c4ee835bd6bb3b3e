//! Databases of their own on the test server.

use crate::base::random::Entropy;

/// A database of its own on the test server.
pub struct TestDatabase {
    /// How to reach it.
    pub url: String,
    name: String,
    server: String,
}

impl TestDatabase {
    /// A fresh one; nothing when there is no server. Fails the test when there has to be one.
    #[expect(clippy::disallowed_methods, reason = "the test script says through the environment where its server is")]
    pub async fn create() -> Option<Self> {
        let Ok(server) = std::env::var("ROBORENT_TEST_POSTGRES_URL") else {
            assert!(
                std::env::var("ROBORENT_REQUIRE_POSTGRES").is_err(),
                "ROBORENT_TEST_POSTGRES_URL is not set; run the tests with ./test.sh"
            );
            return None;
        };
        let mut rng = Entropy::from_system().expect("randomness").fork();
        let name = format!("test_{}", rng.hex(16));
        run_sql(&server, &format!("create database {name}")).await;
        let (base, _) = server.rsplit_once('/').expect("a URL with a database");
        Some(Self { url: format!("{base}/{name}"), name, server })
    }

    /// Ends its connections and drops it.
    pub async fn drop(self) {
        run_sql(&self.server, &format!("drop database {} with (force)", self.name)).await;
    }
}

async fn run_sql(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the test server answers");
    tokio::spawn(connection);
    client.batch_execute(sql).await.expect(sql);
}

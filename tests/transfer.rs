//! An installation moves from one engine to the other and back, with the commands that an operator types.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use roborent::testing::TestDatabase;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Where an installation lives: its folder, and the database when it is not a file in there.
struct Place {
    dir: PathBuf,
    database: String,
}

impl Place {
    fn new(dir: &TempDir, name: &str, database: &str) -> Self {
        Self { dir: dir.path().join(name), database: database.to_owned() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roborent"));
        command.env_clear().arg("--data-dir").arg(&self.dir).args(["--database-url", &self.database]).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn export(&self) -> Vec<u8> {
        let output = self.run(&["export"]);
        assert!(output.status.success(), "{}", complaint(&output));
        output.stdout
    }

    fn import(&self, file: &Path) -> Output {
        self.run(&["import", "--file", file.to_str().unwrap()])
    }

    fn digest(&self) -> String {
        let output = self.run(&["audit", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["digest"].as_str().unwrap().to_owned()
    }
}

/// The last line of what was complained.
fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned()
}

/// A running server.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(place: &Place) -> Self {
        let anywhere = "127.0.0.1:0";
        let mut command = place.command(&["--listen", anywhere, "--internal-listen", anywhere, "--devnet-listen", anywhere]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.trim().strip_prefix("site ")?.trim().strip_prefix("http://")?.to_owned()));
        // The rest of the greeting has to find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("the server tells its address") }
    }

    fn ask(&self, method: &str, path: &str, key: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let key = if key.is_empty() { String::new() } else { format!("x-api-key: {key}\r\n") };
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n{key}content-type: application/json\r\n", self.address);
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(format!("{head}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    fn balance(&self, key: &str) -> Value {
        self.ask("GET", "/api/v1/finance/balance", key, &Value::Null)
    }

    /// Waits for it to stop of its own accord.
    fn stop(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failed test; a server that has stopped is not there to be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The titles of the open tasks with a word.
fn titles(server: &Server, key: &str, word: &str) -> Value {
    let found = server.ask("POST", "/api/v1/agent/tasks/search", key, &json!({ "q": word }));
    found["items"].as_array().unwrap().iter().map(|task| task["title"].clone()).collect()
}

/// Two bots, of whom one has money and a new key; answers his old key and the new one.
fn trade(server: &Server) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let bot = server.ask("POST", "/api/v1/agent/register", "", &json!({ "agent_name": "Söre \"n\"" }));
    server.ask("POST", "/api/v1/agent/register", "", &json!({}));
    server.ask("POST", "/sandbox/faucet", "", &json!({ "user_id": bot["user_id"], "usdt": 100 }));
    let key = text(&bot["api_key"]);
    let keys = server.ask("GET", "/api/v1/agent/keys", &key, &Value::Null);
    let rotate = format!("/api/v1/agent/keys/{}/rotate", keys["items"][0]["key_id"].as_str().unwrap());
    let rotated = server.ask("POST", &rotate, &key, &json!({}));
    (key, text(&rotated["api_key"]))
}

#[test]
fn an_installation_moves_to_a_new_folder() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (Place::new(&dir, "first", ""), Place::new(&dir, "second", ""));
    let server = Server::start(&first);
    trade(&server);
    assert!(first.export().starts_with(b"{\"format\":\"roborent-export\""), "also beside a running server");
    server.stop();

    let file = dir.path().join("all.ndjson");
    let output = first.run(&["export", "--out", file.to_str().unwrap()]);
    assert!(output.status.success() && output.stdout.is_empty());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.lines().any(|line| line.trim() == "users: 3 rows written"), "{told}");
    assert!(told.contains(&format!("ledger {}", first.digest())), "{told}");
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(first.export(), bytes);

    let imported = second.import(&file);
    assert!(imported.status.success(), "{}", complaint(&imported));
    assert_eq!(complaint(&imported), format!("the books are right, ledger {}", first.digest()));
    assert_eq!(second.export(), bytes);
    assert_eq!(second.digest(), first.digest());
}

#[test]
fn what_cannot_be_moved_is_refused_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let (first, nowhere) = (Place::new(&dir, "first", ""), Place::new(&dir, "nowhere", ""));
    for command in ["audit", "export"] {
        let output = nowhere.run(&[command]);
        assert_eq!(output.status.code(), Some(if command == "audit" { 2 } else { 1 }));
        assert!(complaint(&output).ends_with("roborent.sqlite: there is no database") && output.stdout.is_empty());
    }
    assert!(!nowhere.dir.exists());

    Server::start(&first).stop();
    let bytes = first.export();
    let file = dir.path().join("all.ndjson");
    std::fs::write(&file, &bytes).unwrap();
    let used = first.import(&file);
    assert_eq!((used.status.code(), first.export()), (Some(1), bytes.clone()));
    assert!(complaint(&used).starts_with("roborent: the database is in use: table "), "{}", complaint(&used));

    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    assert!(complaint(&nowhere.import(&file)).contains("the file is cut"));
    std::fs::write(&file, String::from_utf8(bytes).unwrap().replace("sandbox", "sandbar")).unwrap();
    assert!(complaint(&nowhere.import(&file)).contains("the file was changed or damaged"));

    let path = first.dir.join(roborent::start::DATABASE_FILE);
    rusqlite::Connection::open(path).unwrap().execute_batch("update accounts set balance = 1 where kind = 'user_available'").unwrap();
    let red = first.run(&["export"]);
    assert!(complaint(&red).contains("the books are not right") && red.stdout.is_empty() && red.status.code() == Some(1));
    assert_eq!(first.run(&["audit"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_moves_to_postgresql_and_back() {
    let Some(database) = TestDatabase::create().await else {
        println!("SKIPPED postgres");
        return;
    };
    let url = database.url.clone();
    tokio::task::spawn_blocking(move || there_and_back(&url)).await.unwrap();
    database.drop().await;
}

fn there_and_back(url: &str) {
    let dir = tempfile::tempdir().unwrap();
    // The secret of an installation stays in its folder.
    let (first, there, back) = (Place::new(&dir, "first", ""), Place::new(&dir, "first", url), Place::new(&dir, "back", ""));
    let server = Server::start(&first);
    let (old_key, key) = trade(&server);
    let worker = server.ask("POST", "/api/v1/agent/register", "", &json!({}));
    let worker = worker["api_key"].as_str().unwrap();
    for (title, category) in [("Write of Käse", "writing"), ("Draw a cow", "design"), ("Draw Käse", "design")] {
        let task = json!({ "title": title, "description": "Something of it.", "category": category, "reward_usd": 1, "slots": 1 });
        let task = server.ask("POST", "/api/v1/agent/tasks", &key, &task);
        if category == "writing" {
            server.ask("POST", &format!("/api/v1/agent/tasks/{}/close", task["task_id"].as_str().unwrap()), &key, &json!({}));
        }
    }
    assert_eq!(titles(&server, worker, "käse"), json!(["Draw Käse"]));
    let balance = server.balance(&key);
    server.stop();

    let file = dir.path().join("all.ndjson");
    std::fs::write(&file, first.export()).unwrap();
    let imported = there.import(&file);
    assert!(imported.status.success(), "{}", complaint(&imported));
    assert_eq!(there.export(), std::fs::read(&file).unwrap());
    assert_eq!(there.digest(), first.digest());

    // It serves from there, and users notice nothing.
    let server = Server::start(&there);
    assert_eq!(server.balance(&key), balance);
    assert_eq!(server.balance(&old_key), balance, "a rotated key works for a while");
    server.ask("PATCH", "/api/v1/agent/profile", &key, &json!({ "bio": "moved" }));
    assert_eq!(titles(&server, worker, "KÄSE"), json!(["Draw Käse"]), "the words are indexed anew");
    server.stop();

    let moved = there.export();
    assert_ne!(moved, std::fs::read(&file).unwrap());
    std::fs::write(&file, &moved).unwrap();
    let imported = back.import(&file);
    assert!(imported.status.success(), "{}", complaint(&imported));
    assert_eq!(back.export(), moved);
    assert_eq!(back.digest(), there.digest());
    std::fs::copy(first.dir.join("auth.secret"), back.dir.join("auth.secret")).unwrap();
    // The chain of a sandbox stays in its folder, too: without it the database would not fit to a new one.
    std::fs::create_dir(back.dir.join("devnet")).unwrap();
    for file in std::fs::read_dir(first.dir.join("devnet")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), back.dir.join("devnet").join(file.file_name())).unwrap();
    }
    let server = Server::start(&back);
    assert_eq!(titles(&server, worker, "draw"), json!(["Draw Käse", "Draw a cow"]));
    server.stop();
}

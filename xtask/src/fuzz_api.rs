//! Whatever the OpenAPI document allows, and much that it does not, sent to a sandbox of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::{beside_me, root, run};

const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// No limit ends the run; a bug is in the log.
const SETTINGS: [(&str, &str); 3] =
    [("ROBORENT__LIMITS__REGISTER", "1000000/h"), ("ROBORENT__LIMITS__READ", "1000000/min"), ("ROBORENT__LOG__LEVEL", "warn")];
/// The document does not know the rules of the house: what it allows may still be refused.
const NOT_CHECKED: &str = "positive_data_acceptance";

/// Builds the program, starts a fresh sandbox, and lets schemathesis call every operation as an admin.
pub fn fuzz_api() -> Result<(), String> {
    let place = beside_me("fuzz-api")?;
    let tool = install(&place)?;
    run(Command::new("cargo").args(["build", "--quiet", "--release", "--locked", "-p", "roborent"]).current_dir(root()))?;
    let server = Server::start(&place)?;
    let token = server.sign_in()?;
    let fuzzed = run(Command::new(tool)
        .arg("run")
        .arg(format!("{}/openapi.json", server.site))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "100", "--max-time", "300", "--seed", "1"])
        .args(["--exclude-checks", NOT_CHECKED, "--continue-on-failure"])
        .current_dir(&place));
    drop(server);
    fuzzed?;
    let log = std::fs::read_to_string(place.join("log")).map_err(|e| e.to_string())?;
    if log.contains("a bug") { Err(format!("the server found a bug in itself: {log}")) } else { Ok(()) }
}

/// schemathesis, in a folder of its own.
fn install(place: &Path) -> Result<std::path::PathBuf, String> {
    std::fs::create_dir_all(place).map_err(|e| format!("{}: {e}", place.display()))?;
    let tools = place.join("venv");
    let tool = tools.join("bin/schemathesis");
    if !tool.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&tools))?;
        run(Command::new(tools.join("bin/pip")).args(["install", "--quiet", SCHEMATHESIS]))?;
    }
    Ok(tool)
}

/// A sandbox that ends with this value.
struct Server {
    child: Child,
    site: String,
    email: String,
    password: String,
}

impl Server {
    fn start(place: &Path) -> Result<Self, String> {
        let data = place.join("data");
        if data.exists() {
            std::fs::remove_dir_all(&data).map_err(|e| format!("{}: {e}", data.display()))?;
        }
        let log = File::create(place.join("log")).map_err(|e| e.to_string())?;
        let mut command = Command::new(beside_me("roborent")?);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0", "--devnet-listen", "127.0.0.1:0", "--data-dir"])
            .arg(&data);
        command.envs(SETTINGS).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let child = command.spawn().map_err(|e| format!("roborent: {e}"))?;
        let mut server = Self { child, site: String::new(), email: String::new(), password: String::new() };
        let greeting = server.child.stdout.take().map(BufReader::new).ok_or("no standard output")?;
        for line in greeting.lines() {
            let line = line.map_err(|e| e.to_string())?;
            match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["site", site] => (*site).clone_into(&mut server.site),
                ["admin", email, "/", password, ..] => {
                    (*email).clone_into(&mut server.email);
                    (*password).clone_into(&mut server.password);
                }
                ["Ctrl-C", ..] => return Ok(server),
                _ => {}
            }
        }
        Err("the server did not start; its log says why".into())
    }

    fn sign_in(&self) -> Result<String, String> {
        let body = format!(r#"{{"email":"{}","password":"{}"}}"#, self.email, self.password);
        let url = format!("{}/auth/v1/token?grant_type=password", self.site);
        let output = Command::new("curl").args(["--silent", "--data", &body, &url]).output().map_err(|e| format!("curl: {e}"))?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let token = answer.split_once(r#""access_token":""#).and_then(|(_, rest)| rest.split_once('"'));
        token.map(|(token, _)| token.to_owned()).ok_or_else(|| format!("no token in {answer}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

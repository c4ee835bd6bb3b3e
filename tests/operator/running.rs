//! Commands beside a sandbox that runs.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::place::Place;

/// A running server.
struct Server {
    child: Child,
    devnet: String,
}

impl Server {
    fn start(place: &Place) -> Self {
        let anywhere = "127.0.0.1:0";
        let mut command = place.command(&[], &["--listen", anywhere, "--internal-listen", anywhere, "--devnet-listen", anywhere]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let devnet = lines.find_map(|line| Some(line.trim().strip_prefix("devnet ")?.split_whitespace().next()?.to_owned()));
        // The rest of the greeting has to find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, devnet: devnet.expect("the server tells where its devnet is") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn an_operator_looks_and_rescans_while_a_server_runs() {
    let place = Place::new();
    assert!(place.refused(&[], &["wallet", "status"], "").ends_with("roborent.sqlite: there is no database"));
    assert!(place.refused(&[], &["gateway", "rescan", "--from", "1"], "").ends_with("roborent.sqlite: there is no database"));
    assert!(!place.path("data").exists(), "looking makes nothing");

    let server = Server::start(&place);
    let state: Value = serde_json::from_str(&place.told(&[], &["wallet", "status", "--json"], "")).unwrap();
    assert_eq!((&state["hot_usdt"], &state["difference"]), (&100_000.0.into(), &0.0.into()), "{state}");
    assert!(state["freezes"].as_array().unwrap().is_empty() && state["orders"].is_array());
    let told = place.told(&[], &["wallet", "status"], "");
    assert!(told.contains("orders      none open") && told.contains("payouts     go on"), "{told}");
    let told = place.told(&[], &["wallet", "address"], "");
    assert!(told.contains("network        sandbox") && told.contains(state["hot_address"].as_str().unwrap()), "{told}");

    let providers = [("CHAIN__PROVIDERS", server.devnet.as_str())];
    let told = place.told(&providers, &["gateway", "rescan", "--from", "1"], "");
    assert!(told.starts_with("blocks 1 to ") && told.ends_with("deposits that were missing: 0\n"), "{told}");
    for range in [&["--from", "0"][..], &["--from", "5", "--to", "4"], &["--from", "1", "--to", "99999999"]] {
        let line = place.refused(&providers, &[&["gateway", "rescan"], range].concat(), "");
        assert!(line.contains("is no part of them"), "{line}");
    }
    let web = [&["gateway", "rescan", "--from", "1"][..], &["--role", "web"]].concat();
    assert!(place.refused(&providers, &web, "").ends_with("only the gateway reads blocks: use its settings"));
    let line = place.refused(&[("INSTALLATION__NETWORK", "nile")], &["wallet", "status"], "");
    assert!(line.contains("must be set on a real network") || line.contains("public_url"), "{line}");
}

//! The same read over MCP and over REST, on one server: what the protocol costs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::figures::{Spread, Tenths, Times, judged, latencies, say};
use crate::http::{Run, get, register, run};
use crate::servers::Server;
use crate::time::pause;
use crate::{Fallible, Options, machine};

const RATIO_MOST: Times = Times(150);

/// A tool call that keeps its connection.
fn call(key: &str) -> Arc<[u8]> {
    let body =
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "get_balance", "arguments": {} } }).to_string();
    let accept = "application/json, text/event-stream";
    let head =
        format!("POST /api/v1/mcp HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\naccept: {accept}\r\ncontent-type: application/json");
    format!("{head}\r\nmcp-protocol-version: 2025-11-25\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes().into()
}

pub async fn measure(options: &Options) -> Fallible<()> {
    say(&format!("mcp: tools/call get_balance beside GET /api/v1/finance/balance, {} connections", options.clients));
    let dir = options.folder()?;
    let watch = machine::Watch::start();
    let mut server = Server::spawn_roborent(dir.path())?;
    server.wait_until_ready()?;
    pause(Duration::from_secs(1));
    let key = register(&server)?;
    let (over_mcp, over_rest) = (call(&key), get("/api/v1/finance/balance", Some(&key)));
    for request in [&over_mcp, &over_rest] {
        run(&server, request, options.clients, options.run_time() / 4).await?;
    }
    let (mut mcp_runs, mut rest_runs) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        for (request, is_mcp) in [(&over_mcp, true), (&over_rest, false), (&over_rest, false), (&over_mcp, true)] {
            let done = run(&server, request, options.clients, options.run_time()).await?;
            if is_mcp { mcp_runs.push(done) } else { rest_runs.push(done) }
        }
    }
    server.stop()?;
    let [mcp, rest] = [("tools/call", mcp_runs), ("REST", rest_runs)].map(|(name, runs)| cpu_of(name, runs));
    let ratio = Times::of(mcp, rest);
    say(&format!("  CPU of a tool call {ratio} of the same over REST (at most {RATIO_MOST}): {}", judged(ratio <= RATIO_MOST)));
    watch.finish();
    Ok(())
}

/// Says what the runs came to; answers the CPU of each request.
fn cpu_of(name: &str, runs: Vec<Run>) -> u64 {
    let rates = Spread::of(runs.iter().map(Run::rate).collect());
    let requests = runs.iter().map(|run| run.requests).sum();
    let cpu = Tenths::microseconds_each(runs.iter().map(|run| run.cpu).sum(), requests);
    let all: Vec<u32> = runs.into_iter().flat_map(|run| run.latencies_us).collect();
    say(&format!("  {name:<11} {rates} req/s, {cpu} µs CPU each, {}", latencies(&all)));
    cpu.0
}

//! The pages of the site, one after the other: how long the server takes for each.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::figures::{Hundredths, judged, percentile, say};
use crate::http::{Run, run};
use crate::servers::Server;
use crate::{Fallible, Options, machine, requests};

/// The p95 of every page, in microseconds.
const P95_MOST: u32 = 50_000;
/// Tasks that the member has published; every third has a proof that waits for him.
const TASKS: usize = 60;

const OPEN: [&str; 7] = ["/", "/tasks", "/rules", "/login", "/docs", "/docs/mcp", "/docs/bots"];
const MEMBERS: [&str; 11] =
    ["/dashboard", "/tasks", "/work", "/publish", "/published", "/review", "/wallet", "/wallet/history", "/keys", "/referrals", "/profile"];

/// Somebody with a session on the site and a key.
struct Member {
    cookie: String,
    key: String,
}

pub async fn measure(options: &Options) -> Fallible<()> {
    say(&format!("pages: each on one connection, with {TASKS} tasks of the member"));
    let dir = options.folder()?;
    let watch = machine::Watch::start();
    let mut server = Server::spawn_roborent(dir.path())?;
    server.wait_until_ready()?;
    let member = member(&server)?;
    fill(&server, &member)?;
    let mut slowest = 0;
    for (cookie, paths) in [("", &OPEN[..]), (&member.cookie, &MEMBERS[..])] {
        for path in paths {
            let request = page(path, cookie);
            run(&server, &request, 1, options.run_time() / 20).await?;
            let done = run(&server, &request, 1, options.run_time() / 5).await?;
            slowest = slowest.max(report(path, cookie, &done));
        }
    }
    server.stop()?;
    say(&format!("  slowest p95 {} ms (at most {} ms): {}", milliseconds(slowest), P95_MOST / 1_000, judged(slowest <= P95_MOST)));
    watch.finish();
    Ok(())
}

/// Says how it went; answers the p95.
fn report(path: &str, cookie: &str, done: &Run) -> u32 {
    let (p50, p95) = (percentile(&done.latencies_us, 500), percentile(&done.latencies_us, 950));
    let whose = if cookie.is_empty() { "open" } else { "member" };
    say(&format!("  {whose:<6} {path:<16} p50 {} ms, p95 {} ms, {} requests", milliseconds(p50), milliseconds(p95), done.requests));
    p95
}

fn milliseconds(microseconds: u32) -> Hundredths {
    Hundredths::of(u64::from(microseconds), 1_000)
}

fn page(path: &str, cookie: &str) -> Arc<[u8]> {
    let cookie = if cookie.is_empty() { String::new() } else { format!("cookie: {cookie}\r\n") };
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\n{cookie}\r\n").into_bytes().into()
}

fn member(server: &Server) -> Fallible<Member> {
    let form = "email=ann%40example.com&password=correct+horse+battery&name=Ann";
    let head = format!(
        "POST /signup HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{form}",
        form.len()
    );
    let (answer, _) = requests::exchange(server.address, head.as_bytes())?;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next()).ok_or("no session")?.to_owned();
    let sign_in = json!({ "email": "ann@example.com", "password": "correct horse battery" });
    let session = ask(server, "/auth/v1/token?grant_type=password", "", &sign_in)?;
    let bearer = format!("authorization: Bearer {}", session["access_token"].as_str().unwrap_or_default());
    let key = ask(server, "/api/v1/agent/keys", &bearer, &json!({}))?;
    ask(server, "/sandbox/faucet", "", &json!({ "user_id": session["user"]["id"], "usdt": 1_000 }))?;
    Ok(Member { cookie, key: format!("x-api-key: {}", key["api_key"].as_str().unwrap_or_default()) })
}

fn fill(server: &Server, member: &Member) -> Fallible<()> {
    let worker = ask(server, "/api/v1/agent/register", "", &json!({}))?;
    let worker = format!("x-api-key: {}", worker["api_key"].as_str().unwrap_or_default());
    for n in 0..TASKS {
        let task = json!({
            "title": format!("Read page {n} and say what it is about"), "description": "Three sentences are enough. ".repeat(20),
            "category": "research", "reward_usd": 1, "slots": 3,
        });
        let task = ask(server, "/api/v1/agent/tasks", &member.key, &task)?;
        if n % 3 == 0 {
            let path = format!("/api/v1/agent/tasks/{}", task["task_id"].as_str().unwrap_or_default());
            ask(server, &format!("{path}/accept"), &worker, &json!({}))?;
            ask(server, &format!("{path}/submit"), &worker, &json!({ "proof_text": "It is about cats." }))?;
        }
    }
    Ok(())
}

fn ask(server: &Server, path: &str, header: &str, body: &Value) -> Fallible<Value> {
    let (header, body) = (if header.is_empty() { String::new() } else { format!("{header}\r\n") }, body.to_string());
    let request = format!("POST {path} HTTP/1.1\r\nhost: {}\r\n{header}content-length: {}\r\n\r\n{body}", server.address, body.len());
    let (status, answer) = requests::raw(server.address, request.as_bytes())?;
    if !(200..300).contains(&status) {
        return Err(format!("{path}: {status} {answer}").into());
    }
    Ok(serde_json::from_str(&answer)?)
}

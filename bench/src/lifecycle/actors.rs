//! Creators and workers, each a connection that stays open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use crate::Fallible;
use crate::requests::{Connection, once, raw};
use crate::time::now;

/// A creator with money and a worker.
pub struct Pair {
    address: SocketAddr,
    creator: String,
    worker: String,
}

/// Registers so many pairs.
pub fn market(address: SocketAddr, pairs: usize) -> Fallible<Vec<Arc<Pair>>> {
    let register = || -> Fallible<(String, String)> {
        let (status, body) = once(address, "POST", "/api/v1/agent/register", "{}")?;
        let bot: Value = serde_json::from_str(&body)?;
        let field = |name: &str| bot[name].as_str().map(str::to_owned).ok_or_else(|| format!("{status} {body}"));
        Ok((field("user_id")?, field("api_key")?))
    };
    (0..pairs)
        .map(|_| {
            let ((user_id, creator), (_, worker)) = (register()?, register()?);
            let (status, body) = once(address, "POST", "/sandbox/faucet", &format!("{{\"user_id\":\"{user_id}\",\"usdt\":1000000}}"))?;
            if status != 200 {
                return Err(format!("{status} {body}").into());
            }
            Ok(Arc::new(Pair { address, creator, worker }))
        })
        .collect()
}

/// Whole life cycles until the time is over or there were enough; answers the latency of each call in µs.
pub async fn lives(pair: Arc<Pair>, until: Instant, at_most: usize) -> Fallible<Vec<u32>> {
    let (mut creator, mut worker) = (Connection::open(pair.address).await?, Connection::open(pair.address).await?);
    let mut latencies = Vec::new();
    for _ in 0..at_most {
        if now() >= until {
            break;
        }
        let task = timed(&mut latencies, &mut creator, &publish(&pair.creator, &key(), 1), "task_id").await?;
        work(&pair, &mut worker, &mut creator, &pair.creator, &task, &mut latencies).await?;
    }
    Ok(latencies)
}

/// Each worker takes slots of task after task: of one creator's tasks, or of tasks that he has for himself.
pub fn slots(
    pairs: &[Arc<Pair>],
    shared: bool,
    until: Instant,
) -> Fallible<Vec<impl Future<Output = Fallible<Vec<u32>>> + Send + 'static>> {
    const TASKS_AHEAD: usize = 100;
    const SLOTS: usize = 1_000;
    let first = Arc::clone(pairs.first().ok_or("no pairs")?);
    let mut made: Vec<String> = Vec::new();
    if shared {
        for _ in 0..TASKS_AHEAD {
            made.push(published(&first, SLOTS)?);
        }
    }
    let made = Arc::new(made);
    Ok(pairs
        .iter()
        .map(|pair| {
            let (pair, first, made) = (Arc::clone(pair), Arc::clone(&first), Arc::clone(&made));
            async move {
                let (mut creator, mut worker) = (Connection::open(pair.address).await?, Connection::open(pair.address).await?);
                let mut latencies = Vec::new();
                for turn in 0..TASKS_AHEAD {
                    let own =
                        if shared { String::new() } else { id(creator.ask(&publish(&pair.creator, &key(), SLOTS)).await?, "task_id")? };
                    if now() >= until {
                        break;
                    }
                    let (task, owner) = if shared { (made[turn].as_str(), &first.creator) } else { (own.as_str(), &pair.creator) };
                    work(&pair, &mut worker, &mut creator, owner, task, &mut latencies).await?;
                }
                Ok(latencies)
            }
        })
        .collect())
}

fn published(pair: &Pair, slots: usize) -> Fallible<String> {
    let (status, answer) = raw(pair.address, &publish(&pair.creator, &key(), slots))?;
    if status == 201 { id(answer.as_bytes(), "task_id") } else { Err(format!("{status} {answer}").into()) }
}

/// Accept, submit, approve.
async fn work(
    pair: &Pair,
    worker: &mut Connection,
    creator: &mut Connection,
    owner: &str,
    task: &str,
    latencies: &mut Vec<u32>,
) -> Fallible<()> {
    let proof = r#"{"proof_url":"https://x.com/user/status/123","proof_text":"I followed the account"}"#;
    timed(latencies, worker, &post(&format!("/api/v1/agent/tasks/{task}/accept"), &pair.worker, &key(), ""), "acceptance_id").await?;
    let submit = post(&format!("/api/v1/agent/tasks/{task}/submit"), &pair.worker, &key(), proof);
    let submission = timed(latencies, worker, &submit, "submission_id").await?;
    let approve = post(&format!("/api/v1/agent/submissions/{submission}/approve"), owner, &key(), "");
    timed(latencies, creator, &approve, "acceptance_id").await?;
    Ok(())
}

async fn timed(latencies: &mut Vec<u32>, connection: &mut Connection, request: &[u8], field: &str) -> Fallible<String> {
    let sent = now();
    let answer = connection.ask(request).await?;
    latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    id(answer, field)
}

fn id(body: &[u8], field: &str) -> Fallible<String> {
    let text = std::str::from_utf8(body)?;
    let value = text.split_once(&format!("\"{field}\":\"")).and_then(|(_, rest)| rest.split_once('"'));
    Ok(value.ok_or_else(|| format!("no {field} in {text}"))?.0.to_owned())
}

fn publish(key_of_creator: &str, key: &str, slots: usize) -> Vec<u8> {
    let body = format!(
        "{{\"title\":\"Follow the account\",\"description\":\"Follow the account and send the address of your profile, with a line about it.\",\
         \"category\":\"social\",\"reward_usd\":0.05,\"slots\":{slots}}}"
    );
    post("/api/v1/agent/tasks", key_of_creator, key, &body)
}

fn post(path: &str, api_key: &str, key: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {api_key}\r\nidempotency-key: {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A new key for each call.
fn key() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("bench-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

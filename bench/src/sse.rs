//! Many readers who wait for events: what each costs while nothing happens.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::figures::{Tenths, judged, say};
use crate::servers::Server;
use crate::time::{now, pause};
use crate::{Fallible, Options, machine, requests};

const READERS: usize = 10_000;
const READERS_EACH: usize = 10;
const MIB_MOST: u64 = 130;

pub async fn measure(options: &Options) -> Fallible<()> {
    say(&format!("sse: {READERS} readers of {} users, idle", READERS / READERS_EACH));
    let dir = options.folder()?;
    let watch = machine::Watch::start();
    let mut server = Server::spawn_roborent(dir.path())?;
    server.wait_until_ready()?;
    let mut keys = Vec::new();
    for _ in 0..READERS / READERS_EACH {
        let (_, body) = requests::once(server.address, "POST", "/api/v1/agent/register", "{}")?;
        let answer: Value = serde_json::from_str(&body)?;
        keys.push(answer["api_key"].as_str().ok_or("no key")?.to_owned());
    }
    pause(Duration::from_secs(1));
    let before = machine::resident_kib(server.pid())?;
    let mut readers = Vec::with_capacity(READERS);
    for reader in 0..READERS {
        readers.push(open(&server, &keys[reader % keys.len()]).await.map_err(|e| format!("reader {reader}: {e}"))?);
    }
    pause(Duration::from_secs(2));
    let (after, cpu, started) = (machine::resident_kib(server.pid())?, machine::cpu_of(server.pid()), now());
    let (grown, readers_count) = (after.saturating_sub(before), u64::try_from(READERS)?);
    say(&format!(
        "  memory: {} MiB before, {} MiB with them ({} KiB each; at most {MIB_MOST} MiB): {}",
        before >> 10,
        after >> 10,
        Tenths::of(grown, readers_count),
        judged(after >> 10 <= MIB_MOST)
    ));
    pause(Duration::from_secs(20));
    let idle = machine::cpu_of(server.pid()).saturating_sub(cpu);
    let share = Tenths::of(u64::try_from(idle.as_millis())? * 100, u64::try_from(started.elapsed().as_millis())?);
    say(&format!("  while nothing happens they cost {share} % of a processor, signs of life included"));
    heard(&server, &keys[0], &mut readers).await?;
    drop(readers);
    server.stop()?;
    watch.finish();
    Ok(())
}

async fn open(server: &Server, key: &str) -> Fallible<TcpStream> {
    let mut socket = TcpStream::connect(server.address).await?;
    let request = format!("GET /api/v1/agent/events/stream HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    read_until(&mut socket, "retry: ").await?;
    Ok(socket)
}

async fn read_until(socket: &mut TcpStream, wanted: &str) -> Fallible<()> {
    let (mut text, mut buffer) = (String::new(), [0; 2_048]);
    while !text.contains(wanted) {
        let read = socket.read(&mut buffer).await?;
        if read == 0 {
            return Err(format!("the stream ended: {text}").into());
        }
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    Ok(())
}

/// An event reaches each of its user's readers.
async fn heard(server: &Server, key: &str, readers: &mut [TcpStream]) -> Fallible<()> {
    let request = format!("POST /api/v1/agent/webhook/test HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\ncontent-length: 0\r\n\r\n");
    let started = now();
    requests::raw(server.address, request.as_bytes())?;
    for reader in readers.iter_mut().step_by(READERS / READERS_EACH) {
        tokio::time::timeout(Duration::from_secs(5), read_until(reader, "webhook_test")).await??;
    }
    say(&format!("  an event reached the {READERS_EACH} readers of its user after {} ms", started.elapsed().as_millis()));
    Ok(())
}

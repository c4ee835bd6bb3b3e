//! Messages without an end: refused early, and nothing of them is kept.

use std::time::Duration;

use tokio::time::Instant;

use crate::server::{Server, Wire};

const PIECE: usize = 16 * 1024;
/// Far more than the server may read of one message, and than fits into the buffers of two sockets.
const PIECES: usize = 4_096;
const FLOODS: usize = 40;

/// What this process holds in memory, in KiB, where the system tells.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}

/// Sends `piece` for ever; answers how many bytes were taken before the server hung up, and what it said.
async fn flood(mut wire: Wire, head: &str, piece: &[u8]) -> (usize, Vec<u16>) {
    wire.send(head.as_bytes()).await;
    let mut taken = 0;
    while taken < PIECES * PIECE && wire.send(piece).await {
        taken += piece.len();
    }
    (taken, wire.until_closed().await.statuses())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_an_end_is_refused_at_once_and_not_kept() {
    let server = Server::start(|config| config.limits.register = "1000/h".parse().unwrap()).await;
    let register = "POST /api/v1/agent/register HTTP/1.1\r\nhost: x\r\n";
    let chunk = format!("{PIECE:x}\r\n{}\r\n", " ".repeat(PIECE)).into_bytes();
    let headers = format!("x: {}\r\n", "y".repeat(1_000)).repeat(PIECE / 1_000).into_bytes();
    let floods: [(&str, String, Vec<u8>, u16); 5] = [
        ("chunks", format!("{register}transfer-encoding: chunked\r\n\r\n"), chunk, 413),
        ("an announced GiB", format!("{register}content-length: 1073741824\r\n\r\n"), vec![b' '; PIECE], 413),
        ("headers", register.to_owned(), headers, 431),
        ("one header", format!("{register}x: "), vec![b'y'; PIECE], 431),
        ("a line", "GET /".to_owned(), vec![b'y'; PIECE], 431),
    ];
    let before = resident_kib();
    for (what, head, piece, status) in floods {
        let started = Instant::now();
        let mut flooding = Vec::new();
        for _ in 0..FLOODS {
            let (wire, head, piece) = (server.open().await, head.clone(), piece.clone());
            flooding.push(tokio::spawn(async move { flood(wire, &head, &piece).await }));
        }
        for flood in flooding {
            let (taken, statuses) = flood.await.unwrap();
            assert!(taken < PIECES * PIECE, "{what}: the server takes everything");
            // Who is still sending may lose the answer to the reset that follows it.
            assert!(statuses.is_empty() || statuses == [status], "{what}: {statuses:?}");
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{what}: {:?}", started.elapsed());
    }
    if let (Some(before), Some(after)) = (before, resident_kib()) {
        let grown = after.saturating_sub(before);
        println!("{grown} KiB more after {} floods", FLOODS * 5);
        assert!(grown < 32 * 1_024, "grown by {grown} KiB");
    }
    let answer = server.say(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!(answer.statuses(), [200]);
    server.finish().await;
}

//! One message, one reading: whatever two servers in a row could understand differently is refused, and the connection
//! closed, so that nothing of it is taken for the next request.

use crate::server::Server;

/// What may come back before the connection is closed: a refusal or nothing; or exactly these statuses. A length beside
/// chunks is taken for chunks, and then nothing more is read.
enum Expected {
    Refused,
    Exactly(&'static [u16]),
}
use Expected::{Exactly, Refused};

/// Would be seen in the answers as a 404 of its own.
const NEXT: &str = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
const REGISTER: &str = "POST /api/v1/agent/register HTTP/1.1\r\nhost: x\r\n";
const HEALTH: &str = "GET /healthz HTTP/1.1\r\n";

fn register(head_and_body: &str) -> Vec<u8> {
    format!("{REGISTER}{head_and_body}").into_bytes()
}

fn health(head_and_body: &str) -> Vec<u8> {
    format!("{HEALTH}{head_and_body}").into_bytes()
}

fn line(line: &str) -> Vec<u8> {
    format!("{line}\r\nhost: x\r\n\r\n").into_bytes()
}

fn two_lengths() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let chunked_then = |head: &str| register(&format!("{head}\r\n0\r\n\r\n{NEXT}"));
    vec![
        (
            "CL.TE",
            register(&format!("content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{NEXT}", 5 + NEXT.len())),
            Exactly(&[201]),
        ),
        (
            "TE.CL",
            register(&format!("transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n{:x}\r\n{NEXT}\r\n0\r\n\r\n", NEXT.len())),
            Refused,
        ),
        ("CL 0 and TE", chunked_then("content-length: 0\r\ntransfer-encoding: chunked\r\n"), Exactly(&[201])),
        ("TE twice, chunked first", chunked_then("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n"), Refused),
        ("TE twice, chunked last", chunked_then("transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n"), Refused),
        ("TE chunked, chunked", chunked_then("transfer-encoding: chunked, chunked\r\n"), Refused),
        ("TE gzip, chunked", chunked_then("transfer-encoding: gzip, chunked\r\n"), Refused),
        ("TE chunked, gzip", chunked_then("transfer-encoding: chunked, gzip\r\n"), Refused),
        ("TE xchunked", chunked_then("transfer-encoding: xchunked\r\n"), Refused),
        ("TE identity", chunked_then("transfer-encoding: identity\r\n"), Refused),
        ("TE in quotes", chunked_then("transfer-encoding: \"chunked\"\r\n"), Refused),
        ("TE with a vertical tab", chunked_then("transfer-encoding: \x0bchunked\r\n"), Refused),
        ("TE with a NUL", chunked_then("transfer-encoding: chunked\0\r\n"), Refused),
        ("space before the colon of TE", chunked_then("transfer-encoding : chunked\r\n"), Refused),
        ("TE on a folded line", chunked_then("transfer-encoding:\r\n chunked\r\n"), Refused),
        ("TE in a folded line of another", chunked_then("x: y\r\n transfer-encoding: chunked\r\ncontent-length: 5\r\n"), Refused),
        ("TE under HTTP/1.0", b"POST /api/v1/agent/register HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(), Refused),
        ("two equal CL", register(&format!("content-length: 2\r\ncontent-length: 2\r\n\r\n{{}}{NEXT}")), Exactly(&[201, 404])),
        ("two different CL", register(&format!("content-length: 2\r\ncontent-length: 0\r\n\r\n{{}}{NEXT}")), Refused),
        ("a list of CL", register(&format!("content-length: 2, 2\r\n\r\n{{}}{NEXT}")), Refused),
        ("CL with a sign", register(&format!("content-length: +2\r\n\r\n{{}}{NEXT}")), Refused),
        ("negative CL", register(&format!("content-length: -2\r\n\r\n{{}}{NEXT}")), Refused),
        ("hexadecimal CL", register(&format!("content-length: 0x2\r\n\r\n{{}}{NEXT}")), Refused),
        ("CL with a space", register(&format!("content-length: 2 2\r\n\r\n{{}}{NEXT}")), Refused),
        ("CL above 64 bits", register(&format!("content-length: 18446744073709551618\r\n\r\n{{}}{NEXT}")), Refused),
        ("empty CL", register(&format!("content-length:\r\n\r\n{{}}{NEXT}")), Refused),
        ("CL_ with an underscore", register(&format!("content_length: 2\r\n\r\n{NEXT}")), Exactly(&[201, 404])),
    ]
}

fn heads() -> Vec<(&'static str, Vec<u8>, Expected)> {
    vec![
        ("a folded line", health(&format!("host: x\r\nx: a\r\n b\r\n\r\n{NEXT}")), Refused),
        ("a folded line first", health(&format!(" x: y\r\nhost: x\r\n\r\n{NEXT}")), Refused),
        ("bare LF everywhere", b"GET /healthz HTTP/1.1\nhost: x\n\n".to_vec(), Exactly(&[200])),
        ("bare LF in a value", health("host: x\r\nx: a\nb: c\r\n\r\n"), Exactly(&[200])),
        ("bare CR in a value", health("host: x\r\nx: a\rb\r\n\r\n"), Refused),
        ("bare CR instead of CRLF", health("host: x\rx: y\r\n\r\n"), Refused),
        ("NUL in a value", health("host: x\r\nx: a\0b\r\n\r\n"), Refused),
        ("NUL in a name", health("host: x\r\nx\0: ab\r\n\r\n"), Refused),
        ("NUL in the path", line("GET /health\0z HTTP/1.1"), Refused),
        ("space before the colon", health("host : x\r\n\r\n"), Refused),
        ("tab before the colon", health("host\t: x\r\n\r\n"), Refused),
        ("a line without a colon", health("host: x\r\nnonsense\r\n\r\n"), Refused),
        ("no name", health("host: x\r\n: y\r\n\r\n"), Refused),
        ("two spaces in the line", line("GET  /healthz HTTP/1.1"), Refused),
        ("a tab in the line", line("GET\t/healthz\tHTTP/1.1"), Refused),
        ("no version", line("GET /healthz"), Refused),
        ("HTTP/0.9", b"GET /healthz\r\n".to_vec(), Refused),
        ("HTTP/1.2", line("GET /healthz HTTP/1.2"), Refused),
        ("HTTP/3.0", line("GET /healthz HTTP/3.0"), Refused),
        ("lower-case version", line("GET /healthz http/1.1"), Refused),
        ("TLS", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n".to_vec(), Refused),
        ("a header of 16 KB", health(&format!("host: x\r\nx: {}\r\n\r\n", "y".repeat(16_384))), Exactly(&[431])),
        ("a path of 16 KB", line(&format!("GET /{} HTTP/1.1", "y".repeat(16_384))), Exactly(&[431])),
        ("1000 headers", health(&format!("host: x\r\n{}\r\n", "x: y\r\n".repeat(1_000))), Exactly(&[431])),
        ("8 MB of headers", health(&format!("host: x\r\n{}\r\n", format!("x: {}\r\n", "y".repeat(8_000)).repeat(1_000))), Exactly(&[431])),
        ("two hosts", health(&format!("host: x\r\nhost: y\r\n\r\n{NEXT}")), Refused),
        ("no host", health(&format!("\r\n{NEXT}")), Refused),
    ]
}

fn lines() -> Vec<(&'static str, Vec<u8>, Expected)> {
    vec![
        ("TRACE", line("TRACE /healthz HTTP/1.1"), Exactly(&[405])),
        ("CONNECT", line("CONNECT x:80 HTTP/1.1"), Exactly(&[404])),
        ("OPTIONS *", line("OPTIONS * HTTP/1.1"), Exactly(&[200])),
        ("an unknown method", line("SMUGGLE /healthz HTTP/1.1"), Exactly(&[405])),
        ("absolute form", line("GET http://elsewhere.example/healthz HTTP/1.1"), Exactly(&[200])),
        ("absolute form of another scheme", line("GET gopher://elsewhere.example/healthz HTTP/1.1"), Exactly(&[200])),
        ("absolute form with a user", line("GET http://a:b@elsewhere.example/healthz HTTP/1.1"), Exactly(&[200])),
        ("the sandbox, in absolute form", line("GET http://elsewhere.example/sandbox HTTP/1.1"), Exactly(&[403])),
        ("//", line("GET //healthz HTTP/1.1"), Exactly(&[404])),
        ("// in the middle", line("GET /api//v1/agent/balance HTTP/1.1"), Exactly(&[404])),
        ("/../", line("GET /docs/../healthz HTTP/1.1"), Exactly(&[404])),
        ("/./", line("GET /./healthz HTTP/1.1"), Exactly(&[404])),
        ("an encoded slash", line("GET /api%2fv1/agent/balance HTTP/1.1"), Exactly(&[404])),
        ("an encoded slash in a part", line("GET /api/v1/users/a%2f..%2fb HTTP/1.1"), Exactly(&[404])),
        ("encoded dots", line("GET /docs/%2e%2e/healthz HTTP/1.1"), Exactly(&[404])),
        ("a backslash", line("GET /docs\\..\\healthz HTTP/1.1"), Exactly(&[404])),
        ("a fragment", line("GET /healthz#x HTTP/1.1"), Exactly(&[200])),
        ("a semicolon", line("GET /healthz;x=y HTTP/1.1"), Exactly(&[404])),
        ("no slash", line("GET healthz HTTP/1.1"), Refused),
        (
            "upgrade to h2c",
            health("host: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n"),
            Exactly(&[200]),
        ),
    ]
}

fn bodies() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let chunked = |body: &str| register(&format!("transfer-encoding: chunked\r\n\r\n{body}"));
    vec![
        ("chunks", chunked(&format!("1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n{NEXT}")), Exactly(&[201, 404])),
        ("an extension", chunked(&format!("2;a=b\r\n{{}}\r\n0\r\n\r\n{NEXT}")), Exactly(&[201, 404])),
        ("an extension of 32 KB", chunked(&format!("2;{}\r\n{{}}\r\n0\r\n\r\n{NEXT}", "a".repeat(32_768))), Refused),
        ("trailers", chunked(&format!("2\r\n{{}}\r\n0\r\nx: y\r\n\r\n{NEXT}")), Exactly(&[201, 404])),
        ("a trailer that is a length", chunked(&format!("2\r\n{{}}\r\n0\r\ncontent-length: 400\r\n\r\n{NEXT}")), Exactly(&[201, 404])),
        ("trailers of 32 KB", chunked(&format!("2\r\n{{}}\r\n0\r\n{}\r\n{NEXT}", "x: y\r\n".repeat(6_000))), Refused),
        ("a chunk size that wraps", chunked(&format!("10000000000000002\r\n{{}}\r\n0\r\n\r\n{NEXT}")), Refused),
        ("a chunk size with 0x", chunked(&format!("0x2\r\n{{}}\r\n0\r\n\r\n{NEXT}")), Refused),
        ("a negative chunk size", chunked(&format!("-2\r\n{{}}\r\n0\r\n\r\n{NEXT}")), Refused),
        ("an empty chunk size", chunked(&format!("\r\n{{}}\r\n0\r\n\r\n{NEXT}")), Refused),
        ("a chunk longer than its size", chunked(&format!("1\r\n{{}}\r\n0\r\n\r\n{NEXT}")), Refused),
        ("a chunk ended by LF", chunked(&format!("2\n{{}}\n0\n\n{NEXT}")), Refused),
        ("a body on a GET", health(&format!("host: x\r\ncontent-length: {}\r\n\r\n{NEXT}", NEXT.len())), Exactly(&[200])),
        ("more than the length", register(&format!("content-length: 2\r\n\r\n{{}}{NEXT}")), Exactly(&[201, 404])),
        ("less than the length", register("content-length: 200\r\n\r\n{}"), Exactly(&[504])),
        ("garbage behind", register("content-length: 2\r\n\r\n{}garbage\r\n\r\n"), Exactly(&[201, 400])),
        ("pipelined", format!("{HEALTH}host: x\r\n\r\n").repeat(5).into_bytes(), Exactly(&[200, 200, 200, 200, 200])),
        ("pipelined behind a close", health(&format!("host: x\r\nconnection: close\r\n\r\n{NEXT}")), Exactly(&[200])),
        ("expect", register("expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}"), Exactly(&[100, 201])),
        ("expect something else", register("expect: a miracle\r\ncontent-length: 2\r\n\r\n{}"), Exactly(&[201])),
        ("expect, and too large", register("expect: 100-continue\r\ncontent-length: 999999999\r\n\r\n"), Exactly(&[413])),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_one_reading() {
    let server = Server::start(|config| {
        config.server.header_timeout_seconds = 1;
        config.server.idle_timeout_seconds = 1;
        config.server.timeout_seconds = 2;
        config.limits.register = "1000/h".parse().unwrap();
    });
    let server = std::sync::Arc::new(server.await);
    let cases: Vec<_> = [two_lengths(), heads(), lines(), bodies()].into_iter().flatten().collect();
    assert!(cases.len() >= 60);
    let mut wrong = Vec::new();
    for some in cases.chunks(20) {
        let talks = some.iter().map(|(_, bytes, _)| {
            let (server, bytes) = (std::sync::Arc::clone(&server), bytes.clone());
            tokio::spawn(async move { server.say(&bytes).await })
        });
        for (talk, (what, _, expected)) in talks.collect::<Vec<_>>().into_iter().zip(some) {
            let heard = talk.await.unwrap();
            let statuses = heard.statuses();
            let right = match expected {
                Exactly(statuses_expected) => statuses == *statuses_expected,
                Refused => statuses.len() <= 1 && statuses.iter().all(|status| matches!(status, 400 | 413 | 417 | 431 | 501 | 505)),
            };
            if !right {
                wrong.push(format!("{what}: {statuses:?} after {:?}", heard.after));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    std::sync::Arc::into_inner(server).unwrap().finish().await;
}

//! Connections that do nothing, too many of them, and bodies that never end.

use std::time::Duration;

use roborent::base::config::Config;

use crate::server::{Server, Wire};

const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

fn quick(config: &mut Config) {
    config.server.header_timeout_seconds = 1;
    config.server.idle_timeout_seconds = 3;
}

async fn closed_within(wire: Wire, seconds: std::ops::Range<u64>, what: &str) {
    let heard = wire.until_closed().await;
    assert!(heard.statuses().iter().all(|status| *status == 200), "{what}: {heard:?}");
    // The server's clock began a moment earlier, and a busy machine needs some time, too.
    let expected = Duration::from_millis(seconds.start * 1_000 - 100)..Duration::from_secs(seconds.end);
    assert!(expected.contains(&heard.after), "{what}: {:?}", heard.after);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_what_he_wants_is_hung_up_on() {
    let server = Server::start(quick).await;
    let firsts: [(&str, &[u8]); 8] = [
        ("nothing", b""),
        ("one letter of HTTP/2", b"P"),
        ("half a line", b"GET /heal"),
        ("half of the headers", b"GET /healthz HTTP/1.1\r\nhost: x\r\n"),
        ("half of the preface of HTTP/2", &HTTP2[..12]),
        ("the preface of HTTP/2", HTTP2),
        ("the preface and empty settings", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
        ("empty lines", b"\r\n\r\n\r\n"),
    ];
    let mut waiting = Vec::new();
    for (what, bytes) in firsts {
        let mut wire = server.open().await;
        assert!(wire.send(bytes).await);
        waiting.push(tokio::spawn(closed_within(wire, 1..3, what)));
    }
    for closed in waiting {
        closed.await.unwrap();
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_rest_between_two_calls_for_a_while() {
    let server = Server::start(quick).await;
    let mut idle = server.open().await;
    idle.send(HEALTH).await;
    idle.answers(1).await;
    let mut slow = server.open().await;
    slow.send(HEALTH).await;
    slow.answers(1).await;
    let slow = tokio::spawn(async move {
        // One byte now and then is not enough.
        for byte in HEALTH.chunks(1).cycle() {
            if !slow.send(byte).await {
                break;
            }
            tokio::time::timeout(Duration::from_millis(400), std::future::pending::<()>()).await.unwrap_err();
        }
        slow
    });
    let mut used = server.open().await;
    for _ in 0..3 {
        used.send(HEALTH).await;
        used.answers(1).await;
        tokio::time::timeout(Duration::from_millis(1_500), std::future::pending::<()>()).await.unwrap_err();
    }
    used.send(HEALTH).await;
    assert_eq!(used.answers(4).await.len(), 4, "it is used, so it stays");
    closed_within(idle, 3..6, "idle").await;
    closed_within(slow.await.unwrap(), 1..6, "a byte now and then").await;
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_told_so_and_the_others_go_on() {
    let server = Server::start(|config| config.server.connections_max = 3).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut wire = server.open().await;
        wire.send(HEALTH).await;
        wire.answers(1).await;
        open.push(wire);
    }
    for _ in 0..100 {
        let heard = server.say(HEALTH).await;
        let [refused] = heard.answers.as_slice() else { panic!("{heard:?}") };
        assert_eq!((refused.status, refused.header("retry-after"), refused.header("connection")), (503, Some("5"), Some("close")));
        assert!(refused.body.contains("\"code\":\"busy\""), "{refused:?}");
    }
    for wire in &mut open {
        wire.send(HEALTH).await;
        assert_eq!(wire.answers(2).await[1].status, 200);
    }
    drop(open.pop());
    let mut next = server.open().await;
    while !next.send(HEALTH).await || next.answers(1).await[0].status != 200 {
        // The server has to notice first that the other one is gone.
        next = server.open().await;
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_has_the_deadline_of_the_call() {
    let server = Server::start(|config| config.server.timeout_seconds = 1).await;
    let bot = server.app.bot().await;
    let post = |head: &str| format!("POST /api/v1/agent/keys HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\n{head}\r\n\r\n", bot.key);
    for (head, begin) in [("content-length: 20", &b"{"[..]), ("transfer-encoding: chunked", b"5\r\n{")] {
        let mut wire = server.open().await;
        wire.send(post(head).as_bytes()).await;
        wire.send(begin).await;
        let answer = wire.answers(1).await.remove(0);
        assert_eq!(answer.status, 504, "{answer:?}");
        assert!(answer.header("ratelimit").unwrap().starts_with("\"read\";r=11"), "it was counted: {answer:?}");
        let heard = wire.until_closed().await;
        assert!(heard.after < Duration::from_secs(3), "the rest of the body is not waited for: {:?}", heard.after);
    }
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_of_his_answers_is_hung_up_on() {
    let server = Server::start(|config| config.server.idle_timeout_seconds = 1).await;
    let mut wire = server.open().await;
    // None of the answers is read: sending stops when both sides' buffers are full.
    let asks = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000_000);
    let sent = tokio::time::timeout(Duration::from_secs(15), wire.send(&asks)).await;
    assert_eq!(sent, Ok(false), "the server closes, so not all is taken");
    server.finish().await;
}

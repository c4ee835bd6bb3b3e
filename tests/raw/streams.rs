//! Streams of events on the wire: they begin like every answer and go on until one of both sides ends them.

use std::time::Duration;

use roborent::base::news::Topic;

use crate::server::{Server, Wire};

async fn begun(server: &Server, key: &str, version: &str) -> Wire {
    let mut wire = server.open().await;
    wire.send(format!("GET /api/v1/agent/events/stream HTTP/{version}\r\nhost: x\r\nx-api-key: {key}\r\n\r\n").as_bytes()).await;
    assert_eq!(wire.answers(1).await[0].status, 200);
    wire.until("retry: 2000\n\n").await;
    wire
}

/// What stands between the head and the end of an answer in chunks.
fn unchunked(answer: &str) -> String {
    let (head, mut rest) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("transfer-encoding: chunked") && head.contains("connection: close"), "{head}");
    let mut body = String::new();
    loop {
        let (length, after) = rest.split_once("\r\n").unwrap();
        let (piece, after) = after.split_at(usize::from_str_radix(length, 16).unwrap());
        body += piece;
        rest = after.strip_prefix("\r\n").expect("a chunk has its length");
        if piece.is_empty() {
            assert_eq!(rest, "", "nothing comes after the end");
            return body;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_in_chunks_and_ends_with_the_server() {
    let server = Server::start(|_| {}).await;
    let bot = server.app.bot().await;
    let mut wire = begun(&server, &bot.key, "1.1").await;
    for n in 1..=30 {
        // What is said on a line that only listens is heard by nobody.
        wire.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(server.app.post("/api/v1/agent/webhook/test").key(&bot).send().await.status, 200);
        server.app.run_jobs().await;
        wire.until(&format!("id: {n}\n")).await;
    }
    server.app.app.dispatcher.news.close();
    let body = unchunked(&wire.whole().await);
    assert_eq!(body.matches("\nevent: webhook_test\n").count(), 30, "{body}");
    server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_is_gone_leaves_his_place() {
    let server = Server::start(|config| config.events.streams_per_user_max = 3).await;
    let bot = server.app.bot().await;
    for _ in 0..4 {
        let mut readers = Vec::new();
        for version in ["1.1", "1.0", "1.1"] {
            readers.push(begun(&server, &bot.key, version).await);
        }
        let refused = server.app.get("/api/v1/agent/events/stream").key(&bot).send().await;
        assert_eq!((refused.status, refused.code()), (429, "too_many_streams".to_owned()));
        drop(readers);
        let news = &server.app.app.dispatcher.news;
        let all_left = async {
            while news.listeners(Topic::Events(bot.user_id)) > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all_left).await.expect("a closed connection ends its stream");
    }
    server.finish().await;
}

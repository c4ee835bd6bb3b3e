//! Receivers that misbehave, each in its own way, beside one that does not.

use std::io;
use std::time::{Duration, Instant};

use roborent::on_both_engines;
use roborent::testing::TestApp;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::receiver::{Receiver, deliver, hook, log, tell};

/// What a kind of receiver does with a connection, and what becomes of the delivery.
struct Evil {
    name: &'static str,
    deed: Deed,
    delivered: bool,
}

#[derive(Clone, Copy)]
enum Deed {
    /// Accepts, and says nothing.
    Silent,
    /// Closes before it reads.
    Close,
    /// The same with a reset.
    Reset,
    /// Reads the request, then resets.
    ResetAfterRequest,
    /// Answers without reading.
    AnswerUnread(&'static str),
    /// Reads, says this and closes.
    Say(&'static str),
    /// Reads, says this and then nothing, without closing.
    SayAndWait(&'static str),
    /// Reads, says this, then resets.
    SayAndReset(&'static str),
    /// Reads, says the first, then the second for ever.
    Endless(&'static str, &'static str),
    /// Says the text byte by byte.
    Drip(&'static str),
    /// Answers properly, but too late.
    Late,
    /// A kilobyte that unpacks to a megabyte, a thousand times.
    Bomb,
}

const OK: &str = "HTTP/1.1 200 OK\r\n";

const fn evil(name: &'static str, deed: Deed, delivered: bool) -> Evil {
    Evil { name, deed, delivered }
}

/// The status decides: what a receiver does with the body harms only itself.
const KINDS: [Evil; 44] = [
    evil("silent", Deed::Silent, false),
    evil("closes at once", Deed::Close, false),
    evil("resets at once", Deed::Reset, false),
    evil("resets after the request", Deed::ResetAfterRequest, false),
    evil(
        "headers at a byte a time",
        Deed::Drip("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n"),
        false,
    ),
    evil("a status line and no more", Deed::SayAndWait(OK), false),
    evil("half a status line", Deed::Say("HTTP/1.1 20"), false),
    evil("garbage", Deed::Say("\u{1}\u{2}\u{3} garbage \r\n\r\n"), false),
    evil("no HTTP", Deed::Say("220 mail.example ESMTP\r\n"), false),
    evil("HTTP/0.9", Deed::Say("<html>ok</html>"), false),
    evil("endless headers", Deed::Endless(OK, "x-header: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"), false),
    evil(
        "one endless header",
        Deed::Endless("HTTP/1.1 200 OK\r\nx: ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        false,
    ),
    evil(
        "endless body",
        Deed::Endless("HTTP/1.1 200 OK\r\n\r\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        true,
    ),
    evil("ten gigabytes announced", Deed::SayAndWait("HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\nx"), true),
    evil(
        "ten gigabytes sent",
        Deed::Endless("HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        true,
    ),
    evil("a gzip bomb", Deed::Bomb, true),
    evil("a body cut short", Deed::Say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nten bytes."), true),
    evil("chunks without end", Deed::Endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "5\r\nhello\r\n"), true),
    evil("a chunk that is none", Deed::Say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello"), true),
    evil("a chunk of 2^64", Deed::SayAndWait("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx"), true),
    evil("a reset in the body", Deed::SayAndReset("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx"), true),
    evil("100 for ever", Deed::Endless("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"), false),
    evil("103 for ever", Deed::Endless("HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"), false),
    evil("another protocol", Deed::SayAndWait("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"), false),
    evil(
        "redirect to a metadata address",
        Deed::Say("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/meta-data/\r\ncontent-length: 0\r\n\r\n"),
        false,
    ),
    evil("redirect to itself", Deed::Say("HTTP/1.1 307 Temporary Redirect\r\nlocation: /hook\r\ncontent-length: 0\r\n\r\n"), false),
    evil("redirect to a file", Deed::Say("HTTP/1.1 301 Moved\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n"), false),
    evil("redirect for good", Deed::Say("HTTP/1.1 308 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"), false),
    evil("204", Deed::Say("HTTP/1.1 204 No Content\r\n\r\n"), true),
    evil("201 of HTTP/1.0", Deed::Say("HTTP/1.0 201 Created\r\n\r\nuntil the end"), true),
    evil("410", Deed::Say("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"), false),
    evil("429 at once", Deed::Say("HTTP/1.1 429 Slow\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"), false),
    evil("429 for a billion seconds", Deed::Say("HTTP/1.1 429 Slow\r\nretry-after: 1000000000\r\ncontent-length: 0\r\n\r\n"), false),
    evil("429 until soon", Deed::Say("HTTP/1.1 429 Slow\r\nretry-after: soon\r\ncontent-length: 0\r\n\r\n"), false),
    evil(
        "503 until a date",
        Deed::Say("HTTP/1.1 503 Slow\r\nretry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\ncontent-length: 0\r\n\r\n"),
        false,
    ),
    evil("too late", Deed::Late, false),
    evil("two lengths", Deed::Say("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"), false),
    evil("a negative length", Deed::Say("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"), false),
    evil("status 999", Deed::Say("HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n"), false),
    evil("status 20", Deed::Say("HTTP/1.1 20 What\r\ncontent-length: 0\r\n\r\n"), false),
    evil(
        "two answers at once",
        Deed::Say("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"),
        true,
    ),
    evil("NUL and half characters", Deed::Say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\0\u{7f}\0\u{1b}"), true),
    evil("an answer without reading", Deed::AnswerUnread("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"), false),
    evil(
        "cookies and a realm",
        Deed::Say("HTTP/1.1 401 No\r\nset-cookie: a=b\r\nwww-authenticate: Basic realm=\"x\"\r\ncontent-length: 0\r\n\r\n"),
        false,
    ),
];

const DEADLINE: Duration = Duration::from_secs(4);

async fn read_request(tcp: &mut TcpStream) -> io::Result<()> {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4_096]);
    // The body of a test event ends with its time.
    while !seen.ends_with(b"Z\"}") {
        let length = tcp.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        seen.extend_from_slice(&buffer[..length]);
    }
    Ok(())
}

async fn misbehave(mut tcp: TcpStream, deed: Deed) -> io::Result<()> {
    match deed {
        Deed::Silent => return wait(tcp).await,
        Deed::Close => return Ok(()),
        Deed::Reset => return tcp.set_zero_linger(),
        Deed::AnswerUnread(text) => return tcp.write_all(text.as_bytes()).await,
        Deed::ResetAfterRequest
        | Deed::Say(_)
        | Deed::SayAndWait(_)
        | Deed::SayAndReset(_)
        | Deed::Endless(..)
        | Deed::Drip(_)
        | Deed::Late
        | Deed::Bomb => read_request(&mut tcp).await?,
    }
    match deed {
        Deed::Say(text) => tcp.write_all(text.as_bytes()).await,
        Deed::SayAndWait(text) => {
            tcp.write_all(text.as_bytes()).await?;
            wait(tcp).await
        }
        Deed::SayAndReset(text) => {
            tcp.write_all(text.as_bytes()).await?;
            tcp.set_zero_linger()
        }
        Deed::Endless(first, then) => {
            tcp.write_all(first.as_bytes()).await?;
            let then = then.repeat(100);
            loop {
                tcp.write_all(then.as_bytes()).await?;
            }
        }
        Deed::Drip(text) => {
            let mut ticks = tokio::time::interval(Duration::from_millis(50));
            for byte in text.bytes() {
                ticks.tick().await;
                tcp.write_all(&[byte]).await?;
            }
            Ok(())
        }
        Deed::Late => {
            tokio::time::sleep_until(tokio::time::Instant::now() + DEADLINE * 2).await;
            tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await
        }
        Deed::Bomb => {
            tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03").await?;
            loop {
                tcp.write_all(&[0; 1_024]).await?;
            }
        }
        Deed::ResetAfterRequest => tcp.set_zero_linger(),
        Deed::Silent | Deed::Close | Deed::Reset | Deed::AnswerUnread(_) => Ok(()),
    }
}

/// Until the other side hangs up.
async fn wait(mut tcp: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1_024];
    while tcp.read(&mut buffer).await? > 0 {}
    Ok(())
}

async fn start(deed: Deed) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(misbehave(tcp, deed));
        }
    });
    port
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

async fn state_of(app: &TestApp, bot: &roborent::testing::Bot) -> (String, serde_json::Value) {
    let delivery = log(app, bot).await[0].clone();
    (delivery["status"].as_str().unwrap().to_owned(), delivery)
}

on_both_engines! {
    async fn evil_receivers_harm_nobody_but_themselves(app, |config| {
        config.webhooks.timeout_ms = u64::try_from(DEADLINE.as_millis()).unwrap();
        config.limits.register = "1000/h".parse().unwrap();
    }) {
        let (receiver, healthy) = (Receiver::start().await, app.bot().await);
        hook(app, &healthy, &receiver.url()).await;
        let mut bots = Vec::new();
        for kind in &KINDS {
            let bot = app.bot().await;
            hook(app, &bot, &format!("http://127.0.0.1:{}/hook", start(kind.deed).await)).await;
            bots.push((kind.name, kind.delivered, bot));
        }
        for (name, deed) in [("TLS to one who talks HTTP", Deed::Say(OK)), ("TLS to one who says nothing", Deed::Silent)] {
            let bot = app.bot().await;
            hook(app, &bot, &format!("https://localhost:{}/hook", start(deed).await)).await;
            bots.push((name, false, bot));
        }
        // What is made once is made before.
        tell(app, &healthy, 20).await;
        deliver(app).await;
        receiver.take();
        let before = resident_kib();
        for (_, _, bot) in &bots {
            tell(app, bot, 3).await;
        }
        tell(app, &healthy, 200).await;
        app.run_jobs().await;
        let (started, mut looks) = (Instant::now(), tokio::time::interval(Duration::from_millis(10)));
        while receiver.messages().len() < 200 {
            looks.tick().await;
            if started.elapsed() > Duration::from_secs(30) {
                let missing: Vec<_> = log(app, &healthy).await.into_iter().filter(|delivery| delivery["status"] != "delivered").collect();
                panic!("{missing:?} did not arrive");
            }
        }
        tokio::time::timeout(Duration::from_mins(1), app.app.deliverer.rest()).await.expect("every attempt has an end");
        let grown = resident_kib().saturating_sub(before) / 1_024;
        assert!(grown < 20, "{grown} MiB more");
        for (name, delivered, bot) in &bots {
            let (state, delivery) = state_of(app, bot).await;
            assert_eq!(state == "delivered", *delivered, "{name}: {delivery}");
            let attempt = &delivery["last_attempt"];
            assert!(attempt["response_head"].as_str().is_none_or(|head| head.len() <= 4_096), "{name}");
            assert!(attempt.is_null() || attempt["duration_ms"].as_i64().unwrap() < 15_000, "{name}: {attempt}");
        }
    }

    async fn what_a_busy_receiver_asks_for_counts_within_an_hour(app) {
        let bot = app.bot().await;
        let port = start(Deed::Say("HTTP/1.1 429 Slow\r\nretry-after: 1000000000\r\ncontent-length: 0\r\n\r\n")).await;
        hook(app, &bot, &format!("http://127.0.0.1:{port}/hook")).await;
        tell(app, &bot, 1).await;
        deliver(app).await;
        let next = log(app, &bot).await[0]["next_attempt_at"].as_str().unwrap().to_owned();
        let waits = roborent::base::Ts::parse(&next).unwrap().since(app.now());
        assert_eq!(waits, roborent::base::Span::hours(1));
        assert_eq!(log(app, &bot).await[0]["last_attempt"]["response_status"], json!(429));
    }
}

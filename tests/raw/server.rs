//! The application behind a real listener, and a client that sends bytes as they are.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use roborent::base::config::Config;
use roborent::doors::{self, Connections};
use roborent::testing::{Engine, TestApp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// No answer takes longer.
const LIMIT: Duration = Duration::from_secs(20);

pub struct Server {
    pub app: TestApp,
    pub address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    pub async fn start(change: impl FnOnce(&mut Config)) -> Self {
        let app = TestApp::start_with(Engine::Sqlite, change).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let connections = Connections::of(&app.app.dispatcher.config.server);
        let serving = tokio::spawn(doors::serve(listener, doors::public_router(&app.app), stop.clone(), connections));
        Self { app, address, stop, serving }
    }

    pub async fn open(&self) -> Wire {
        Wire { tcp: TcpStream::connect(self.address).await.unwrap(), heard: Vec::new(), opened: Instant::now() }
    }

    /// Sends `bytes` and listens until the server closes.
    pub async fn say(&self, bytes: &[u8]) -> Heard {
        let mut wire = self.open().await;
        wire.send(bytes).await;
        wire.until_closed().await
    }

    pub async fn finish(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
        self.app.finish().await;
    }
}

/// One connection.
pub struct Wire {
    tcp: TcpStream,
    heard: Vec<u8>,
    opened: Instant,
}

impl Wire {
    /// Sends as much as the other end takes; it may have closed.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.tcp.write_all(bytes).await.is_ok()
    }

    /// Listens until this many answers are there.
    pub async fn answers(&mut self, count: usize) -> Vec<Answer> {
        loop {
            let answers = Answer::all(&self.heard);
            if answers.len() >= count {
                return answers;
            }
            assert!(self.listen().await, "closed after {answers:?}");
        }
    }

    /// Listens until this text is there.
    pub async fn until(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.heard).contains(text) {
            assert!(self.listen().await, "closed before {text}");
        }
    }

    /// Everything, to the end of the connection.
    pub async fn whole(mut self) -> String {
        while self.listen().await {}
        String::from_utf8(self.heard).expect("text")
    }

    /// Listens until the server closes.
    pub async fn until_closed(mut self) -> Heard {
        while self.listen().await {}
        Heard { answers: Answer::all(&self.heard), after: self.opened.elapsed() }
    }

    async fn listen(&mut self) -> bool {
        let mut some = [0; 4_096];
        // A reset ends the connection, too.
        let read = timeout(LIMIT, self.tcp.read(&mut some)).await.expect("the server leaves the connection open").unwrap_or(0);
        self.heard.extend(&some[..read]);
        read > 0
    }
}

/// What came until the connection was closed.
#[derive(Debug)]
pub struct Heard {
    pub answers: Vec<Answer>,
    pub after: Duration,
}

impl Heard {
    pub fn statuses(&self) -> Vec<u16> {
        self.answers.iter().map(|answer| answer.status).collect()
    }
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.split_once(": ").filter(|(known, _)| *known == name).map(|(_, value)| value))
    }

    /// Every answer that is there to its end.
    fn all(bytes: &[u8]) -> Vec<Self> {
        let mut answers = Vec::new();
        let mut rest = String::from_utf8_lossy(bytes).into_owned();
        while let Some((head, after)) = rest.split_once("\r\n\r\n") {
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
            let answer = Self { status, head: head.to_owned(), body: String::new() };
            let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
            let Some((body, after)) = after.split_at_checked(length) else { break };
            answers.push(Self { body: body.to_owned(), ..answer });
            rest = after.to_owned();
        }
        answers
    }
}

//! A client of its own, over one kept-alive HTTP/1.1 connection: it must know what arrived to the last byte.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A request that can be sent more than once.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub api_key: Option<String>,
    pub token: Option<String>,
    pub idempotency_key: Option<String>,
    pub body: String,
}

impl Request {
    /// Reads as `api_key`.
    pub fn get(path: &str, api_key: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), api_key: Some(api_key.to_owned()), ..Self::post(path, "") }
    }

    /// Writes.
    pub fn post(path: &str, body: &str) -> Self {
        Self { method: "POST", path: path.to_owned(), api_key: None, token: None, idempotency_key: None, body: body.to_owned() }
    }

    /// Changes fields.
    pub fn patch(path: &str, body: &str) -> Self {
        Self { method: "PATCH", ..Self::post(path, body) }
    }

    /// As `api_key`.
    pub fn by(mut self, api_key: &str) -> Self {
        self.api_key = Some(api_key.to_owned());
        self
    }

    /// As somebody who has signed in.
    pub fn signed_in(mut self, token: &str) -> Self {
        self.token = Some(format!("Bearer {token}"));
        self
    }

    /// With an Idempotency-Key.
    pub fn keyed(mut self, key: String) -> Self {
        self.idempotency_key = Some(key);
        self
    }
}

/// An answer that arrived whole.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Whether the answer is that of an earlier call.
    pub fn is_replay(&self) -> bool {
        self.header("idempotency-replayed") == Some("true")
    }

    /// Whether the call was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer, when it has this status; otherwise the test fails and shows it.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The body for people.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One connection.
pub struct Connection {
    address: SocketAddr,
    socket: BufReader<TcpStream>,
}

impl Connection {
    /// Connects; an answer that takes longer than 30 seconds is an error.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { address, socket: BufReader::new(socket) })
    }

    /// Sends a request and reads the whole answer; after an error the connection is of no use.
    pub fn send(&mut self, request: &Request) -> io::Result<Reply> {
        let Request { method, path, api_key, token, idempotency_key, body } = request;
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.address, body.len());
        for (name, value) in [("x-api-key", api_key), ("authorization", token), ("idempotency-key", idempotency_key)] {
            if let Some(value) = value {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        if !body.is_empty() {
            text.push_str("content-type: application/json\r\n");
        }
        text.push_str("\r\n");
        text.push_str(body);
        self.socket.get_mut().write_all(text.as_bytes())?;
        self.read()
    }

    fn read(&mut self) -> io::Result<Reply> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| io::Error::other(first.clone()))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut reply = Reply { status, headers, body: Vec::new() };
        let length =
            reply.header("content-length").and_then(|length| length.parse().ok()).ok_or_else(|| io::Error::other("no content-length"))?;
        reply.body.resize(length, 0);
        self.socket.read_exact(&mut reply.body)?;
        Ok(reply)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.socket.read_line(&mut line)?;
        line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

//! Raw HTTP/1.1 over TCP: as little work as possible in the client, because it shares the machine with the server.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::Fallible;
use crate::time::now;

/// A server that says nothing for so long is broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the same again and again on `clients` connections that stay open; answers the latency of each request in µs.
pub async fn load(address: SocketAddr, request: &Arc<[u8]>, clients: usize, time: Duration) -> Fallible<Vec<u32>> {
    let until = now() + time;
    let tasks: Vec<_> = (0..clients)
        .map(|_| tokio::spawn(tokio::time::timeout(time + PATIENCE, connection(address, Arc::clone(request), until))))
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await???);
    }
    Ok(latencies)
}

async fn connection(address: SocketAddr, request: Arc<[u8]>, until: Instant) -> Fallible<Vec<u32>> {
    let mut connection = Connection::open(address).await?;
    let mut latencies = Vec::with_capacity(32_768);
    loop {
        let sent = now();
        if sent >= until {
            return Ok(latencies);
        }
        connection.ask(&request).await?;
        latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
}

/// A connection that stays open.
pub struct Connection {
    socket: tokio::net::TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Fallible<Self> {
        let socket = tokio::net::TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: vec![0; 16_384] })
    }

    /// Asks once; answers the body. Anything but success is an error.
    pub async fn ask(&mut self, request: &[u8]) -> Fallible<&[u8]> {
        self.socket.write_all(request).await?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.socket.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            filled += read;
            if let Some((head, whole)) = length_of(&self.buffer[..filled])?.filter(|(_, whole)| filled >= *whole) {
                return Ok(&self.buffer[head..whole]);
            }
        }
    }
}

/// Where the body begins and ends, once the head is there. Anything but success ends the run.
fn length_of(answer: &[u8]) -> Fallible<Option<(usize, usize)>> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&answer[..head])?;
    if !text.starts_with("HTTP/1.1 20") {
        return Err(format!("the server answered {}", String::from_utf8_lossy(answer)).into());
    }
    let length =
        text.lines().find_map(|line| line.get(..15).filter(|name| name.eq_ignore_ascii_case("content-length:")).map(|_| line[15..].trim()));
    let body = head + 4;
    Ok(Some((body, body + length.ok_or("an answer without Content-Length")?.parse::<usize>()?)))
}

/// One request on a connection of its own; answers status and body.
pub fn once(address: SocketAddr, method: &str, path: &str, body: &str) -> Fallible<(u16, String)> {
    raw(address, format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes())
}

/// The same for a request that is written out.
pub fn raw(address: SocketAddr, request: &[u8]) -> Fallible<(u16, String)> {
    let (head, body) = exchange(address, request)?;
    Ok((head.split(' ').nth(1).ok_or("not an HTTP answer")?.parse()?, body))
}

/// The same; answers the whole head and the body.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Fallible<(String, String)> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let (line, rest) = request.split_at(request.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1));
    socket.write_all(&[line, b"connection: close\r\n", rest].concat())?;
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("an answer without an end of its head")?;
    Ok((head.to_owned(), body.to_owned()))
}

//! A receiver of webhooks that does as little as possible: reads, notes when which number arrived, says 200.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Fallible;
use crate::time::now;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// What arrived.
#[derive(Default)]
pub struct Arrived {
    pub count: AtomicU64,
    /// When which event came, while `notes` is on.
    pub when: Mutex<Vec<(i64, Instant)>>,
}

impl Arrived {
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub fn take(&self) -> Vec<(i64, Instant)> {
        std::mem::take(&mut *self.when.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Starts to listen; answers where.
pub async fn start() -> Fallible<(SocketAddr, Arc<Arrived>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let (address, arrived) = (listener.local_addr()?, Arc::<Arrived>::default());
    let kept = Arc::clone(&arrived);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move { drop(receive(socket, &kept).await) });
        }
    });
    Ok((address, arrived))
}

/// How a receiver misbehaves.
#[derive(Clone, Copy)]
pub enum Evil {
    /// Takes everything and never answers.
    Silent,
    /// Closes at once.
    HangsUp,
    /// Answers without end.
    Endless,
}

/// Starts one that misbehaves; answers where.
pub async fn start_evil(kind: Evil) -> Fallible<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move { drop(misbehave(socket, kind).await) });
        }
    });
    Ok(address)
}

async fn misbehave(mut socket: TcpStream, kind: Evil) -> std::io::Result<()> {
    let mut taken = [0; 4_096];
    match kind {
        Evil::HangsUp => return Ok(()),
        Evil::Silent => while socket.read(&mut taken).await? > 0 {},
        Evil::Endless => {
            if socket.read(&mut taken).await? == 0 {
                return Ok(());
            }
            socket.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            loop {
                socket.write_all(b"400\r\n").await?;
                socket.write_all(&[b'x'; 1_024]).await?;
                socket.write_all(b"\r\n").await?;
            }
        }
    }
    Ok(())
}

async fn receive(mut socket: TcpStream, arrived: &Arrived) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let (mut buffer, mut filled) = (vec![0; 16_384], 0);
    loop {
        let read = socket.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        while let Some((head, whole)) = length_of(&buffer[..filled]) {
            if filled < whole {
                break;
            }
            arrived.count.fetch_add(1, Ordering::Relaxed);
            if let Some(seq) = seq_of(&buffer[head..whole]) {
                arrived.when.lock().unwrap_or_else(PoisonError::into_inner).push((seq, now()));
            }
            buffer.copy_within(whole..filled, 0);
            filled -= whole;
            socket.write_all(ANSWER).await?;
        }
    }
}

fn length_of(message: &[u8]) -> Option<(usize, usize)> {
    let head = message.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&message[..head]).ok()?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
    Some((head, head + length))
}

fn seq_of(body: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(body).ok()?;
    text.rsplit_once("\"seq\":")?.1.split(',').next()?.parse().ok()
}

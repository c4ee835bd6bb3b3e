//! The socket of a connection to PostgreSQL, which blocks: whoever asks has a thread and nothing else to do. Opening it,
//! with password and TLS, is the work of the client library; what comes after is ours.

use std::future::{Ready, ready};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Bytes to and from the server.
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// Where a server may be.
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    /// All that stand behind the host at `place` in the list of `config`.
    pub(crate) fn all_of(config: &Config, place: usize) -> io::Result<Vec<Self>> {
        let port = config.get_ports().get(place).or_else(|| config.get_ports().first()).copied().unwrap_or(5432);
        let found: Vec<Self> = match (config.get_hostaddrs().get(place), config.get_hosts().get(place)) {
            (Some(address), _) => vec![Self::Tcp((*address, port).into())],
            (None, Some(Host::Tcp(name))) => (name.as_str(), port).to_socket_addrs()?.map(Self::Tcp).collect(),
            (None, Some(Host::Unix(folder))) => vec![Self::Unix(folder.join(format!(".s.PGSQL.{port}")))],
            (None, None) => Vec::new(),
        };
        if found.is_empty() { Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address")) } else { Ok(found) }
    }
}

impl Socket {
    /// Connects to one address.
    pub(crate) fn open(address: &Address, config: &Config) -> io::Result<Self> {
        match address {
            Address::Unix(path) => UnixStream::connect(path).map(Self::Unix),
            Address::Tcp(address) => {
                let within = config.get_connect_timeout().copied().unwrap_or(Duration::from_secs(5));
                Self::kept(TcpStream::connect_timeout(address, within)?, config).map(Self::Tcp)
            }
        }
    }

    /// Set up so that a network that goes silent is noticed.
    fn kept(stream: TcpStream, config: &Config) -> io::Result<TcpStream> {
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        if config.get_keepalives() {
            let mut alive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
            if let Some(every) = config.get_keepalives_interval() {
                alive = alive.with_interval(every);
            }
            if let Some(times) = config.get_keepalives_retries() {
                alive = alive.with_retries(times);
            }
            socket.set_tcp_keepalive(&alive)?;
        }
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(config.get_tcp_user_timeout().copied())?;
        Ok(stream)
    }

    /// How long a read or a write may wait from now on.
    pub(crate) fn waits(&self, limit: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(limit)).and_then(|()| stream.set_write_timeout(Some(limit))),
            Self::Unix(stream) => stream.set_read_timeout(Some(limit)).and_then(|()| stream.set_write_timeout(Some(limit))),
            Self::Tls(stream) => stream.sock.set_read_timeout(Some(limit)).and_then(|()| stream.sock.set_write_timeout(Some(limit))),
        }
    }

    /// Ends it in both directions.
    pub(crate) fn shut(&self) {
        drop(match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tls(stream) => stream.sock.shutdown(Shutdown::Both),
        });
    }

    /// The stream that the client library opens a session on; it never says "not yet".
    pub(crate) fn handshake(&mut self) -> Handshake<'_> {
        Handshake(self)
    }

    fn encrypt(&mut self, name: ServerName<'static>, tls: Arc<ClientConfig>) -> io::Result<()> {
        let Self::Tcp(stream) = self else { return Err(io::Error::other("TLS is for TCP alone")) };
        let mut encrypted = StreamOwned::new(ClientConnection::new(tls, name).map_err(io::Error::other)?, stream.try_clone()?);
        while encrypted.conn.is_handshaking() {
            encrypted.conn.complete_io(&mut encrypted.sock)?;
        }
        *self = Self::Tls(Box::new(encrypted));
        Ok(())
    }
}

impl Read for Socket {
    /// Goes on after a signal: a wait with a limit is not continued by the kernel.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Tcp(stream) => stream.read(buffer),
                Self::Unix(stream) => stream.read(buffer),
                Self::Tls(stream) => stream.read(buffer),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Unix(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// A socket while the session is opened.
pub(crate) struct Handshake<'s>(&'s mut Socket);

impl AsyncRead for Handshake<'_> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = self.get_mut().0.read(buffer.initialize_unfilled())?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Handshake<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.get_mut().0.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.get_mut().0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Handshake<'_> {
    fn channel_binding(&self) -> ChannelBinding {
        let Socket::Tls(stream) = &*self.0 else { return ChannelBinding::none() };
        let certificate = stream.conn.peer_certificates().and_then(<[_]>::first);
        certificate.and_then(|certificate| end_point(certificate)).map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

/// The hash that ties a password to the server's certificate (RFC 5929, section 4.1): that of its signature, SHA-256 for
/// those that are too weak.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let signed_with = Certificate::from_der(certificate).ok()?.signature_algorithm.oid.to_string();
    match signed_with.as_str() {
        // RSA with MD5, SHA-1, SHA-256; ECDSA with SHA-1, SHA-256.
        "1.2.840.113549.1.1.4" | "1.2.840.113549.1.1.5" | "1.2.840.113549.1.1.11" | "1.2.840.10045.4.1" | "1.2.840.10045.4.3.2" => {
            Some(Sha256::digest(certificate).to_vec())
        }
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Some(Sha384::digest(certificate).to_vec()),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

/// Turns a TCP stream into an encrypted one, when the server agrees.
pub(crate) struct Encrypt {
    pub(crate) name: String,
    pub(crate) tls: Arc<ClientConfig>,
}

impl<'s> TlsConnect<Handshake<'s>> for Encrypt {
    type Stream = Handshake<'s>;
    type Error = io::Error;
    type Future = Ready<io::Result<Handshake<'s>>>;

    fn connect(self, stream: Handshake<'s>) -> Self::Future {
        let encrypted = ServerName::try_from(self.name).map_err(io::Error::other).and_then(|name| stream.0.encrypt(name, self.tls));
        ready(encrypted.map(|()| stream))
    }
}

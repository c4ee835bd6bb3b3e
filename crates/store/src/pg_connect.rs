//! How a connection to PostgreSQL is made: TLS with the platform's roots when the server is elsewhere, session settings
//! that make both engines alike. Commands and queries go over a wire of our own, which blocks; what is rare (migrations,
//! transfers, listening) uses the client library.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};

use crate::error::StoreError;
use crate::pg_socket::{Address, Encrypt, Socket};
use crate::pg_wire::Wire;
use crate::runtime;

/// Sequential scans are a last resort: a plan made while a table was empty stays in the prepared statements when the
/// table has grown, and every statement is tested to find its rows by an index. For the same reason no plan depends on
/// values; left to choose, the server plans a statement of many writes anew each time. The price it puts on a scan that
/// is a last resort would make it compile small plans.
const SESSION: &str = "set client_min_messages = warning; set statement_timeout = '60s'; set lock_timeout = '10s'; \
                       set idle_in_transaction_session_timeout = '60s'; set synchronous_commit = on; \
                       set enable_seqscan = off; set plan_cache_mode = force_generic_plan; set jit = off";

/// For all of it: address, TLS, password, settings; on a wire of ours for each answer. A server that is stopped still takes
/// connections.
const CONNECTED_WITHIN: Duration = Duration::from_secs(20);

/// What drives a connection on the runtime where it was made.
type Driver = JoinHandle<Result<(), tokio_postgres::Error>>;

/// Told what is said on a channel.
pub(crate) type Hear = Arc<dyn Fn(&str) + Send + Sync>;

/// Opens a session that blocks; the first host that takes it, if it may do what the URL wants.
pub(crate) fn open(url: &str) -> Result<Wire, StoreError> {
    let config = config(url)?;
    let mut refused = StoreError::Unavailable("the database URL names no host".into());
    for place in 0..config.get_hosts().len().max(config.get_hostaddrs().len()) {
        let addresses = match Address::all_of(&config, place) {
            Ok(addresses) => addresses,
            Err(error) => {
                refused = not_reached(&error);
                continue;
            }
        };
        for address in addresses {
            match open_at(&config, place, &address) {
                Ok(wire) => return Ok(wire),
                Err(error) => refused = error,
            }
        }
    }
    Err(refused)
}

fn not_reached(error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("error connecting to server: {error}"))
}

fn open_at(config: &Config, place: usize, address: &Address) -> Result<Wire, StoreError> {
    let mut socket = Socket::open(address, config).map_err(|error| not_reached(&error))?;
    socket.waits(CONNECTED_WITHIN).map_err(|error| not_reached(&error))?;
    // Nothing in the handshake is ever pending: its stream blocks.
    let session = runtime()?;
    if wants_tls(config) {
        let name = config.get_hosts().get(place).and_then(|host| if let Host::Tcp(name) = host { Some(name.clone()) } else { None });
        let encrypt = Encrypt { name: name.unwrap_or_default(), tls: Arc::new(tls()?) };
        drop(session.block_on(config.connect_raw(socket.handshake(), encrypt)).map_err(unreachable)?);
    } else {
        let mut config = config.clone();
        config.ssl_mode(SslMode::Disable);
        drop(session.block_on(config.connect_raw(socket.handshake(), NoTls)).map_err(unreachable)?);
    }
    let mut wire = Wire::new(socket);
    wire.batch(SESSION, CONNECTED_WITHIN)?;
    let wanted = match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => "off",
        TargetSessionAttrs::ReadOnly => "on",
        _ => return Ok(wire),
    };
    match wire.batch("show transaction_read_only", CONNECTED_WITHIN)? {
        Some(read_only) if read_only == wanted => Ok(wire),
        _ => Err(StoreError::Unavailable("the server does not allow what target_session_attrs asks for".into())),
    }
}

fn config(url: &str) -> Result<Config, StoreError> {
    let mut config: Config =
        url.parse().map_err(|e: tokio_postgres::Error| StoreError::Unavailable(format!("the database URL is not valid: {e}")))?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    // A network that goes silent must not hold a thread for hours.
    config
        .tcp_user_timeout(Duration::from_secs(20))
        .keepalives_idle(Duration::from_secs(15))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3);
    config.application_name("roborent");
    // Who is asked for a password over a network is asked over TLS: to "prefer" it would leave that to whoever answers.
    if config.get_ssl_mode() == SslMode::Prefer && wants_tls(&config) {
        config.ssl_mode(SslMode::Require);
    }
    Ok(config)
}

/// Connects and drives the connection on the current runtime.
pub(crate) async fn connect(url: &str) -> Result<(Client, Driver), StoreError> {
    connect_to_hear(url, Arc::new(|_| {})).await
}

/// The same, and tells `hear` what is said on the channels that it listens to.
pub(crate) async fn connect_to_hear(url: &str, hear: Hear) -> Result<(Client, Driver), StoreError> {
    let config = config(url)?;
    let no_answer = |_| StoreError::Unavailable(format!("the server did not answer within {CONNECTED_WITHIN:?}"));
    tokio::time::timeout(CONNECTED_WITHIN, dial(&config, hear)).await.map_err(no_answer)?
}

async fn dial(config: &Config, hear: Hear) -> Result<(Client, Driver), StoreError> {
    let (client, driver) = if wants_tls(config) {
        let (client, connection) = config.connect(tokio_postgres_rustls::MakeRustlsConnect::new(tls()?)).await.map_err(unreachable)?;
        (client, tokio::spawn(drive(connection, hear)))
    } else {
        let (client, connection) = config.connect(NoTls).await.map_err(unreachable)?;
        (client, tokio::spawn(drive(connection, hear)))
    };
    client.batch_execute(SESSION).await?;
    Ok((client, driver))
}

/// To its end, which is that of the connection.
async fn drive<S, T>(mut connection: Connection<S, T>, hear: Hear) -> Result<(), tokio_postgres::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
        if let AsyncMessage::Notification(said) = message? {
            hear(said.payload());
        }
    }
    Ok(())
}

/// Loopback and Unix sockets need no TLS unless the URL asks for it.
fn wants_tls(config: &Config) -> bool {
    let near = config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
    let local = near
        && config.get_hosts().iter().all(|host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        });
    match config.get_ssl_mode() {
        SslMode::Disable => false,
        SslMode::Prefer => !local,
        _ => true,
    }
}

fn tls() -> Result<ClientConfig, StoreError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let verified = builder.and_then(rustls_platform_verifier::BuilderVerifierExt::with_platform_verifier);
    Ok(verified.map_err(|e| StoreError::Unavailable(format!("TLS: {e}")))?.with_no_client_auth())
}

fn unreachable(error: tokio_postgres::Error) -> StoreError {
    match StoreError::from(error) {
        StoreError::Bug(text) | StoreError::Lost(text) => StoreError::Unavailable(text),
        other => other,
    }
}

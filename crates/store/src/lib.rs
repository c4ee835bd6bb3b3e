//! Two engines, one interface.
//!
//! `store.command(|tx| …)` runs a closure in a transaction that may write, `store.query(|tx| …)` in a read-only
//! snapshot; both answer when the outcome is final, and a command's success is answered only when it is durable.
//! SQLite has one writer thread with group commit and a few readers; PostgreSQL has connection threads. The crate knows
//! no word of the domain.

mod checks;
mod error;
mod job;
mod lite;
mod lite_writer;
mod migrate;
mod pg_ahead;
mod pg_connect;
mod pg_listen;
mod pg_socket;
mod pg_wire;
mod pg_worker;
mod pg_writes;
mod postgres;
mod statement;
mod transfer;
mod tx;
mod value;
mod verify;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

pub use error::StoreError;
pub use migrate::Migration;
pub use pg_listen::listen;
pub use statement::{AnyStatement, Both, FromRow, Kinds, Params, Raw, Row, Stmt};
pub use transfer::{Summary, export, import};
pub use tx::Tx;
pub use value::{Bind, Cell, Field, Kind, Mismatch, Value};
pub use verify::{full_scans, temporary_tables, verify};

use job::{Job, Work};
use pg_worker::Purpose;

/// The usual [`Settings::batch_max`].
pub const BATCH_MAX: usize = 256;

/// Which database, and how much of it to use.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the data is.
    pub engine: EngineSettings,
    /// Commands that may wait; one more is refused with [`StoreError::Busy`]. The same for queries.
    pub queue_max: usize,
    /// Commands that SQLite commits together at most; 1 gives each a commit of its own.
    pub batch_max: usize,
}

/// One of the two engines.
#[derive(Clone, Debug)]
pub enum EngineSettings {
    /// A database file, made when it is missing.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Threads that run queries.
        readers: usize,
    },
    /// A PostgreSQL server.
    Postgres {
        /// `postgres://…`
        url: String,
        /// Connections for commands.
        writers: usize,
        /// Connections for queries.
        readers: usize,
    },
}

impl EngineSettings {
    /// An embedded database with three readers.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::Sqlite { path: path.into(), readers: 3 }
    }

    /// A server with eight connections for commands and four for queries.
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::Postgres { url: url.into(), writers: 8, readers: 4 }
    }
}

/// The database of this process. Clones share its threads.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    queues: Mutex<Option<Queues>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Queues {
    commands: Sender<Box<dyn Job>>,
    queries: Sender<Box<dyn Job>>,
}

impl Store {
    /// Migrates the database, opens its connections and starts their threads. `now` is in milliseconds. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Migration`] when the database belongs to another version, [`StoreError::Unavailable`] when it
    /// cannot be reached.
    pub fn open(settings: &Settings, migrations: &[Migration], now: i64) -> Result<Self, StoreError> {
        migrate(&settings.engine, migrations, now)?;
        let (commands, command_queue) = bounded(settings.queue_max);
        let (queries, query_queue) = bounded(settings.queue_max);
        let threads = match &settings.engine {
            EngineSettings::Sqlite { path, readers } => lite_threads(path, *readers, settings.batch_max, &command_queue, &query_queue)?,
            EngineSettings::Postgres { url, writers, readers } => {
                let mut threads = postgres_threads(url, *writers, &command_queue, Purpose::Commands)?;
                threads.extend(postgres_threads(url, *readers, &query_queue, Purpose::Queries)?);
                threads
            }
        };
        let inner = Inner { queues: Mutex::new(Some(Queues { commands, queries })), threads: Mutex::new(threads) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens a database that is there already for queries alone: nothing is migrated, every command is refused. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Migration`] when its schema is not that of `migrations`, [`StoreError::Unavailable`] when it cannot be
    /// reached.
    pub fn open_to_read(settings: &Settings, migrations: &[Migration]) -> Result<Self, StoreError> {
        let (commands, _) = bounded(settings.queue_max);
        let (queries, query_queue) = bounded(settings.queue_max);
        let threads = match &settings.engine {
            EngineSettings::Sqlite { path, readers } => {
                migrate::look_at_sqlite(&lite::open_reader(path)?, migrations)?;
                lite_readers(path, *readers, &query_queue)?
            }
            EngineSettings::Postgres { url, readers, .. } => {
                on_a_thread(|| runtime()?.block_on(migrate::look_at_postgres(url, migrations)))?;
                postgres_threads(url, *readers, &query_queue, Purpose::Queries)?
            }
        };
        let inner = Inner { queues: Mutex::new(Some(Queues { commands, queries })), threads: Mutex::new(threads) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs `f` in a transaction. `f` may run more than once and must have no effect outside of `tx`. Success is
    /// answered when it is durable.
    ///
    /// # Errors
    /// What `f` refused (then nothing is changed), or a [`StoreError`].
    pub async fn command<T, E>(&self, f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.enqueue(|queues| &queues.commands, f).await
    }

    /// Runs `f` in a snapshot that cannot write.
    ///
    /// # Errors
    /// What `f` refused, or a [`StoreError`].
    pub async fn query<T, E>(&self, f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.enqueue(|queues| &queues.queries, f).await
    }

    async fn enqueue<T, E>(
        &self,
        which: fn(&Queues) -> &Sender<Box<dyn Job>>,
        f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let job = Box::new(Work { run: f, outcome: None, answer });
        let sent = match self.inner.queues.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            None => return Err(StoreError::Closed.into()),
            Some(queues) => which(queues).try_send(job),
        };
        match sent {
            Ok(()) => outcome.await.unwrap_or_else(|_| Err(StoreError::Closed.into())),
            Err(TrySendError::Full(_)) => Err(StoreError::Busy.into()),
            Err(TrySendError::Disconnected(_)) => Err(StoreError::Closed.into()),
        }
    }

    /// Commands that wait at this moment.
    pub fn commands_waiting(&self) -> usize {
        self.inner.queues.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, |queues| queues.commands.len())
    }

    /// Finishes what was queued, refuses what comes later, ends the threads. Blocks.
    pub fn close(&self) {
        drop(self.inner.queues.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.inner.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

/// Brings the schema up to date; answers how many migrations were applied. Blocks; `now` is in milliseconds.
///
/// # Errors
/// [`StoreError::Migration`] when the database belongs to another version.
pub fn migrate(engine: &EngineSettings, migrations: &[Migration], now: i64) -> Result<usize, StoreError> {
    match engine {
        EngineSettings::Sqlite { path, .. } => migrate::sqlite(&mut lite::open_writer(path)?, migrations, now),
        EngineSettings::Postgres { url, .. } => on_a_thread(|| runtime()?.block_on(migrate::postgres(url, migrations, now))),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, StoreError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| StoreError::Unavailable(e.to_string()))
}

/// Runs blocking work that needs a runtime of its own, whether or not the caller is inside one.
fn on_a_thread<T: Send>(work: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(|_| Err(StoreError::Bug("a thread of the store panicked".into()))))
}

type Queue = Receiver<Box<dyn Job>>;

fn lite_threads(
    path: &std::path::Path,
    readers: usize,
    batch_max: usize,
    commands: &Queue,
    queries: &Queue,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let writer = lite::open_writer(path)?;
    let file = path.to_owned();
    let queue = commands.clone();
    let mut threads = vec![spawn("store-writer".into(), move || lite_writer::serve_for_ever(writer, &file, &queue, batch_max))?];
    threads.extend(lite_readers(path, readers, queries)?);
    Ok(threads)
}

fn lite_readers(path: &std::path::Path, readers: usize, queries: &Queue) -> Result<Vec<JoinHandle<()>>, StoreError> {
    (0..readers)
        .map(|n| {
            let connection = lite::open_reader(path)?;
            let queue = queries.clone();
            spawn(format!("store-reader-{n}"), move || lite_writer::serve_queries(&connection, &queue))
        })
        .collect()
}

fn postgres_threads(url: &str, count: usize, queue: &Queue, purpose: Purpose) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let name = match purpose {
        Purpose::Commands => "store-command",
        Purpose::Queries => "store-query",
    };
    (0..count)
        .map(|n| {
            let connection = on_a_thread(|| postgres::Postgres::connect(url))?;
            let queue = queue.clone();
            spawn(format!("{name}-{n}"), move || pg_worker::serve(connection, &queue, purpose))
        })
        .collect()
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new().name(name).spawn(work).map_err(|e| StoreError::Unavailable(e.to_string()))
}

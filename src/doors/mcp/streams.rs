//! The open event streams of this node: who may post to which, and how many there may be.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, mpsc};
use uuid::Uuid;

use crate::base::UserId;
use crate::base::call::Credentials;
use crate::base::config_mcp::Mcp;
use crate::base::error::{Error, Result};
use crate::doors::mcp::McpRefusal;

/// Answers that may wait for a stream that is slow to take them.
const QUEUE_MAX: usize = 32;
/// Messages of a stream that are worked on at a time.
const WORKED_ON_MAX: usize = 8;

/// All of them.
#[derive(Debug, Default)]
pub struct Streams(Mutex<HashMap<String, Arc<Stream>>>);

/// One open stream.
#[derive(Debug)]
pub struct Stream {
    /// Where answers go.
    pub answers: mpsc::Sender<String>,
    /// Messages that may be worked on.
    pub work: Arc<Semaphore>,
    client: Uuid,
    owner: Mutex<Owner>,
    /// Rises with each message.
    messages: AtomicU64,
}

/// Whose a stream is. It changes once at most.
#[derive(Clone, Debug)]
pub enum Owner {
    /// Nobody has signed in yet.
    Nobody,
    /// Whoever opened it or posted to it with a credential; each message needs one.
    Keyed {
        /// Who.
        user_id: UserId,
        /// What the stream was opened with; it ends when they do.
        credentials: Credentials,
    },
    /// A user who was registered on it; his messages need no credential.
    Registered {
        /// Who.
        user_id: UserId,
        /// The key of the registration.
        credentials: Credentials,
    },
}

impl Owner {
    /// Who, if anybody.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::Nobody => None,
            Self::Keyed { user_id, .. } | Self::Registered { user_id, .. } => Some(*user_id),
        }
    }

    /// What has to hold for the stream to stay open.
    pub fn credentials(&self) -> Option<&Credentials> {
        match self {
            Self::Nobody => None,
            Self::Keyed { credentials, .. } | Self::Registered { credentials, .. } => Some(credentials),
        }
    }
}

impl Stream {
    /// Whose it is now.
    pub fn owner(&self) -> Owner {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes it somebody's, unless it is already.
    pub fn bind(&self, owner: Owner) {
        let mut present = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*present, Owner::Nobody) {
            *present = owner;
        }
    }

    /// A message has come.
    pub fn note_message(&self) {
        self.messages.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages have come.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }
}

impl Streams {
    /// Opens one, if there may be one more.
    pub fn open(&self, id: String, client: Uuid, owner: Owner, limits: &Mcp) -> Result<(Arc<Stream>, mpsc::Receiver<String>)> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= limits.streams_max {
            return Err(Error::from(McpRefusal::ServerFull).retry_after(60));
        }
        let user = owner.user_id();
        let is_same = |stream: &&Arc<Stream>| match user {
            Some(_) => stream.owner().user_id() == user,
            None => stream.client == client && stream.owner().user_id().is_none(),
        };
        let most = if user.is_some() { limits.streams_per_user_max } else { limits.streams_per_client_max };
        let same = open.values().filter(is_same).count();
        if same >= most {
            return Err(Error::from(McpRefusal::TooManyStreams).retry_after(60));
        }
        let (answers, waiting) = mpsc::channel(QUEUE_MAX);
        let work = Arc::new(Semaphore::new(WORKED_ON_MAX));
        let stream = Arc::new(Stream { answers, work, client, owner: Mutex::new(owner), messages: AtomicU64::new(0) });
        open.insert(id, Arc::clone(&stream));
        metrics::gauge!("roborent_mcp_streams").set(u32::try_from(open.len()).unwrap_or(u32::MAX));
        Ok((stream, waiting))
    }

    /// The open one with this id.
    pub fn find(&self, id: &str) -> Result<Arc<Stream>> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(id).cloned().ok_or_else(|| McpRefusal::StreamUnknown.into())
    }

    /// Forgets one.
    pub fn close(&self, id: &str) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(id);
        metrics::gauge!("roborent_mcp_streams").set(u32::try_from(open.len()).unwrap_or(u32::MAX));
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

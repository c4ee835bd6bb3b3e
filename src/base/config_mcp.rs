//! The settings of the MCP door.

use serde::{Deserialize, Serialize};

/// The MCP door.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mcp {
    /// Hosts under which it may be called, beside that of `server.public_url` and this machine's own names.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call it, such as `https://app.example`, beside that of `server.public_url`.
    pub allowed_origins: Vec<String>,
    /// Deadline of a message, in seconds.
    pub timeout_seconds: u64,
    /// Deadline of a batch, in seconds.
    pub batch_timeout_seconds: u64,
    /// Largest body taken, in bytes.
    pub body_bytes_max: usize,
    /// Open event streams of this node.
    pub streams_max: usize,
    /// Open event streams of one user.
    pub streams_per_user_max: usize,
    /// Open event streams without a credential, of one client address.
    pub streams_per_client_max: usize,
    /// An event stream without a message for so long is closed, in seconds.
    pub stream_idle_seconds: u64,
}

impl Default for Mcp {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            timeout_seconds: 15,
            batch_timeout_seconds: 45,
            body_bytes_max: 1024 * 1024,
            streams_max: 10_000,
            streams_per_user_max: 10,
            streams_per_client_max: 5,
            stream_idle_seconds: 1_800,
        }
    }
}

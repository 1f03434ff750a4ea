//! The effective configuration: defaults, then a TOML file, then `KITH_…` variables, then flags.
//!
//! Invariant: every value that leaves [`Config::load`] was named by this file; an unknown key anywhere is an error
//! that says where it came from. Plain data: `cli` loads it, `cli` and `client` read it, nobody changes it. What the
//! server and the engine have defaults for is theirs to say.

mod durability;
mod load;
mod log;
mod secret;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::DEFAULT_WORKSPACE;
use crate::server;
use crate::server::DEFAULT_PORT;

pub use durability::Durability;
pub use load::{Error, Layers, environment};
pub use log::{Log, LogFormat, LogLevel};
pub use secret::Secret;

/// Everything that can be set. Relative paths start at the working directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port the server listens on.
    pub listen: SocketAddr,
    /// Directory of the database; created if it does not exist.
    pub data: PathBuf,
    /// Model file of the workspace `default`. None: the model that is stored, or the built-in one.
    pub model: Option<PathBuf>,
    /// When a write is acknowledged: `sync` (after fsync) or `interval(MS)` (fsync every MS milliseconds).
    pub durability: Durability,
    /// Permits an address other than loopback without TLS and API keys.
    pub insecure: bool,
    /// Worker threads that serve connections, at least 1.
    pub cores: usize,
    /// Memory for stored data in MiB: two thirds for the records that lookups read, a tenth for fragments and links, a
    /// quarter for RocksDB's blocks.
    pub cache_mib: usize,
    /// Memory for answers of lookups in MiB, which are given again as long as nothing was written that they were read
    /// from. 0: none are kept.
    pub answer_cache_mib: usize,
    /// Client: URL of the server, `http://` or `https://`.
    pub server: String,
    /// Client: API key to send with every call. Never printed.
    pub api_key: Option<Secret>,
    /// Client: PEM file of the authority that signed the server's certificate. None: those of this machine.
    pub ca: Option<PathBuf>,
    /// Certificate and private key of the server. None: plain text.
    pub tls: Option<Tls>,
    /// What the server accepts before it refuses.
    pub limits: Limits,
    /// The server's log on stderr.
    pub log: Log,
    /// Further workspaces by name: 1 to 64 of `a-z`, `0-9`, `-` and `_`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub workspaces: BTreeMap<String, Workspace>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: server::Options::default().listen,
            data: PathBuf::from("./data"),
            model: None,
            durability: Durability::Sync,
            insecure: false,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cache_mib: 1024,
            answer_cache_mib: server::DEFAULT_ANSWER_CACHE_BYTES / (1024 * 1024),
            server: format!("http://127.0.0.1:{DEFAULT_PORT}"),
            api_key: None,
            ca: None,
            tls: None,
            limits: Limits::default(),
            log: Log::default(),
            workspaces: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Every workspace with its model file, `default` always among them.
    pub fn models(&self) -> BTreeMap<&str, Option<&Path>> {
        let named = self.workspaces.iter().map(|(name, workspace)| (name.as_str(), workspace.model.as_deref()));
        let mut models: BTreeMap<_, _> = named.collect();
        let of_default = models.entry(DEFAULT_WORKSPACE).or_insert(None);
        *of_default = of_default.or(self.model.as_deref());
        models
    }
}

/// A workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workspace {
    /// Its model file. None: the model that is stored, or the built-in one.
    pub model: Option<PathBuf>,
}

/// The server's identity; both files or neither.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the certificate chain.
    pub cert: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// What the server accepts. Past most limits it refuses with RESOURCE_EXHAUSTED; calls past those of one connection wait
/// in their client, as HTTP/2 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest gRPC message in bytes, either way.
    pub max_message_bytes: usize,
    /// Open connections.
    pub max_connections: usize,
    /// Concurrent HTTP/2 streams of one connection.
    pub max_streams_per_connection: u32,
    /// Calls being answered at once, over all connections. Times `max_message_bytes` it bounds the memory of requests.
    pub max_in_flight: usize,
    /// Milliseconds a unary call may take. Its caller can ask for less, not for more.
    pub deadline_ms: u64,
    /// Commands waiting for the writer.
    pub write_queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let server::Limits { max_message_bytes, max_connections, max_streams_per_connection, max_in_flight, deadline } =
            server::Limits::default();
        Self {
            max_message_bytes,
            max_connections,
            max_streams_per_connection,
            max_in_flight,
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
            write_queue: 4096,
        }
    }
}

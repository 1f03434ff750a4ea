//! How to serve: the address, who may call, and every limit by its name.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::cores::{DEFAULT_MAX_CONNECTIONS, DEFAULT_MAX_STREAMS};
use super::tls::TlsFiles;

/// The port of kith.
pub const DEFAULT_PORT: u16 = 7600;
/// How large a message may be unless told otherwise, in bytes, either way.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// How many calls may be in flight at once unless told otherwise, streams included. Times the largest message this
/// bounds what requests take in memory, and as much again for answers: 1,024 × 4 MiB are 4 GiB, if every client does its
/// worst at once.
pub const DEFAULT_MAX_IN_FLIGHT: usize = 1_024;
/// How long a call that is no stream may take unless told otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// How much memory answers that are kept may take unless told otherwise, in bytes.
pub const DEFAULT_ANSWER_CACHE_BYTES: usize = 256 * 1024 * 1024;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Permits an address other than loopback without TLS and keys.
    pub insecure: bool,
    /// Certificate and key; without them connections are not encrypted.
    pub tls: Option<TlsFiles>,
    /// How many threads serve; `None`: as many as the machine runs at once.
    pub cores: Option<usize>,
    /// About how many bytes of answers to lookups are kept, to be given again as long as nothing is written that they were
    /// read from; 0 keeps none.
    pub answer_cache_bytes: usize,
    /// That a thread that serves also reads the disk, as long as that is quick. True everywhere but in tests of what is done
    /// where it is not.
    pub reads_in_place: bool,
    /// The limits.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT);
        Self {
            listen,
            insecure: false,
            tls: None,
            cores: None,
            answer_cache_bytes: DEFAULT_ANSWER_CACHE_BYTES,
            reads_in_place: true,
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// True if calls without a key are permitted as long as there is no key.
    pub fn is_open(&self) -> bool {
        self.insecure || self.listen.ip().is_loopback()
    }
}

/// The limits of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How large a message may be, in bytes, either way.
    pub max_message_bytes: usize,
    /// How many connections are served at once.
    pub max_connections: usize,
    /// How many calls one HTTP/2 connection may have open at once; HTTP/2 makes its client wait with further ones.
    pub max_streams_per_connection: u32,
    /// How many calls may be in flight at once on all connections, streams included.
    pub max_in_flight: usize,
    /// How long a call that is no stream may take. A client can ask for less, not for more. It then has as long again
    /// to take the answer (1 s at least), before its connection is closed.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            max_streams_per_connection: DEFAULT_MAX_STREAMS,
            max_in_flight: DEFAULT_MAX_IN_FLIGHT,
            deadline: DEFAULT_DEADLINE,
        }
    }
}

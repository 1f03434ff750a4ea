//! Serves HTTP/1 and HTTP/2, one thread per core: an acceptor hands every connection to the core with the fewest.
//!
//! A connection lives and dies on one thread, so nothing on a call's path is shared between threads unless the service
//! shares it. Knows nothing of kith's services: the benchmark's peers are served by the same code.

mod accept;
mod connection;
mod door;
mod first_bytes;
pub mod piece;
mod worker;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::sync::watch;
use tower::Service;

use super::drain::Drain;
use piece::Piece;

/// How many connections are served at once unless told otherwise.
pub const DEFAULT_MAX_CONNECTIONS: usize = 1_024;
/// How many calls one HTTP/2 connection may have open at once unless told otherwise.
pub const DEFAULT_MAX_STREAMS: u32 = 128;
/// How many connections past the cap are still answered, with a refusal of every call; further ones are closed.
pub const CROWD_CONNECTIONS: usize = 64;

/// How long a client may leave the answer to a unary call untaken unless told otherwise.
pub const DEFAULT_TAKING_TIME: Duration = Duration::from_secs(30);

/// What a connection's calls go to. Implemented by every fitting tower service, such as `tonic::service::Routes`.
pub trait Calls:
    Service<Request<Incoming>, Response = Response<Self::Body>, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + 'static
{
    /// The body of its answers.
    type Body: Body<Data: Into<Piece>, Error: Into<tower::BoxError>> + Send + 'static;
}

impl<S, B> Calls for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data: Into<Piece>> + Send + 'static,
    B::Error: Into<tower::BoxError>,
{
    type Body = B;
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct CoreOptions {
    /// How many threads serve; at least one.
    pub cores: usize,
    /// How many connections are served at once.
    pub max_connections: usize,
    /// How many calls one HTTP/2 connection may have open at once.
    pub max_streams: u32,
    /// How long a client may leave the answer to a unary call untaken; after that, and before twice that, its
    /// connection is closed.
    pub taking_time: Duration,
    /// Certificate and key; without them connections are not encrypted.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Counts the connections.
    pub connections: Arc<Connections>,
    /// Ends the serving once it is given.
    pub drain: Drain,
}

impl Default for CoreOptions {
    fn default() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            max_connections: DEFAULT_MAX_CONNECTIONS,
            max_streams: DEFAULT_MAX_STREAMS,
            taking_time: DEFAULT_TAKING_TIME,
            tls: None,
            connections: Arc::default(),
            drain: Drain::new(),
        }
    }
}

/// Counts of connections.
#[derive(Debug, Default)]
pub struct Connections {
    open: AtomicUsize,
    refused: AtomicU64,
}

impl Connections {
    /// How many are open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How many came past the cap so far.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// Threads that serve.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    drain: Drain,
    threads: Vec<JoinHandle<()>>,
    alive: watch::Receiver<()>,
}

/// Serves `listener` on threads of its own until [`Running::stop`]. `service` is called once on each core.
pub fn serve<S: Calls>(
    listener: TcpListener,
    options: CoreOptions,
    service: impl Fn() -> S + Send + Sync + 'static,
) -> io::Result<Running> {
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    let drain = options.drain.clone();
    let service = Arc::new(service);
    let (guard, alive) = watch::channel(());

    let mut threads = Vec::with_capacity(options.cores + 1);
    let mut cores = Vec::with_capacity(options.cores);
    for index in 0..options.cores.max(1) {
        let service = Arc::clone(&service);
        let (core, thread) = worker::spawn(index, move || service(), &options, guard.clone())?;
        cores.push(core);
        threads.push(thread);
    }
    threads.push(accept::spawn(listener, cores, options, guard)?);
    Ok(Running { addr, drain, threads, alive })
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Begins to drain: no new connection is accepted, calls under way finish.
    pub fn stop(&self) {
        self.drain.begin();
    }

    /// Waits until nothing is served any more; cheap to wait on, from any runtime.
    pub async fn stopped(&self) {
        let mut alive = self.alive.clone();
        while alive.changed().await.is_ok() {}
    }

    /// Blocks until all threads have ended.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a serving thread panicked");
            }
        }
    }
}

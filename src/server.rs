//! The server: gRPC and plain HTTP on one port, over one engine.
//!
//! From the socket inwards: [`cores`] serves connections, the gate takes every call through limits and auth, [`http`]
//! and the gRPC services answer it. It only translates: what kith does is the engine's.

pub mod auth;
mod clock;
mod convert;
pub mod cores;
pub mod drain;
mod faces;
mod files;
mod gate;
mod grpc;
mod http;
mod limits;
mod methods;
mod metrics;
mod options;
mod start;
pub mod status;
mod tls;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use cores::{CoreOptions, Running};
use drain::Drain;
use gate::Gate;
use grpc::{Context, Disk, KeptAnswers, Plans};
use metrics::Metrics;

use crate::engine::Engine;

pub use clock::now;
pub use convert::access as keys;
pub use files::make_room;
pub use options::{
    DEFAULT_ANSWER_CACHE_BYTES, DEFAULT_DEADLINE, DEFAULT_MAX_IN_FLIGHT, DEFAULT_MAX_MESSAGE_BYTES, DEFAULT_PORT,
    Limits, Options,
};
pub use start::StartError;
pub use tls::TlsFiles;

/// A client has at least this long to take an answer, however short the deadline of calls is: networks are slower.
const MIN_TAKING_TIME: Duration = Duration::from_secs(1);

/// A server that is serving.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    drain: Drain,
    alive: watch::Receiver<()>,
    end: JoinHandle<()>,
}

/// Stops a server from elsewhere.
#[derive(Clone, Debug)]
pub struct Handle(Drain);

impl Handle {
    /// Begins to drain, as [`Server::stop`].
    pub fn stop(&self) {
        self.0.begin();
    }
}

impl Server {
    /// Serves `engine` on threads of its own until [`Server::stop`]; then the engine is closed.
    ///
    /// The workspace `default` must exist: it is the one of calls without a key.
    pub async fn start(options: Options, engine: Engine) -> Result<Self, StartError> {
        start::check(&options, &engine)?;
        let tls = options.tls.as_ref().map(tls::load).transpose()?;
        let listener = start::bind(options.listen)?;

        let drain = Drain::new();
        let mut core_options = CoreOptions {
            max_connections: options.limits.max_connections,
            max_streams: options.limits.max_streams_per_connection,
            taking_time: options.limits.deadline.max(MIN_TAKING_TIME),
            tls,
            drain: drain.clone(),
            ..CoreOptions::default()
        };
        core_options.cores = options.cores.unwrap_or(core_options.cores);

        let policy = Arc::new(start::policy(&options, &engine, &drain)?);
        let in_flight = Arc::clone(&policy.in_flight);
        let metrics = Arc::new(Metrics::new(in_flight, Arc::clone(&core_options.connections)));
        let health = HealthReporter::new();
        start::set_health(&health, ServingStatus::Serving).await;
        let routes = start::routes(&drain, &metrics, &health)?;

        let max_message_bytes = options.limits.max_message_bytes;
        let (shared_engine, shared_drain) = (engine.clone(), drain.clone());
        let (plans, answers) = (Arc::new(Plans::new()), Arc::new(KeptAnswers::new(options.answer_cache_bytes)));
        let service = move || {
            let (engine, drain) = (shared_engine.clone(), shared_drain.clone());
            let guard = policy.guard.clone();
            let (plans, answers) = (Arc::clone(&plans), Arc::clone(&answers));
            let (counts, disk) = (metrics.counts(), Arc::new(Disk::new(options.reads_in_place)));
            let context = Context { engine, guard, drain, counts, plans, answers, disk };
            let faces = grpc::faces(routes.clone(), &context, max_message_bytes);
            Gate::new(faces, Arc::clone(&policy), context.counts)
        };
        let running = cores::serve(listener, core_options, service).map_err(StartError::Threads)?;
        let addr = running.addr();
        let (guard, alive) = watch::channel(());
        let end = end_in_order(running, drain.clone(), health, engine, guard)?;
        tracing::info!(%addr, "serving");
        Ok(Self { addr, drain, alive, end })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Begins to drain: nothing new is accepted, calls under way finish within [`drain::DRAIN_TIME`], streams end.
    pub fn stop(&self) {
        self.drain.begin();
    }

    /// Stops it from elsewhere.
    pub fn handle(&self) -> Handle {
        Handle(self.drain.clone())
    }

    /// Waits until everything has ended and the engine is closed, from any runtime. The database can be opened again
    /// then, unless the caller has kept a clone of the engine.
    pub async fn stopped(&self) {
        let mut alive = self.alive.clone();
        while alive.changed().await.is_ok() {}
    }

    /// Blocks until everything has ended and the engine is closed.
    pub fn join(self) {
        if self.end.join().is_err() {
            tracing::error!("the end of the server panicked");
        }
    }
}

/// Waits for the drain on a thread of its own, and then ends in order: tell the health checks, let the calls finish,
/// close the engine.
fn end_in_order(
    running: Running,
    drain: Drain,
    health: HealthReporter,
    engine: Engine,
    alive: watch::Sender<()>,
) -> Result<JoinHandle<()>, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(StartError::Threads)?;
    let thread = std::thread::Builder::new().name("kith-end".to_owned()).spawn(move || {
        runtime.block_on(async {
            drain.wait().await;
            tracing::info!("draining");
            start::set_health(&health, ServingStatus::NotServing).await;
        });
        // The cores have given back their engines once they have ended.
        running.join();
        engine.close();
        // The last engine of the server takes the database's lock with it: who waits for the end may open it again.
        drop(engine);
        tracing::info!("stopped");
        drop(alive);
    });
    thread.map_err(StartError::Threads)
}

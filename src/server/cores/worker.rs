//! One core: a thread with a runtime of its own that serves the connections it is handed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::accept::{Accepted, Core};
use super::connection::Connector;
use super::{Calls, CoreOptions};
use crate::server::drain::DRAIN_TIME;

/// How many threads of a core wait for the disk at once.
const BLOCKING_THREADS: usize = 16;
/// How long reads from the disk that nobody waits for any more may take at the end.
const BLOCKING_END: Duration = Duration::from_secs(1);

/// Starts the thread of core `index`.
pub fn spawn<S: Calls>(
    index: usize,
    service: impl Fn() -> S + Send + 'static,
    options: &CoreOptions,
    alive: watch::Sender<()>,
) -> io::Result<(Core, JoinHandle<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name(format!("kith-disk-{index}"))
        .build()?;
    let (inbox, accepted) = mpsc::unbounded_channel();
    let connector = Connector {
        http: super::connection::http(options.max_streams),
        taking_time: options.taking_time,
        tls: options.tls.clone().map(TlsAcceptor::from),
        drain: options.drain.clone(),
    };
    let thread = std::thread::Builder::new().name(format!("kith-core-{index}")).spawn(move || {
        run(runtime, service(), connector, accepted);
        drop(alive);
    })?;
    Ok((Core { inbox, open: Arc::new(AtomicUsize::new(0)) }, thread))
}

fn run<S: Calls>(runtime: Runtime, service: S, connector: Connector, mut accepted: mpsc::UnboundedReceiver<Accepted>) {
    let connector = Arc::new(connector);
    runtime.block_on(async {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                next = accepted.recv() => match next {
                    Some(next) => { connections.spawn(Arc::clone(&connector).serve(next, service.clone())); }
                    None => break,
                },
                Some(_ended) = connections.join_next() => {}
            }
        }
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_TIME, all).await.is_err() {
            tracing::warn!(connections = connections.len(), "calls that did not end in the time to drain are cut off");
        }
    });
    runtime.shutdown_timeout(BLOCKING_END);
}
